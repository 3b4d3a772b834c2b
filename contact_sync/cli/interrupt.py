"""Ctrl-C as a wish: the first one is asked for between steps, the second ends the process at once.

Ending at once loses nothing: what is published is published in one step, and batches that are open are taken over by
the next run. Does not belong here: what is done when somebody wants to end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

EXIT_CODE: Final = 128 + signal.SIGINT
"""What a shell says of a command that Ctrl-C ended."""
_STANDARD_ERROR: Final = 2
_TOLD: Final = b"\nStopping; what is under way ends at its next page. Ctrl-C once more ends it at once.\n"


@contextmanager
def wish_to_end() -> Iterator[Callable[[], bool]]:
    """Inside, Ctrl-C only makes the yielded function return True; to be used in the main thread."""
    is_wished = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_wished
        is_wished = True
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Not through sys.stderr, which whatever was interrupted may be writing to.
        os.write(_STANDARD_ERROR, _TOLD)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: is_wished
    finally:
        signal.signal(signal.SIGINT, before)
