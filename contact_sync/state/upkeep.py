"""When each object of an instance was last looked after, and what connectors have learned of their instances.

Losing these rows costs requests, never records. Does not belong here: what is due (extraction/upkeep.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from contact_sync.state.database import LEARNED, UPKEEP, StateDatabase


class Care(StrEnum):
    """Kinds of upkeep."""

    DELETIONS = "deletions"
    SWEEP = "sweep"
    CALCULATED = "calculated"


class UpkeepLedger:
    """Reads and writes the upkeep table."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def done(self, object_name: str, instance: str) -> dict[Care, datetime]:
        """Kind of upkeep -> when it was last done."""
        query = sa.select(UPKEEP).filter_by(object_name=object_name, instance=instance)
        with self._database.transaction() as connection:
            return {Care(row.kind): row.done_at for row in connection.execute(query)}

    def all(self) -> dict[tuple[str, str], dict[Care, datetime]]:
        """(object, instance) -> kind -> when it was last done, for all in one query."""
        found: dict[tuple[str, str], dict[Care, datetime]] = {}
        with self._database.transaction() as connection:
            for row in connection.execute(sa.select(UPKEEP)):
                found.setdefault((row.object_name, row.instance), {})[Care(row.kind)] = row.done_at
        return found

    def note(self, object_name: str, instance: str, times: Mapping[Care, datetime]) -> None:
        """Note that upkeep was done as of these times."""
        with self._database.transaction() as connection:
            for kind, time in times.items():
                key = {"object_name": object_name, "instance": instance, "kind": kind.value}
                connection.execute(sa.delete(UPKEEP).filter_by(**key))
                connection.execute(sa.insert(UPKEEP).values(**key, done_at=time))


class LearnedFacts:
    """What one instance's connector has learned; the Memory port of connectors/base.py."""

    def __init__(self, database: StateDatabase, source: str, instance: str) -> None:
        self._database = database
        self._key = {"source": source, "instance": instance}

    def recall(self, topic: str) -> Mapping[str, Any] | None:
        """What was learned last about a topic."""
        query = sa.select(LEARNED.c.value).filter_by(**self._key, topic=topic)
        with self._database.transaction() as connection:
            value: Mapping[str, Any] | None = connection.execute(query).scalar()
        return value

    def learn(self, topic: str, value: Mapping[str, Any]) -> None:
        """Keep a fact instead of the former one."""
        key = {**self._key, "topic": topic}
        with self._database.transaction() as connection:
            connection.execute(sa.delete(LEARNED).filter_by(**key))
            connection.execute(sa.insert(LEARNED).values(**key, value=dict(value), learned_at=datetime.now(UTC)))
