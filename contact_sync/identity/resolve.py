"""Resolves one entity: evidence from the warehouse, clusters, keys from the ledger, links back into the warehouse.

Looked at are the records that changed since the last resolution and whoever can be one with them; all of them where
that is a large part, nothing is known of the last resolution, or it was made otherwise. Does not belong here: how
evidence is made (dbt and the scorer), whom a change concerns (affected.py), what evidence leads to (cluster.py,
guards.py), how keys are chosen (assign.py) and how the outcome is written (outcome.py).
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
from contact_sync.identity import changes
from contact_sync.identity.affected import find_affected, find_news, note_seen, prepare_work
from contact_sync.identity.assign import MEMBER_SCHEMA
from contact_sync.identity.cluster import cluster
from contact_sync.identity.collect import Decided, key_prefix, read_evidence, read_stamps, write_joining_pairs
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA
from contact_sync.identity.evidence import Limits
from contact_sync.identity.last_resolution import (
    Counts,
    LastResolution,
    last_links,
    last_resolution,
    remember,
    stamp_table,
)
from contact_sync.identity.outcome import (
    Outcome,
    stamp_touched,
    write_candidates,
    write_current_keys,
    write_links,
    write_parts,
)
from contact_sync.identity.reassign import reassign
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import joining_table, link_table, pair_table, review_table, subject_of
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen, noted_definitions

_VERSION: Final = 5
"""Raised when the same evidence leads to something else than before."""
_WHOLE_FROM: Final = 0.2
"""Share of changed records from which everything is resolved anew: it costs no more."""


@dataclass(frozen=True, kw_only=True)
class Resolution(Counts):
    """How many records were resolved to how many keys, and what changed.

    looked_at: how many records were resolved again; the others are what they were. events: changes of keys by kind.
    cut: how often guards did not follow evidence, by reason. has_other_candidates: what waits is not what waited
    before.
    """

    entity: str
    looked_at: int
    events: dict[str, int]
    cut: dict[str, int]
    has_other_candidates: bool = False

    @property
    def is_unchanged(self) -> bool:
        """Whether there was nothing new to resolve."""
        return not self.looked_at


def prepare(session: Session, entity: Entity) -> None:
    """Make the tables that others read or write before the first resolution, empty."""
    columns = "record_key_1 varchar, record_key_2 varchar, rule varchar, score double precision, evidence varchar"
    for table in (pair_table(entity), joining_table(entity)):
        session.execute(f"create table if not exists {table} ({columns})")
    session.execute(f"create table if not exists {link_table(entity)} (record_key varchar, {entity.key} varchar)")
    prepare_work(session, entity)
    changes.prepare(session, entity)


def resolve(
    session: Session,
    ledger: IdentityLedger,
    entity: Entity,
    *,
    decided: Decided,
    number: int,
    limits: Limits | None = None,
    explained: Callable[[str], str] = str,
    on_moved: Callable[[pa.Table], None] = lambda _moved: None,
) -> Resolution:
    """Give every live record of the entity its key, and note each change of a key as an event.

    number: of this resolution, greater than those before it (changes.py). explained: makes JSON for people of a pair's
    `evidence`. on_moved: told of the records whose key is another one (record_key, key), before this is remembered.
    """
    limits = limits or Limits()
    prepare(session, entity)
    basis, seen = _basis(session, entity, limits), _seen(session, entity)
    last = last_resolution(session, entity.name, position=ledger.position(entity.name))
    scope, news = Scope(session=session, entity=entity), None
    if last is not None and last.seen >= 0:
        news = find_news(scope, decided, last.seen)
        if last.basis == basis and not len(news):
            return Resolution(entity=entity.name, looked_at=0, events={}, cut={}, **asdict(last.counts))
        if last.basis == basis and len(news) <= _WHOLE_FROM * last.counts.records:
            scope = find_affected(scope, ledger, limits)
    known = _known(scope, ledger, is_last_word=last is not None)
    scope = known.scope
    evidence = read_evidence(scope, known.stamps, known.current_keys, decided)
    clustering = cluster(_records(scope), evidence, limits)
    assignment = reassign(clustering.clusters, known.links, ledger, entity.name, prefix=key_prefix(entity))
    ledger.record(entity.name, assignment)
    outcome = Outcome(scope=scope, clustering=clustering, assignment=assignment, links_before=known.links)
    # Before the links: who reads them after a run that died here has to know whose were looked at.
    stamp_touched(outcome, news, number=number)
    links = write_links(outcome)
    write_parts(outcome)
    write_current_keys(outcome, ledger, known.current_keys)
    has_other_candidates = write_candidates(outcome, evidence, links, limits, explained)
    write_joining_pairs(scope, evidence, limits)
    # A run that died may have told the ledger of a move, and nobody else.
    on_moved(assignment.moved if known.links is not None else assignment.links)
    counts = _counted(session, entity)
    note_seen(session, entity, decided)
    last = LastResolution(basis=basis, seen=seen, counts=counts)
    remember(session, entity.name, last, position=ledger.position(entity.name))
    return Resolution(
        entity=entity.name,
        looked_at=max(clustering.clusters.num_rows, 0 if news is None else len(news)),
        events=_by_value(assignment.events.column("kind")),
        cut=_by_value(clustering.cuts.column("reason")),
        has_other_candidates=has_other_candidates,
        **asdict(counts),
    )


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What was known before of a scope: stamps (record_key, key), keys with the one in use, and links, if they hold."""

    scope: Scope
    stamps: pa.Table
    current_keys: pa.Table
    links: pa.Table | None


def _known(scope: Scope, ledger: IdentityLedger, *, is_last_word: bool) -> _Known:
    """From the warehouse while it has the last word, otherwise from the ledger, and then of everything.

    The ledger takes in first what records carry and it does not know.
    """
    session, entity = scope.session, scope.entity
    stamps = read_stamps(scope)
    if is_last_word:
        current_keys = _current_keys(scope, stamps)
        if pc.all(pc.is_in(stamps.column("key"), value_set=current_keys.column("key"))).as_py() is not False:
            query = last_links(entity.name, link_table(entity), entity.key)
            links = session.query(f"select * from ({query}) as linked where {scope.condition('record_key')}")  # noqa: S608 -- ours
            return _Known(scope=scope, stamps=stamps, current_keys=current_keys, links=links.cast(MEMBER_SCHEMA))
    everything = Scope(session=session, entity=entity)
    stamps = stamps if scope.is_everything else read_stamps(everything)
    carried = stamps.group_by("key").aggregate([("record_key", "min")])
    ledger.adopt(entity.name, carried.rename_columns(["key", "record_key"]).sort_by("key"))
    return _Known(scope=everything, stamps=stamps, current_keys=ledger.resolved_keys(entity.name), links=None)


def _current_keys(scope: Scope, stamps: pa.Table) -> pa.Table:
    """CURRENT_KEY_SCHEMA of the keys that records of the scope carry."""
    table, columns = stamp_table(scope.entity.name), ", ".join(CURRENT_KEY_SCHEMA.names)
    if scope.is_everything:
        return scope.session.query(f"select {columns} from {table}").cast(CURRENT_KEY_SCHEMA)  # noqa: S608 -- catalog
    carried = f"pipeline.{scope.entity.name}_carried_key"
    scope.session.replace(carried, stamps.select(["key"]))
    query = f"select {columns} from {table} where key in (select key from {carried})"  # noqa: S608 -- catalog
    return scope.session.query(query).cast(CURRENT_KEY_SCHEMA)


def _records(scope: Scope) -> pa.ChunkedArray[Any]:
    """The live records."""
    order = scope.session.dialect.in_byte_order("record_key")
    return scope.session.query(
        f"select record_key from silver.{scope.entity.records} where {scope.condition('record_key')} order by {order}"  # noqa: S608 -- catalog
    ).column("record_key")


def _counted(session: Session, entity: Entity) -> Counts:
    links, waiting = link_table(entity), review_table(entity)
    sizes = f"select count(*) as record_count from {links} group by {entity.key}"  # noqa: S608 -- catalog
    (row,) = session.query(
        f"select sum(record_count) as records, count(*) as keys, max(record_count) as largest from ({sizes}) as sizes"  # noqa: S608 -- catalog
    ).to_pylist()
    candidates = session.scalar(f"select count(*) from {waiting}")  # noqa: S608 -- catalog
    return Counts(**{name: int(value or 0) for name, value in row.items()}, candidates=int(candidates))


def _models(entity: Entity) -> list[str]:
    """The models that hold records and what joins them."""
    return [entity.records, *(f"{subject_of(entity)}_{table}" for table in ("match_key", "common_key", "joining_key"))]


def _seen(session: Session, entity: Entity) -> int:
    """The last refresh of which records and all their keys know; -1 if one of them was never built."""
    seen = changes_seen(session)
    *tables, _view = _models(entity)
    return min(seen.get(name, -1) for name in tables)


def _basis(session: Session, entity: Entity, limits: Limits) -> str:
    """Stands for how evidence is made and followed: models that say otherwise speak of unchanged records, too."""
    made = sorted(noted_definitions(session, _models(entity)).items())
    return hashlib.sha256(repr((_VERSION, asdict(limits), made)).encode()).hexdigest()


def _by_value(values: pa.ChunkedArray[Any]) -> dict[str, int]:
    return dict(Counter(str(value) for value in values.to_pylist()))
