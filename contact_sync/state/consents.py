"""The ledger of consents that a steward accepted for a person, against the refusals that systems hold.

A decision is never changed: it is withdrawn, and stays listed. Does not belong here: what follows for golden records,
which is SQL (dbt_project/models/gold/contact.sql).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from contact_sync.state.database import CONSENT_DECISION, StateDatabase

CHANNELS: Final = ("email", "phone")


@dataclass(frozen=True, kw_only=True)
class ConsentDecision:
    """A steward accepted, at a time, that the person may be contacted by a channel.

    `subject_key` is a person key or the key of one of the person's records.
    """

    decision_id: int
    subject_key: str
    channel: str
    accepted_at: datetime
    steward: str
    note: str
    withdrawn_at: datetime | None = None


class ConsentLedger:
    """Reads and writes the decisions about consent."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def accept(self, *, subject_key: str, channel: str, steward: str, note: str, at: datetime) -> int:
        """Note a decision; returns its number."""
        values = {"subject_key": subject_key, "channel": channel, "accepted_at": at, "steward": steward, "note": note}
        with self._database.transaction() as connection:
            inserted = connection.execute(sa.insert(CONSENT_DECISION).values(**values))
            return int(inserted.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row has one

    def withdraw(self, decision_id: int, *, at: datetime) -> bool:
        """Let a decision hold no longer; False if there is none of this number that holds."""
        standing = (CONSENT_DECISION.c.decision_id == decision_id, CONSENT_DECISION.c.withdrawn_at.is_(None))
        with self._database.transaction() as connection:
            changed = connection.execute(sa.update(CONSENT_DECISION).where(*standing).values(withdrawn_at=at))
        return bool(changed.rowcount)

    def decisions(self) -> list[ConsentDecision]:
        """All of them, withdrawn ones too, in the order they were made."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(CONSENT_DECISION).order_by(CONSENT_DECISION.c.decision_id)).mappings()
            return [ConsentDecision(**row) for row in rows]
