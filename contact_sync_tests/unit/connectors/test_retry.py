"""Waiting between attempts and between polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contact_sync.connectors.retry import Retry, TransientError, polls
from contact_sync.errors import SourceUnreachableError

if TYPE_CHECKING:
    from contact_sync_tests.unit.connectors.scripted_org import FakeTime


def test_delays_double_up_to_the_longest(fake_time: FakeTime) -> None:
    """Each delay is twice the one before until the longest is reached; then the carried error is raised."""
    retry = Retry(attempts=5, first_delay_seconds=1, longest_delay_seconds=3, clock=fake_time.clock())
    error = SourceUnreachableError("gone")

    def call() -> None:
        raise TransientError(error)

    with pytest.raises(SourceUnreachableError) as raised:
        retry.run(call)

    assert error is raised.value
    assert [1, 2, 3, 3] == fake_time.slept


def test_other_errors_are_not_repeated(fake_time: FakeTime) -> None:
    """An error that is not transient passes at once."""
    with pytest.raises(ZeroDivisionError):
        Retry(clock=fake_time.clock()).run(lambda: 1 / 0)

    assert [] == fake_time.slept


def test_polls_slow_down_and_end_when_the_time_is_up(fake_time: FakeTime) -> None:
    """Polling starts at once, slows down to every ten seconds, and asks a last time at the deadline."""
    count = sum(1 for _ in polls(fake_time.clock(), timeout_seconds=30))

    assert pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 7.3]) == fake_time.slept
    assert len(fake_time.slept) + 1 == count
