"""Child processes of the demo: started in groups of their own, known by pid, and ended for certain.

A record of running groups lies in the demo's home, so that the next start can clean up after a crash. Does not belong
here: what the processes do.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

_STOP_SECONDS: Final = 4.0


class ProcessGroups:
    """The process groups of one demo."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own, its output in a log file."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)
        self._note()
        return child

    def stop(self) -> None:
        """End every group, the last started first; politely, then for certain."""
        for child in reversed(self._children):
            _end_group(child.pid, os.getpgid(child.pid) if child.poll() is None else child.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_STOP_SECONDS)
        self._children.clear()
        self._record.unlink(missing_ok=True)

    def end_leftovers(self) -> int:
        """End the groups that a crashed demo left behind; returns how many there were."""
        try:
            noted = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        alive = [entry for entry in noted if _is_same_process(entry["pid"], entry["started"])]
        for entry in reversed(alive):
            _end_group(entry["pid"], entry["pid"])
        self._record.unlink(missing_ok=True)
        return len(alive)

    def _note(self) -> None:
        entries = [
            {"pid": child.pid, "started": psutil.Process(child.pid).create_time()}
            for child in self._children
            if child.poll() is None
        ]
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(json.dumps(entries), encoding="utf-8")


def free_port(preferred: int) -> int:
    """The preferred TCP port on 127.0.0.1 if it is free, otherwise any free one."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "there is no free TCP port on 127.0.0.1"
    raise OSError(message)


def _is_same_process(pid: int, started: float) -> bool:
    """Whether this pid still is the process that was noted, and not another one that got its number."""
    try:
        return abs(psutil.Process(pid).create_time() - started) < 1
    except psutil.NoSuchProcess:
        return False


def _end_group(pid: int, group: int) -> None:
    """Interrupt, then terminate, then kill a group with all descendants of its leader."""
    family = _family(pid)
    for number, patience in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        if number != signal.SIGINT:
            _signal_all(family, number)
        if _all_gone(family, patience):
            return


def _family(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal_all(family: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _all_gone(family: Sequence[psutil.Process], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in _still(family)):
            return True
        time.sleep(0.1)
    return False


def _still(family: Sequence[psutil.Process]) -> list[psutil.Process]:
    return [process for process in family if psutil.pid_exists(process.pid)]
