"""Locks on records: one owner at a time, a wait that ends with the lock or with patience."""

from __future__ import annotations

import threading
import time

import pytest

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.row_locks import LockOwner, RowLocks


def test_a_record_has_one_owner() -> None:
    """Who comes second gets the others only; who has a lock may take it again, and can let go of it."""
    locks, first, second = RowLocks(), LockOwner(), LockOwner()
    taken = [locks.take(first, "ab"), locks.take(second, "bc"), locks.take(first, "ab")]
    locks.release(first)

    assert [frozenset(), frozenset("b"), frozenset()] == taken
    assert (frozenset(), frozenset("c")) == (locks.take(second, "ab"), locks.take(first, "c"))


def test_a_wait_ends_when_the_lock_is_released() -> None:
    """Not before, and long before patience is at an end."""
    locks, first, second = RowLocks(patience_seconds=30), LockOwner(), LockOwner()
    locks.take(first, "a")
    began = time.monotonic()
    waiting = threading.Thread(target=locks.wait, args=(second, {"a"}))
    waiting.start()
    assert waiting.is_alive()
    locks.release(first)
    waiting.join(10)

    assert not waiting.is_alive()
    assert time.monotonic() - began < locks.patience_seconds


def test_patience_ends() -> None:
    """Then the lock is still where it was."""
    locks, first, second = RowLocks(patience_seconds=0.001), LockOwner(), LockOwner()
    locks.take(first, "a")
    locks.wait(second, {"a"})

    assert frozenset("a") == locks.take(second, "a")


def test_parts_of_one_work_do_not_wait_for_each_other() -> None:
    """They would wait for themselves."""
    locks, work = RowLocks(patience_seconds=600), object()
    locks.take(LockOwner(work, 1), "a")
    locks.wait(LockOwner(work, 2), {"a"})

    assert frozenset("a") == locks.take(LockOwner(work, 2), "a")


def test_what_a_test_holds_is_held_once() -> None:
    """A second holder is a mistake in the test; afterwards the record is free."""
    locks = RowLocks()
    with locks.held("a"), pytest.raises(SimulatorError), locks.held("a"):
        pass

    assert frozenset() == locks.take(LockOwner(), "a")
