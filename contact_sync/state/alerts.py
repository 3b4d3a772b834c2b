"""Which alerts are standing, so that each is told once and its end is noticed. Telling anybody does not belong here."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from contact_sync.state.database import ALERT, StateDatabase


class AlertLedger:
    """Reads and writes the standing alerts."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def update(self, kind: str, subjects: set[str]) -> tuple[set[str], set[str]]:
        """Make these subjects the standing ones of a kind; returns (newly raised, ended)."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(ALERT.c.subject).where(ALERT.c.kind == kind))
            standing = {row.subject for row in rows}
            raised, ended = subjects - standing, standing - subjects
            for subject in sorted(ended):
                connection.execute(sa.delete(ALERT).where(ALERT.c.kind == kind, ALERT.c.subject == subject))
            for subject in sorted(raised):
                connection.execute(sa.insert(ALERT).values(subject=subject, kind=kind, raised_at=datetime.now(UTC)))
        return raised, ended
