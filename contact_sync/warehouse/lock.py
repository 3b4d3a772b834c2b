"""A lock file that lets one process at a time use the DuckDB file, and says who holds it.

DuckDB has one writer process; waiting politely beats failing. The lock ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from contact_sync.errors import WarehouseError

DEFAULT_WAIT_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 0.05


@contextmanager
def exclusive(
    path: Path,
    *,
    purpose: str,
    what: str = "The warehouse",
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Hold the lock file at `path`, which guards `what`; `on_wait` is told the holder once.

    Raises WarehouseError naming the holder when the wait is over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _acquire(file, path, what, time.monotonic() + wait_seconds, on_wait)
        _write_holder(file, purpose)
        try:
            yield
        finally:
            file.truncate(0)
            fcntl.flock(file, fcntl.LOCK_UN)


def _acquire(file: IO[str], path: Path, what: str, deadline: float, on_wait: Callable[[str], None] | None) -> None:
    told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(path)
            if time.monotonic() > deadline:
                raise WarehouseError(
                    f"{what} is in use by {holder}.", remedy="Wait for it to end, or end it, then run again."
                ) from None
            if on_wait is not None and not told:
                on_wait(holder)
                told = True
            time.sleep(_POLL_SECONDS)
        else:
            return


def _write_holder(file: IO[str], purpose: str) -> None:
    file.seek(0)
    file.truncate()
    json.dump({"pid": os.getpid(), "program": Path(sys.argv[0]).name, "purpose": purpose}, file)
    file.flush()


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another process"
    return f"{holder['program']} (process {holder['pid']}: {holder['purpose']})"
