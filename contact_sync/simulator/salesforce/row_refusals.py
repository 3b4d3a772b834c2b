"""Rows that a test lets go wrong: refused with a code of its choice so many times, and written when they come again.

Only what comes by the API is concerned, REST and Bulk alike. Does not belong here: requests and jobs that go wrong
(disturbances.py), and rows that are refused for what they hold (record_chunk.py).
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from contact_sync.simulator.salesforce.values import RowError


@dataclass(slots=True)
class _Plan:
    error: RowError
    times: int
    keys: frozenset[str]
    every: int
    seen: int = 0

    def strikes(self, names: Collection[str]) -> bool:
        if self.times == 0 or (self.keys and self.keys.isdisjoint(names)):
            return False
        self.seen += 1
        if self.seen % self.every:
            return False
        self.times -= 1
        return True


class RowRefusals:
    """Which rows will be refused next in an org."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plans: list[_Plan] = []

    def plan(self, error: RowError, *, times: int, keys: Collection[str], every: int) -> None:
        """Refuse the next `times` rows with one of these ids or external ids, or of all rows; of those every n-th."""
        with self._lock:
            self._plans.append(_Plan(error, times, frozenset(keys), every))

    def calm(self) -> None:
        """Forget everything that is planned."""
        with self._lock:
            self._plans.clear()

    def take(self, names: Collection[str]) -> RowError | None:
        """What the row is told that has these ids and external ids, if it goes wrong."""
        with self._lock:
            struck = [plan for plan in self._plans if plan.strikes(names)]
            self._plans = [plan for plan in self._plans if plan.times]
        return struck[0].error if struck else None
