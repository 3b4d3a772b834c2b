"""Waiting: how often a failed call is repeated, and how a slow job is asked about, on a clock that tests can replace.

Does not belong here: which failures may pass and which calls may be repeated; each protocol knows that.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contact_sync.errors import SourceError

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Everything that waiting depends on: seconds that only rise, sleeping, and a random number in [0, 1)."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random


class TransientError(Exception):
    """Raised by a call that may be repeated; `error` is what the user sees if repeating does not help."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Repeat a call with exponential backoff; half of each delay is random, so that clients do not return in step."""

    attempts: int = 6
    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 30.0
    clock: Clock = field(default_factory=Clock)

    def run(self, call: Callable[[], Result]) -> Result:
        """Return the call's result; after the last attempt raise the SourceError its TransientError carries."""
        for attempt in range(1, self.attempts):
            try:
                return call()
            except TransientError:
                self.clock.sleep(self.delay(attempt))
        try:
            return call()
        except TransientError as last:
            raise last.error from last

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the attempt with this number (from 1)."""
        full = min(self.longest_delay_seconds, self.first_delay_seconds * 2.0 ** (attempt - 1))
        return full * (1 + self.clock.random()) / 2


def polls(
    clock: Clock, *, timeout_seconds: float, first_delay_seconds: float = 0.1, longest_delay_seconds: float = 10.0
) -> Iterator[None]:
    """Yield once at once, then after delays that double, and a last time when the time is up."""
    deadline = clock.now() + timeout_seconds
    delay = first_delay_seconds
    yield
    while (remaining := deadline - clock.now()) > 0:
        clock.sleep(min(delay, remaining))
        delay = min(delay * 2, longest_delay_seconds)
        yield
