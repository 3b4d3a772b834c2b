"""Time in the simulator: what the clock says, and a heart that beats while the world is not paused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Starts at an instant and runs at the speed of life; `advance` jumps ahead. Never goes back."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start or datetime.now(UTC)
        self._origin = time.monotonic()
        self._jumped = timedelta()

    def __call__(self) -> datetime:
        """Now, in UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._origin) + self._jumped

    def advance(self, by: timedelta) -> None:
        """Jump ahead."""
        if by < timedelta():
            raise ValueError("a clock cannot go back")
        self._jumped += by


class Ticker:
    """Calls `beat` so many times a minute, in a thread, while it is not paused. Starts paused."""

    def __init__(self, beat: Callable[[], object], *, per_minute: float = 60.0) -> None:
        self._beat = beat
        self._per_minute = per_minute
        self._condition = threading.Condition()
        self._is_paused = True
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="simulator-life", daemon=True)
        self._thread.start()

    @property
    def is_paused(self) -> bool:
        """Whether time stands still for the population."""
        return self._is_paused

    @property
    def per_minute(self) -> float:
        """Beats per minute."""
        return self._per_minute

    def pause(self) -> None:
        """Stand still; a beat that is under way ends first."""
        with self._condition:
            self._is_paused = True

    def resume(self) -> None:
        """Go on."""
        with self._condition:
            self._is_paused = False
            self._condition.notify_all()

    def set_rate(self, per_minute: float) -> None:
        """Beat faster or slower."""
        if per_minute <= 0:
            raise ValueError(f"a rate of {per_minute} beats per minute is not possible; pause instead")
        with self._condition:
            self._per_minute = per_minute
            self._condition.notify_all()

    def stop(self) -> None:
        """Stop for good."""
        with self._condition:
            self._is_stopped = True
            self._condition.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._is_stopped or not self._is_paused)
                if self._is_stopped:
                    return
                # Waking early means that something was asked of the ticker, not that a beat is due.
                if self._condition.wait(60 / self._per_minute):
                    continue
                if self._is_paused:
                    continue
                self._beat()
