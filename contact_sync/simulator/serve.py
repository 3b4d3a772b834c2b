"""A world in the foreground of a process of its own, for the demo: until a signal, or until its parent is gone."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil

from contact_sync.simulator.control import control_server
from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.world import World

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 0.5


def serve(
    home: Path,
    *,
    seed: int = 7,
    contacts: int = 20_000,
    accounts: int = 4_000,
    rate: float | None = None,
    ready: Path | None = None,
    parent: int | None = None,
) -> None:
    """Run a world until SIGINT or SIGTERM, or until process `parent` ends.

    `rate` is the number of events per minute to start with; without it the population stays paused. When all servers
    answer, `ready` is written: JSON with `settings`, `control` (a URL) and `pid`. It is removed at the end.
    """
    with (
        _until_told_to_stop(parent) as stop,
        World.start(home, seed=seed, contacts=contacts, accounts=accounts) as world,
    ):
        control = control_server(world)
        control.start()
        try:
            if rate is not None:
                world.ticker.set_rate(rate)
                world.ticker.resume()
            if ready is not None:
                write_ready_file(ready, settings=world.settings(), control=control.url)
            _wait(stop, parent)
        finally:
            if ready is not None:
                ready.unlink(missing_ok=True)
            control.close()


def write_ready_file(path: Path, *, settings: dict[str, str], control: str) -> None:
    """Write the file in one step, readable by its owner only because it holds secrets."""
    content = json.dumps({"settings": settings, "control": control, "pid": os.getpid()}, indent=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(content)
    unfinished.replace(path)


@contextlib.contextmanager
def _until_told_to_stop(parent: int | None) -> Iterator[threading.Event]:
    """An event that signals set; signals work as before afterwards."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        # The kernel sends SIGUSR1 also when only the thread that started us ends: the parent itself may live on.
        if number != signal.SIGUSR1 or not _is_alive(parent):
            stop.set()

    handled = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGUSR1] if parent is not None else [])
    before = {number: signal.signal(number, on_signal) for number in handled}
    if parent is not None:
        if not _is_alive(parent):
            raise SimulatorError(f"The parent process {parent} does not run; leave it out or name one that does.")
        _ask_for_signal_when_parent_dies()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(stop: threading.Event, parent: int | None) -> None:
    while not stop.wait(_LOOK_SECONDS):
        if not _is_alive(parent):
            return


def _is_alive(parent: int | None) -> bool:
    if parent is None:
        return True
    try:
        return psutil.Process(parent).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _ask_for_signal_when_parent_dies() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)
