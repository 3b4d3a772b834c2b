"""Alerts are told once, and their end once."""

from __future__ import annotations

from contextlib import closing

from contact_sync.state.alerts import AlertLedger
from contact_sync.state.database import StateDatabase


def test_an_alert_is_raised_once_and_ends_once() -> None:
    """The same subjects again are no news; kinds do not know each other."""
    with closing(StateDatabase("sqlite://")) as database:
        ledger = AlertLedger(database)

        assert ({"a", "b"}, set()) == ledger.update("late", {"a", "b"})
        assert (set(), set()) == ledger.update("late", {"a", "b"})
        assert ({"a"}, set()) == ledger.update("failed", {"a"})
        assert ({"c"}, {"a"}) == ledger.update("late", {"b", "c"})
        assert (set(), {"b", "c"}) == ledger.update("late", set())
        assert (set(), {"a"}) == ledger.update("failed", set())
