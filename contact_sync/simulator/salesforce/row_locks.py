"""Which records are being written at the moment, and by whom: who comes second waits a while and is then refused.

After "Record-Level Locking" of Salesforce: a write locks its record and the parents below it, the one it leaves too. In
Salesforce the wait is ten seconds, and a transaction takes as long as the automation of the org does; here the wait is
short, and what holds a lock longer is another part of the same work, or a test. Does not belong here: which records a
row locks (record_chunk.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.values import RowError


@dataclass(frozen=True, slots=True)
class LockOwner:
    """Who holds locks: one part of a piece of work, whose parts run side by side and do not wait for each other."""

    work: object = field(default_factory=object)
    part: int = 0


class RowLocks:
    """The locked records of an org; `patience_seconds` is how long a write waits for one."""

    def __init__(self, *, patience_seconds: float = 2.0) -> None:
        self.patience_seconds = patience_seconds
        self._held: dict[str, LockOwner] = {}
        self._changed = threading.Condition()

    def take(self, owner: LockOwner, ids: Iterable[str]) -> frozenset[str]:
        """Lock the records that nobody else has locked; those that somebody has."""
        with self._changed:
            return frozenset(one for one in ids if self._held.setdefault(one, owner) != owner)

    def wait(self, owner: LockOwner, ids: Collection[str]) -> None:
        """Wait until others let go of these records, or patience is at an end."""
        deadline = time.monotonic() + self.patience_seconds
        with self._changed:
            while self._has_to_wait(owner, ids) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def release(self, *owners: LockOwner) -> None:
        """Let go of everything that these hold."""
        with self._changed:
            self._held = {one: holder for one, holder in self._held.items() if holder not in owners}
            self._changed.notify_all()

    @contextmanager
    def held(self, *ids: str) -> Iterator[None]:
        """Keep records locked, as a user's long transaction does; requests that want to write them are refused."""
        owner = LockOwner()
        if self.take(owner, ids):
            raise SimulatorError("Some of the records are locked already.")
        try:
            yield
        finally:
            self.release(owner)

    def _has_to_wait(self, owner: LockOwner, ids: Iterable[str]) -> bool:
        holders = [self._held.get(one) for one in ids]
        others = [one for one in holders if one is not None and one != owner]
        return bool(others) and all(one.work is not owner.work for one in others)


def locked(record_id: str) -> RowError:
    """What a row is told that wants a record which another transaction has."""
    message = f"unable to obtain exclusive access to this record or 1 records: {record_id}"
    return RowError("UNABLE_TO_LOCK_ROW", message)
