"""A history of resolutions over one real ledger: what each record's key was after each of them."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from contact_sync.identity.assign import Assignment, assign
from contact_sync.state.database import IDENTITY_EVENT, StateDatabase
from contact_sync.state.identities import IdentityLedger


class History:
    """Resolves sets of clusters one after the other, as the pipeline does run after run."""

    def __init__(self) -> None:
        self.database = StateDatabase("sqlite://")
        self.ledger = IdentityLedger(self.database)

    def resolve(self, *clusters: Iterable[str]) -> dict[str, str]:
        """Name these clusters of live records and note it; returns record_key -> key."""
        assignment = self.assignment(*clusters)
        self.ledger.record("contact", assignment)
        return keys_of(assignment.links)

    def assignment(self, *clusters: Iterable[str]) -> Assignment:
        """What naming these clusters would change."""
        rows = [(record, number) for number, records in enumerate(clusters) for record in records]
        table = pa.table(
            {
                "record_key": pa.array([record for record, _ in rows], pa.string()),
                "cluster": pa.array([number for _, number in rows], pa.int64()),
            }
        )
        return assign(table, self.ledger.members("contact"), self.ledger.keys("contact"), prefix="per_")

    def resolved(self) -> dict[str, str]:
        """Every key ever given -> the one it stands for now."""
        rows = self.ledger.resolved_keys("contact").to_pylist()
        return {row["key"]: row["current_key"] for row in rows}

    def events(self) -> list[tuple[str, str, str | None, int]]:
        """(kind, key, other_key, record_count) of everything that was noted, in order."""
        with self.database.transaction() as connection:
            rows = connection.execute(IDENTITY_EVENT.select().order_by(IDENTITY_EVENT.c.event_id)).fetchall()
        return [(row.kind, row.key, row.other_key, row.record_count) for row in rows]

    def close(self) -> None:
        """Give the connection back."""
        self.database.close()


def keys_of(links: pa.Table) -> dict[str, str]:
    """record_key -> key of a table of links."""
    return {row["record_key"]: row["key"] for row in links.to_pylist()}
