"""Time: it goes on and can jump ahead; the heart beats only while it is not paused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contact_sync.simulator.clock import Clock, Ticker


def test_a_clock_starts_where_told_and_jumps() -> None:
    """The clock starts at its instant, goes on, and jumps by what it is advanced."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = Clock(start)
    clock.advance(timedelta(days=1))
    first = clock()

    assert start + timedelta(days=1) <= first <= clock()
    assert first < start + timedelta(days=1, minutes=1)


def test_a_clock_does_not_go_back() -> None:
    """Advancing by a negative time is refused."""
    with pytest.raises(ValueError, match="go back"):
        Clock().advance(timedelta(seconds=-1))


@pytest.fixture
def beats() -> threading.Semaphore:
    """Released once by each beat."""
    return threading.Semaphore(0)


@pytest.fixture
def ticker(beats: threading.Semaphore) -> Iterator[Ticker]:
    """A fast heart."""
    ticker = Ticker(beats.release, per_minute=60_000)
    yield ticker
    ticker.stop()


def test_the_heart_starts_paused_and_beats_when_resumed(ticker: Ticker, beats: threading.Semaphore) -> None:
    """Nothing happens before resume, and nothing after pause."""
    assert ticker.is_paused
    assert not beats.acquire(timeout=0.05)
    ticker.resume()
    assert beats.acquire(timeout=5)
    ticker.pause()
    while beats.acquire(blocking=False):
        pass
    assert not beats.acquire(timeout=0.05)


@pytest.mark.parametrize("rate", [0, -5])
def test_a_rate_has_to_be_above_zero(ticker: Ticker, rate: float) -> None:
    """A rate that never beats is refused."""
    with pytest.raises(ValueError, match="pause instead"):
        ticker.set_rate(rate)
