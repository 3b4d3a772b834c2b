"""What the last resolution of an entity left in the warehouse, for the next one to begin with.

It counts only while the ledger has not moved on: a ledger that was lost, or a warehouse that was rolled back, are found
by the number of the ledger's last event. Does not belong here: the links that others read (resolve.py).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import pyarrow as pa

from contact_sync.warehouse.base import Session


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Live records, the keys they have, the records of the largest cluster, and the candidates that wait."""

    records: int
    keys: int
    largest: int
    candidates: int


@dataclass(frozen=True, kw_only=True)
class LastResolution:
    """What came of it. basis: a fingerprint of how it was made. seen: the last refresh of which it knew."""

    basis: str
    seen: int
    counts: Counts


def stamp_table(entity: str) -> str:
    """The warehouse table of every key with the one in use: key, current_key, anchor_record_key."""
    return f"pipeline.{entity}_stamp_key"


def retired_table(entity: str) -> str:
    """The warehouse table of the links of records that live on in others: record_key, key."""
    return f"pipeline.{entity}_retired_link"


def last_resolution(session: Session, entity: str, *, position: int) -> LastResolution | None:
    """The last resolution; none if there was none, or the ledger is at another position than it left."""
    table = _table(entity)
    if not session.exists(table) or not session.exists(retired_table(entity)):
        return None
    (row,) = session.read(table).to_pylist()
    if row["position"] != position:
        return None
    counts = Counts(**{field.name: row[field.name] for field in fields(Counts)})
    return LastResolution(basis=row["basis"], seen=row.get("seen", -1), counts=counts)


def remember(session: Session, entity: str, last: LastResolution, *, position: int) -> None:
    """Note a resolution that left the ledger at a position."""
    counts = {field.name: getattr(last.counts, field.name) for field in fields(Counts)}
    row = {"basis": last.basis, "seen": last.seen, "position": position, **counts}
    session.replace(_table(entity), pa.Table.from_pylist([row]))


def forget_resolution(session: Session, entity: str) -> None:
    """Have the next resolution resolve everything, whatever has changed since."""
    if session.exists(_table(entity)):
        session.execute(f"update {_table(entity)} set basis = ''")  # noqa: S608 -- catalog


def last_links(entity: str, links: str, key: str) -> str:
    """Query of (record_key, key) of all records of the last resolution: of its table of links, and the retired ones."""
    return f"select record_key, {key} as key from {links} union all select record_key, key from {retired_table(entity)}"  # noqa: S608 -- catalog


def _table(entity: str) -> str:
    return f"pipeline.{entity}_resolution"
