"""Resolves a part of an entity's records: evidence, clusters, keys from the ledger, and the tables that others read.

Does not belong here: which parts there are (parts.py), and what is noted of all of them together (resolve.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.identity.assign import MEMBER_SCHEMA
from contact_sync.identity.cluster import cluster
from contact_sync.identity.collect import (
    Decided,
    key_prefix,
    read_evidence,
    read_stamps,
    stamps_query,
    write_joining_pairs,
)
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA
from contact_sync.identity.evidence import Limits
from contact_sync.identity.last_resolution import last_links, stamp_table
from contact_sync.identity.news import read_news
from contact_sync.identity.outcome import (
    Outcome,
    note_resolved,
    stamp_touched,
    write_current_keys,
    write_links,
    write_parts,
)
from contact_sync.identity.reassign import reassign
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import link_table
from contact_sync.state.identities import IdentityLedger


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a part came to: records looked at, changes of keys by kind, evidence that guards did not follow."""

    records: int
    events: Counter[str]
    cuts: pa.Table


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all parts of a resolution have in common.

    key_count: how many keys the ledger had given before the first one. knows_news: it is known which records changed.
    is_restored: the warehouse had not known the keys.
    """

    ledger: IdentityLedger
    key_count: int
    decided: Decided
    limits: Limits
    number: int
    began_at: datetime
    knows_news: bool
    on_moved: Callable[[pa.Table], None]
    is_restored: bool

    def resolve(self, scope: Scope) -> Part:
        """Resolve a part and write what came of it, but for what waits for stewards."""
        entity, ledger = scope.entity, self.ledger
        stamps = read_stamps(scope)
        evidence = read_evidence(scope, stamps, _current_keys(scope), self.decided)
        links_before = _links_before(scope)
        clustering = cluster(_records(scope), evidence, self.limits)
        assignment = reassign(
            clustering.clusters,
            links_before,
            ledger,
            entity.name,
            prefix=key_prefix(entity),
            key_count=self.key_count,
        )
        ledger.record(entity.name, assignment, at=self.began_at)
        outcome = Outcome(scope=scope, clustering=clustering, assignment=assignment, links_before=links_before)
        # Before the links: who reads them after a run that died here has to know whose were looked at.
        stamp_touched(outcome, read_news(scope) if self.knows_news else None, number=self.number)
        write_links(outcome)
        note_resolved(outcome)
        write_parts(outcome)
        write_current_keys(outcome, ledger)
        write_joining_pairs(scope, evidence, self.limits)
        # A run that died may have told the ledger of a move, and nobody else.
        self.on_moved(assignment.links if self.is_restored else assignment.moved)
        return Part(
            records=clustering.clusters.num_rows,
            events=counts_of(assignment.events.column("kind")),
            cuts=clustering.cuts,
        )


def _links_before(scope: Scope) -> pa.Table:
    """The links (record_key, key) that the last resolution left to records of the scope."""
    links = last_links(scope.entity.name, link_table(scope.entity), scope.entity.key)
    query = f"select record_key, key from ({links}) as linked where {scope.condition('record_key')}"  # noqa: S608 -- ours
    return scope.session.query(query).cast(MEMBER_SCHEMA)


def _current_keys(scope: Scope) -> pa.Table:
    """CURRENT_KEY_SCHEMA of the keys that records of the scope carry."""
    carried = f"select key from ({stamps_query(scope.entity)}) as stamp where {scope.condition('record_key')}"  # noqa: S608 -- ours
    columns, table = ", ".join(CURRENT_KEY_SCHEMA.names), stamp_table(scope.entity.name)
    return scope.session.query(f"select {columns} from {table} where key in ({carried})").cast(CURRENT_KEY_SCHEMA)  # noqa: S608 -- ours


def _records(scope: Scope) -> pa.ChunkedArray[Any]:
    """The live records."""
    order = scope.session.dialect.in_byte_order("record_key")
    return scope.session.query(
        f"select record_key from silver.{scope.entity.records} where {scope.condition('record_key')} order by {order}"  # noqa: S608 -- catalog
    ).column("record_key")


def counts_of(values: pa.ChunkedArray[Any]) -> Counter[str]:
    """How often each text is there."""
    counted: Any = pc.value_counts(values)
    return Counter({str(one["values"]): int(one["counts"]) for one in counted.to_pylist()})
