"""The history of each object's fields as its instances describe them, and which new fields are still to be read.

A version is added when something changed and never altered, but for `unread`. Does not belong here: asking sources, or
what a change means (extraction/schema.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contact_sync.state.database import DESCRIBED_SCHEMA, StateDatabase


@dataclass(frozen=True, kw_only=True)
class SchemaVersion:
    """The fields of an object of an instance from `noted_at` on.

    fields: name -> its description as JSON. gone: name -> `removed` or `hidden`, of fields there once were. unread: new
    fields whose values in records older than this version are not in bronze yet.
    """

    version: int
    noted_at: datetime
    fields: Mapping[str, Mapping[str, Any]]
    gone: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


class SchemaLedger:
    """Reads and writes the schema history in the operational database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def current(self, object_name: str, instance: str) -> SchemaVersion | None:
        """The newest version; None if the object was never described."""
        versions = self.history(object_name, instance)
        return versions[-1] if versions else None

    def history(self, object_name: str, instance: str) -> list[SchemaVersion]:
        """All versions, oldest first."""
        query = (
            sa.select(DESCRIBED_SCHEMA)
            .where(DESCRIBED_SCHEMA.c.object_name == object_name, DESCRIBED_SCHEMA.c.instance == instance)
            .order_by(DESCRIBED_SCHEMA.c.version)
        )
        with self._database.transaction() as connection:
            return [_version(row) for row in connection.execute(query)]

    def histories(self) -> dict[tuple[str, str], list[SchemaVersion]]:
        """(object, instance) -> all its versions, oldest first, for all in one query."""
        query = sa.select(DESCRIBED_SCHEMA).order_by(DESCRIBED_SCHEMA.c.version)
        found: dict[tuple[str, str], list[SchemaVersion]] = {}
        with self._database.transaction() as connection:
            for row in connection.execute(query):
                found.setdefault((row.object_name, row.instance), []).append(_version(row))
        return found

    def add(self, object_name: str, instance: str, version: SchemaVersion) -> None:
        """Add a version."""
        with self._database.transaction() as connection:
            connection.execute(
                sa.insert(DESCRIBED_SCHEMA).values(
                    object_name=object_name,
                    instance=instance,
                    version=version.version,
                    noted_at=version.noted_at,
                    fields=dict(version.fields),
                    gone=dict(version.gone),
                    unread=list(version.unread),
                )
            )

    def note_read(self, object_name: str, instance: str, version: SchemaVersion) -> None:
        """Note that the older records' values of a version's new fields are in bronze now."""
        with self._database.transaction() as connection:
            connection.execute(
                sa.update(DESCRIBED_SCHEMA)
                .where(DESCRIBED_SCHEMA.c.object_name == object_name, DESCRIBED_SCHEMA.c.instance == instance)
                .where(DESCRIBED_SCHEMA.c.version == version.version)
                .values(unread=[])
            )


def _version(row: Any) -> SchemaVersion:
    return SchemaVersion(
        version=row.version, noted_at=row.noted_at, fields=row.fields, gone=row.gone, unread=tuple(row.unread)
    )
