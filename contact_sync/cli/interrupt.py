"""Ctrl-C and SIGTERM as a wish: the first is asked for between steps, the second ends the process at once.

Ending at once loses nothing: what is published is published in one step, and batches that are open are taken over by
the next run. Does not belong here: what is done when somebody wants to end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_STANDARD_ERROR: Final = 2
_TOLD: Final = b"\nStopping; what is under way ends at its next page. Ctrl-C once more ends it at once.\n"


class WishToEnd:
    """Called, it says whether somebody wants to end."""

    def __init__(self) -> None:
        self._signal: int | None = None

    def __call__(self) -> bool:
        """Whether a signal has come."""
        return self._signal is not None

    @property
    def exit_code(self) -> int:
        """What a shell says of a command that this signal ended; 0 if none has come."""
        return 0 if self._signal is None else 128 + self._signal

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Take in a signal; the next one does what it always does."""
        self._signal = number
        for one in _SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        # Not through sys.stderr, which whatever was interrupted may be writing to.
        os.write(_STANDARD_ERROR, _TOLD)


@contextmanager
def wish_to_end() -> Iterator[WishToEnd]:
    """Inside, the first signal only makes the yielded wish true; to be used in the main thread."""
    wish = WishToEnd()
    before = {number: signal.signal(number, wish.note) for number in _SIGNALS}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
