"""Starts `contact-sync demo` as a person would, in a home of its own, and ends it; nothing of it may stay behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 400.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class RunningDemo:
    """A demo that was started; `output` is the file that holds what it printed."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def url(self) -> str:
        """The UI's printed address; waits for it."""
        return self.printed(r"alive at (http://127\.0\.0\.1:\d+)/asset-groups")

    @property
    def control(self) -> str:
        """The printed address at which the simulated systems are steered; waits for it."""
        return self.printed(r"population at (http://127\.0\.0\.1:\d+) ")

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def printed(self, pattern: str) -> str:
        """What the first group of a pattern matches, as soon as it is printed."""

        def is_decided() -> bool:
            return re.search(pattern, self.text) is not None or self.process.poll() is not None

        wait_until(is_decided, seconds=START_SECONDS, what=f"the demo to print {pattern}")
        found = re.search(pattern, self.text)
        assert found is not None, self.text
        return found.group(1)

    def family(self) -> list[psutil.Process]:
        """The demo's process and everything it started, directly or not."""
        leader = psutil.Process(self.process.pid)
        return [leader, *leader.children(recursive=True)]

    def interrupt(self) -> int:
        """Press Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def kill_family(self) -> None:
        """For a test that failed half-way: nothing it started may go on."""
        family = self.family() if self.process.poll() is None else []
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(STOP_SECONDS)


def start_demo(repository: Path, home: Path, *options: str, output: Path | None = None) -> RunningDemo:
    """Start the installed command in the checkout, with nothing but a home in its settings."""
    home.mkdir(parents=True, exist_ok=True)
    output = output or home.with_suffix(".log")
    command = [str(Path(sys.executable).with_name("contact-sync")), "demo", "--contacts", "400", "--accounts", "80"]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*command, *options],
            cwd=repository,
            env={**os.environ, "CONTACT_SYNC_HOME": str(home), "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return RunningDemo(process, output)


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process that was started for a demo in this home: its command line or a recorded pid says so."""
    record = home / "demo" / "processes.json"
    noted = {entry["pid"] for entry in json.loads(record.read_text(encoding="utf-8"))} if record.exists() else set()
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.pid in noted or any(str(home) in part for part in process.info["cmdline"] or [])
    ]


def still_running(family: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those of a family that have not ended; one that only waits to be reaped has ended."""
    return [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as a condition holds; fail the test when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.2)
