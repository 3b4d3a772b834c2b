"""Run uv with what this machine's pip is set to: index, extra indexes, wheel folders, certificate.

uv reads neither pip's variables nor its configuration files, so that behind a company's package mirror pip works and uv
does not. What is set for uv itself wins. Usage: .venv/bin/python .ci/uv.py <arguments of uv>
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit


def pip_settings() -> dict[str, str]:
    """Settings of pip by name, merged as pip does: variables, then the install section, then the global one."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings: dict[tuple[str, str], str] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        scope, _, name = key.rpartition(".")
        settings[scope, name] = str(ast.literal_eval(value))
    return {
        name: settings[scope, name]
        for rank in ("global", "install", ":env:")
        for scope, name in settings
        if scope == rank
    }


def usable(locations: str) -> list[str]:
    """Leave out local folders that are not there: pip passes over them, uv stops."""
    return [
        location
        for location in locations.split()
        if urlsplit(location).scheme not in ("", "file") or Path(urlsplit(location).path).is_dir()
    ]


def environment() -> dict[str, str]:
    """The environment for uv: pip's settings in uv's words, below what is set already."""
    settings = pip_settings()
    translated = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": " ".join(usable(settings.get("extra-index-url", ""))),
        "UV_FIND_LINKS": ",".join(usable(settings.get("find-links", ""))),
        "SSL_CERT_FILE": settings.get("cert", ""),
        # Every file is checked against its hash, so it does not matter which index serves it: look in all, as pip does.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {name: value for name, value in translated.items() if value} | dict(os.environ)


if __name__ == "__main__":
    uv = Path(sys.executable).with_name("uv")
    sys.exit(subprocess.run([uv, *sys.argv[1:]], env=environment(), check=False).returncode)
