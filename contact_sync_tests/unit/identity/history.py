"""A history of resolutions over one real ledger: what each record's key was after each of them.

Each is made from what changed and from the whole ledger, and both have to agree.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from contact_sync.identity.assign import MEMBER_SCHEMA, Assignment, assign
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA, carried_forward
from contact_sync.identity.reassign import reassign
from contact_sync.state.database import IDENTITY_EVENT, StateDatabase
from contact_sync.state.identities import IdentityLedger


class History:
    """Resolves sets of clusters one after the other, as the pipeline does run after run."""

    def __init__(self) -> None:
        self.database = StateDatabase("sqlite://")
        self.ledger = IdentityLedger(self.database)
        self._before = MEMBER_SCHEMA.empty_table()
        self._current = CURRENT_KEY_SCHEMA.empty_table()

    def resolve(self, *clusters: Iterable[str]) -> dict[str, str]:
        """Name these clusters of live records and note it; returns record_key -> key."""
        assignment = self.assignment(*clusters)
        self.ledger.record("contact", assignment)
        self._check_current_keys(assignment)
        self._before = assignment.links
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
        members, keys = self.ledger.members("contact").read_all(), self.ledger.keys("contact").read_all()
        whole = assign(table, members, keys, prefix="per_")
        narrow = reassign(table, self._before, self.ledger, "contact", prefix="per_", key_count=keys.num_rows)
        for name in ("links", "moved", "created", "reinstated", "superseded", "events"):
            assert rows_of(getattr(whole, name)) == rows_of(getattr(narrow, name)), name
        return narrow

    def _check_current_keys(self, assignment: Assignment) -> None:
        """What is carried forward is what the whole ledger says."""
        reinstated = assignment.reinstated.column("key").to_pylist()
        back = {
            name: key
            for key in reinstated
            for name in (key, *(row["key"] for row in self.ledger.superseded_by("contact", key)))
        }
        self._current = carried_forward(self._current, assignment, back)
        assert rows_of(resolved_keys(self.ledger)) == rows_of(self._current)

    def resolved(self) -> dict[str, str]:
        """Every key ever given -> the one it stands for now."""
        rows = resolved_keys(self.ledger).to_pylist()
        return {row["key"]: row["current_key"] for row in rows}

    def events(self) -> list[tuple[str, str, str | None, int]]:
        """(kind, key, other_key, record_count) of everything that was noted, in order."""
        with self.database.transaction() as connection:
            rows = connection.execute(IDENTITY_EVENT.select().order_by(IDENTITY_EVENT.c.event_id)).fetchall()
        return [(row.kind, row.key, row.other_key, row.record_count) for row in rows]

    def close(self) -> None:
        """Give the connection back."""
        self.database.close()


def resolved_keys(ledger: IdentityLedger) -> pa.Table:
    """CURRENT_KEY_SCHEMA of every key that the ledger has given."""
    keys = {row["key"]: row for row in ledger.keys("contact").read_all().to_pylist()}

    def in_use(key: str) -> str:
        successor = keys[key]["superseded_by"]
        return key if successor is None else in_use(successor)

    rows = [
        {"key": key, "current_key": in_use(key), "anchor_record_key": keys[in_use(key)]["anchor_record_key"]}
        for key in keys
    ]
    return pa.Table.from_pylist(rows, schema=CURRENT_KEY_SCHEMA)


def rows_of(table: pa.Table) -> list[str]:
    """The rows of a table in a fixed order."""
    return sorted(str(sorted(row.items())) for row in table.to_pylist())


def keys_of(links: pa.Table) -> dict[str, str]:
    """record_key -> key of a table of links."""
    return {row["record_key"]: row["key"] for row in links.to_pylist()}
