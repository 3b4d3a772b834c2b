"""The ledger of what stewards decided about who is who: two records are the same, or they are different.

A decision is never changed: it is withdrawn, and stays listed. It names records, because keys follow from it. Does not
belong here: whether a decision makes sense (pipeline/decisions.py) and what follows from it (identity/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
import sqlalchemy as sa

from contact_sync.state.database import IDENTITY_DECISION, StateDatabase


class Verdict(StrEnum):
    """What was decided about two records."""

    SAME = "same"
    DIFFERENT = "different"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a steward says of two records of an entity (record_key_1 < record_key_2), before it is noted."""

    entity: str
    verdict: Verdict
    record_key_1: str
    record_key_2: str
    steward: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Decision(Judgement):
    """A judgement that was noted, and when it was withdrawn, if it was."""

    decision_id: int
    decided_at: datetime
    withdrawn_at: datetime | None = None

    @property
    def is_standing(self) -> bool:
        """Whether it still holds."""
        return self.withdrawn_at is None


class DecisionLedger:
    """Reads and writes the decisions about identity."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def note(self, judgements: Sequence[Judgement], *, at: datetime) -> list[int]:
        """Note judgements, all or none; returns their numbers."""
        with self._database.transaction() as connection:
            numbers = []
            for judgement in judgements:
                values = {**asdict(judgement), "verdict": judgement.verdict.value, "decided_at": at}
                inserted = connection.execute(sa.insert(IDENTITY_DECISION).values(**values))
                numbers.append(int(inserted.inserted_primary_key[0]))  # type: ignore[index]  # one row has one
        return numbers

    def withdraw(self, decision_id: int, *, at: datetime) -> bool:
        """Let a decision hold no longer; False if there is none of this number that holds."""
        standing = (IDENTITY_DECISION.c.decision_id == decision_id, IDENTITY_DECISION.c.withdrawn_at.is_(None))
        with self._database.transaction() as connection:
            changed = connection.execute(sa.update(IDENTITY_DECISION).where(*standing).values(withdrawn_at=at))
        return bool(changed.rowcount)

    def decisions(self, entity: str | None = None) -> list[Decision]:
        """All of them, or those about one entity; withdrawn ones too, in the order they were taken."""
        query = sa.select(IDENTITY_DECISION).order_by(IDENTITY_DECISION.c.decision_id)
        if entity is not None:
            query = query.where(IDENTITY_DECISION.c.entity == entity)
        with self._database.transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return [Decision(**{**row, "verdict": Verdict(row["verdict"])}) for row in rows]

    def standing(self, entity: str) -> dict[Verdict, pa.Table]:
        """What holds, by verdict: (record_key_1, record_key_2)."""
        holding = [one for one in self.decisions(entity) if one.is_standing]
        return {
            verdict: pa.table(
                {
                    name: pa.array([getattr(one, name) for one in holding if one.verdict is verdict], pa.string())
                    for name in ("record_key_1", "record_key_2")
                }
            )
            for verdict in Verdict
        }
