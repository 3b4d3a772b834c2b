"""Decisions about consent are kept, withdrawn but not lost, and follow the person."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

from contact_sync.state.consents import ConsentDecision, ConsentLedger
from contact_sync.state.database import StateDatabase

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_a_decision_stays_listed_after_it_is_withdrawn() -> None:
    """It holds until then; withdrawing it twice, or one that never was, changes nothing and says so."""
    with closing(StateDatabase("sqlite://")) as database:
        ledger = ConsentLedger(database)
        number = ledger.accept(subject_key="per_1", channel="email", steward="Ann", note="form", at=NOON)
        kept = ConsentDecision(
            decision_id=number, subject_key="per_1", channel="email", accepted_at=NOON, steward="Ann", note="form"
        )

        assert [kept] == ledger.decisions()
        later = NOON + timedelta(hours=1)
        assert (True, False, False) == (
            ledger.withdraw(number, at=later),
            ledger.withdraw(number, at=NOON),
            ledger.withdraw(number + 1, at=NOON),
        )
        assert [later] == [decision.withdrawn_at for decision in ledger.decisions()]
