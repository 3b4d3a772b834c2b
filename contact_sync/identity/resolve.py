"""Resolves one entity: evidence from the warehouse, clusters, keys from the ledger, links back into the warehouse.

While neither evidence nor decisions nor the ledger have changed, nothing is resolved again. Does not belong here: how
evidence is made (dbt and the scorer), what it leads to (cluster.py, guards.py) or how keys are chosen (assign.py).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.catalog import Entity
from contact_sync.identity.assign import MEMBER_SCHEMA, Assignment
from contact_sync.identity.cluster import cluster
from contact_sync.identity.collect import (
    Decided,
    key_prefix,
    read_evidence,
    read_stamps,
    write_joining_pairs,
)
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA, carried_forward
from contact_sync.identity.evidence import Limits
from contact_sync.identity.last_resolution import (
    Counts,
    LastResolution,
    last_links,
    last_resolution,
    remember,
    retired_table,
    stamp_table,
)
from contact_sync.identity.reassign import reassign
from contact_sync.identity.review import candidates, settled_keys
from contact_sync.identity.tables import REVIEW_SCHEMA, joining_table, link_table, pair_table, review_table, subject_of
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session

_VERSION: Final = 4
"""Raised when the same evidence leads to something else than before."""


@dataclass(frozen=True, kw_only=True)
class Resolution(Counts):
    """How many records were resolved to how many keys, and what changed.

    events: changes of keys by kind. cut: how often guards did not follow evidence, by reason. is_unchanged: there was
    nothing new to resolve. has_other_candidates: what waits is not what waited before.
    """

    entity: str
    events: dict[str, int]
    cut: dict[str, int]
    is_unchanged: bool = False
    has_other_candidates: bool = False


def prepare(session: Session, entity: Entity) -> None:
    """Make the tables that others read or write before the first resolution, empty."""
    columns = "record_key_1 varchar, record_key_2 varchar, rule varchar, score double precision, evidence varchar"
    for table in (pair_table(entity), joining_table(entity)):
        session.execute(f"create table if not exists {table} ({columns})")
    session.execute(f"create table if not exists {link_table(entity)} (record_key varchar, {entity.key} varchar)")


def resolve(
    session: Session,
    ledger: IdentityLedger,
    entity: Entity,
    *,
    decided: Decided,
    limits: Limits | None = None,
    explained: Callable[[str], str] = str,
) -> Resolution:
    """Give every live record of the entity its key, and note each change of a key as an event.

    explained: makes JSON for people of a pair's `evidence`.
    """
    limits = limits or Limits()
    prepare(session, entity)
    basis = _basis(session, entity, decided, limits)
    last = last_resolution(session, entity.name, position=ledger.position(entity.name))
    if last is not None and last.basis == basis:
        unchanged: dict[str, Any] = asdict(last.counts)
        return Resolution(entity=entity.name, events={}, cut={}, is_unchanged=True, **unchanged)
    known = _known(session, ledger, entity, is_last_word=last is not None)
    evidence = read_evidence(session, entity, known.stamps, known.current_keys, decided)
    in_order = session.dialect.in_byte_order("record_key")
    records = session.query(f"select record_key from silver.{entity.records} order by {in_order}")  # noqa: S608 -- catalog
    clustering = cluster(records.column("record_key"), evidence, limits)
    assignment = reassign(clustering.clusters, known.links, ledger, entity.name, prefix=key_prefix(entity))
    ledger.record(entity.name, assignment)
    links = _write_links(session, entity, assignment, clustering.retired)
    _write_current_keys(session, ledger, entity, known, assignment)
    settled = settled_keys(decided.different, links)
    session.replace(f"pipeline.{entity.name}_different", settled)
    write_joining_pairs(session, entity, evidence, limits)
    waiting = _explained(candidates(evidence, clustering.cuts, links, limits, settled), explained)
    has_other_candidates = _replace_candidates(session, entity, waiting)
    sizes = pc.value_counts(links.column("key")).field("counts")
    resolution = Resolution(
        entity=entity.name,
        records=links.num_rows,
        keys=len(sizes),
        largest=pc.max(sizes).as_py() or 0,
        candidates=waiting.num_rows,
        events=_counts(assignment.events.column("kind")),
        cut=_counts(clustering.cuts.column("reason")),
        has_other_candidates=has_other_candidates,
    )
    remember(
        session, entity.name, LastResolution(basis=basis, counts=resolution), position=ledger.position(entity.name)
    )
    return resolution


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What was known before: stamps (record_key, key), every key with the one in use, and the links, if they hold."""

    stamps: pa.Table
    current_keys: pa.Table
    links: pa.Table | None


def _known(session: Session, ledger: IdentityLedger, entity: Entity, *, is_last_word: bool) -> _Known:
    """From the warehouse while it has the last word, otherwise from the ledger.

    The ledger takes in first what records carry and it does not know.
    """
    stamps = read_stamps(session, entity)
    if is_last_word:
        current_keys = session.read(stamp_table(entity.name)).select(CURRENT_KEY_SCHEMA.names).cast(CURRENT_KEY_SCHEMA)
        if pc.all(pc.is_in(stamps.column("key"), value_set=current_keys.column("key"))).as_py() is not False:
            links = last_links(session, entity.name, link_table(entity), entity.key).cast(MEMBER_SCHEMA)
            return _Known(stamps=stamps, current_keys=current_keys, links=links)
    carried = stamps.group_by("key").aggregate([("record_key", "min")])
    ledger.adopt(entity.name, carried.rename_columns(["key", "record_key"]).sort_by("key"))
    return _Known(stamps=stamps, current_keys=ledger.resolved_keys(entity.name), links=None)


def _write_links(session: Session, entity: Entity, assignment: Assignment, retired: pa.Array[Any]) -> pa.Table:
    """Write and return the links of live records; those that live on in others are kept apart."""
    is_retired = pc.is_in(assignment.links.column("record_key"), value_set=retired)
    links = assignment.links.filter(pc.invert(is_retired))
    session.replace(link_table(entity), links.rename_columns(["record_key", entity.key]))
    session.replace(retired_table(entity.name), assignment.links.filter(is_retired))
    return links


def _write_current_keys(
    session: Session, ledger: IdentityLedger, entity: Entity, known: _Known, assignment: Assignment
) -> None:
    """Write which key stands for each key ever given."""
    if known.links is None:
        session.replace(stamp_table(entity.name), ledger.resolved_keys(entity.name))
        return
    reinstated = [str(key) for key in assignment.reinstated.column("key").to_pylist()]
    back = {
        name: key
        for key in reinstated
        for name in (key, *(row["key"] for row in ledger.superseded_by(entity.name, key)))
    }
    current_keys = carried_forward(known.current_keys, assignment, back)
    if current_keys is not known.current_keys:
        session.replace(stamp_table(entity.name), current_keys)


def _explained(waiting: pa.Table, explained: Callable[[str], str]) -> pa.Table:
    texts = pa.array([explained(str(text)) for text in waiting.column("evidence").to_pylist()], pa.string())
    return waiting.set_column(waiting.schema.get_field_index("evidence"), "evidence", texts)


def _replace_candidates(session: Session, entity: Entity, waiting: pa.Table) -> bool:
    """Write what waits for a steward, if it is not there already; True if it was written."""
    table = review_table(entity)
    if session.exists(table):
        known = session.read(table).select(REVIEW_SCHEMA.names).cast(REVIEW_SCHEMA)
        if known.sort_by("candidate_id").equals(waiting.sort_by("candidate_id")):
            return False
    session.replace(table, waiting)
    return True


def _basis(session: Session, entity: Entity, decided: Decided, limits: Limits) -> str:
    """Stands for everything that a resolution reads, but the ledger."""
    subject = subject_of(entity)
    read = (
        (f"silver.{entity.records}", ("record_key", "external_id")),
        (f"identity.{subject}_match_key", ("record_key", "rule", "match_key")),
        (f"identity.{subject}_pair", ("record_key_1", "record_key_2", "cast(score as varchar)", "evidence")),
    )
    found = [session.scalar(f"select {session.dialect.fingerprint(columns)} from {table}") for table, columns in read]  # noqa: S608 -- ours
    parts = (_VERSION, asdict(limits), decided.same.to_pydict(), decided.different.to_pydict(), *found)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _counts(values: pa.ChunkedArray[Any]) -> dict[str, int]:
    return dict(Counter(str(value) for value in values.to_pylist()))
