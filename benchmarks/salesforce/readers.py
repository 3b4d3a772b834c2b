"""What is compared: one command each, that reads all Contacts from a server into a directory.

Does not belong here: measuring them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from salesforce.bodies import FIELDS, REST_ROWS, Bodies

HERE: Final = Path(__file__).parent
SIMPLE: Final = ("simple-salesforce==1.12.10", "pandas==3.1.1", "pyarrow==26.0.1")
TAP: Final = ("tap-salesforce==2.8.1",)
RESULTS: Final = "/services/data/v62.0/jobs/query/750Hr000000000AAAA/results"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A way to read: `command(url, directory)`; `files` are the Parquet files it leaves, below the directory.

    rows: how many it reads, if not all. is_gzip: the server sends compressed bodies.
    """

    name: str
    command: Callable[[str, Path], list[str]]
    files: str | None = "*.parquet"
    rows: int | None = None
    is_gzip: bool = False
    environment: Callable[[str, Path], Mapping[str, str]] = field(default=lambda _url, _directory: {})


def readers(cache: Path, bodies: Bodies) -> list[Reader]:
    """All of them, in the order in which a round runs them; environments of others are made below the cache."""
    simple, tap = environment(cache / "simple", SIMPLE), environment(cache / "tap", TAP)
    pages = [f"?locator={number}" for number in range(bodies.pages)]
    return [
        Reader(
            name="curl (floor)",
            command=lambda url, directory: [
                *("curl", "--silent", "--fail", "--output", str(directory / "body")),
                *(f"{url}{RESULTS}{page}" for page in pages),
            ],
            files=None,
        ),
        Reader(
            name="download thread + DuckDB (reference)",
            command=lambda url, directory: [sys.executable, str(HERE / "reference.py"), url, str(directory)],
        ),
        ours("contact-sync extract"),
        ours("contact-sync extract, gzip", is_gzip=True),
        *(
            Reader(
                name=f"simple-salesforce + {kind}",
                command=lambda url, directory, kind=kind: [
                    *(simple, str(HERE / "simple_salesforce_pages.py"), url, str(directory), kind)
                ],
            )
            for kind in ("pyarrow", "pandas")
        ),
        Reader(
            name="singer tap-salesforce, REST",
            command=lambda url, directory: [tap, str(HERE / "singer_tap.py"), url, *_tap_files(directory)],
            files=None,
            rows=min(REST_ROWS, bodies.rows),
        ),
    ]


def ours(name: str, *, is_gzip: bool = False, days: tuple[str, str] | None = None) -> Reader:
    """`contact-sync extract` as a user starts it; days: read them again."""
    command = [str(Path(sys.executable).with_name("contact-sync")), "extract", "salesforce__contact"]
    again = ["--from", days[0], "--to", days[1]] if days else []
    return Reader(
        name=name,
        command=lambda _url, _directory: [*command, "--instance", "core", "--json", *again],
        files="development/lake/bronze/salesforce__contact/*/*/*.parquet",
        is_gzip=is_gzip,
        environment=lambda url, directory: {
            "CONTACT_SYNC_HOME": str(directory),
            "CONTACT_SYNC_SALESFORCE__CORE__URL": url,
            "CONTACT_SYNC_SALESFORCE__CORE__KIND": "simulator",
            "CONTACT_SYNC_SALESFORCE__CORE__CLIENT_ID": "benchmark",
            "CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET": "benchmark",
        },
    )


def environment(directory: Path, packages: tuple[str, ...]) -> str:
    """The Python of an environment that has these packages."""
    python = directory / "bin" / "python"
    done = directory / "installed.json"
    if not done.exists() or json.loads(done.read_text()) != list(packages):
        venv.create(directory, with_pip=True, clear=True)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, env=environment)
        done.write_text(json.dumps(packages))
    return str(python)


def _tap_files(directory: Path) -> list[str]:
    config = {
        "refresh_token": "x",
        "client_id": "x",
        "client_secret": "x",
        "start_date": "2000-01-01T00:00:00Z",
        "api_type": "REST",
        "select_fields_by_default": True,
    }
    formats = {"datetime": {"format": "date-time"}}
    kinds = {"boolean": ["null", "boolean"]}
    properties = {
        name: {"type": kinds.get(kind, ["null", "string"]), **formats.get(kind, {})} for name, kind in FIELDS.items()
    }
    stream = {"selected": True, "replication-key": "SystemModstamp", "table-key-properties": ["Id"]}
    catalog = {
        "stream": "Contact",
        "tap_stream_id": "Contact",
        "schema": {"type": "object", "properties": properties},
        "metadata": [
            {"breadcrumb": [], "metadata": stream},
            *({"breadcrumb": ["properties", name], "metadata": {"selected": True}} for name in FIELDS),
        ],
    }
    paths = [directory / "config.json", directory / "catalog.json"]
    for path, content in zip(paths, (config, {"streams": [catalog]}), strict=True):
        path.write_text(json.dumps(content))
    return ["--config", str(paths[0]), "--properties", str(paths[1])]
