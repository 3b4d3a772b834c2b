"""A simulator in a process of its own: ready file, clean end by signal, end with its parent, and life after a crash."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest

pytestmark = pytest.mark.postgres

PATIENCE = 40


def command(home: Path, *more: str) -> list[str]:
    """The command line of a small simulator."""
    small = ["--contacts", "50", "--accounts", "10", "--ready", str(home / "ready.json")]
    return [sys.executable, "-m", "contact_sync.simulator", "--home", str(home), *small, *more]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return as soon as a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def ready(home: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The content of the ready file that a process writes."""
    file = home / "ready.json"
    wait_until(lambda: file.exists() or process.poll() is not None, "the simulator is ready")
    assert process.poll() is None
    return dict(json.loads((home / "ready.json").read_text()))


def postgres_of(home: Path) -> list[psutil.Process]:
    """Server processes whose files are in a home."""
    directory = str(home / "simulator" / "erp")
    return [one for one in psutil.process_iter(["cmdline"]) if directory in (one.info["cmdline"] or [])]


def test_it_serves_until_a_signal(tmp_path: Path) -> None:
    """The ready file leads to servers that answer; a second start in the same home is refused in one line; SIGTERM ends
    everything and leaves no process and no file.
    """
    with subprocess.Popen(command(tmp_path, "--rate", "600")) as process:
        try:
            written = ready(tmp_path, process)
            status = httpx.get(f"{written['control']}/status").json()
            core = httpx.get(f"{written['settings']['CONTACT_SYNC_SALESFORCE__CORE__URL']}/services/data")
            second = subprocess.run(command(tmp_path), capture_output=True, text=True, check=False, timeout=PATIENCE)
        finally:
            process.terminate()
            code = process.wait(PATIENCE)

    assert (0, process.pid, httpx.codes.OK) == (code, written["pid"], core.status_code)
    assert not status["is_paused"]
    assert 1 == second.returncode
    assert "already runs" in second.stderr
    assert "Traceback" not in second.stderr
    assert [] == postgres_of(tmp_path)
    assert not (tmp_path / "ready.json").exists()


def test_a_crash_is_cleaned_up_and_the_end_of_the_parent_is_the_end(tmp_path: Path) -> None:
    """A killed simulator takes its database along; the next one starts in the same home and ends with its parent."""
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    child = subprocess.Popen(command(tmp_path))
    try:
        ready(tmp_path, child)
        child.kill()
        child.wait()
        wait_until(lambda: not postgres_of(tmp_path), "the database of the killed simulator is gone")
        (tmp_path / "ready.json").unlink()

        child = subprocess.Popen(command(tmp_path, "--parent", str(parent.pid)))
        with psycopg.connect(ready(tmp_path, child)["settings"]["CONTACT_SYNC_ERP__MAIN__URL"]) as connection:
            assert connection.execute("select count(*) > 0 from erp.contact").fetchone() == (True,)
        parent.kill()
        parent.wait()

        assert 0 == child.wait(PATIENCE)
        assert [] == postgres_of(tmp_path)
    finally:
        for process in (parent, child):
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)
