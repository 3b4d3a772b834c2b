"""Resolves one entity: finds out whom to look at, resolves them part by part, and notes how far that is.

Looked at are the records that changed since the last resolution and whoever can be one with them; all of them where
that is a large part, nothing is known of the last resolution, or it was made otherwise. Does not belong here: how
evidence is made (dbt and the scorer), what has changed (news.py), whom that concerns (affected.py), who can be resolved
without the others (parts.py), and what becomes of a part (part.py).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity import changes
from contact_sync.identity.affected import find_affected
from contact_sync.identity.changes import every_key, stamp
from contact_sync.identity.collect import Decided
from contact_sync.identity.evidence import Limits
from contact_sync.identity.last_resolution import Counts, LastResolution, last_resolution, remember
from contact_sync.identity.news import find_news, note_decided, note_seen
from contact_sync.identity.outcome import write_candidates
from contact_sync.identity.part import Work, counts_of
from contact_sync.identity.parts import PART_RECORDS, parts_of
from contact_sync.identity.restore import has_unknown_stamps, restore
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import joining_table, link_table, pair_table, review_table, subject_of
from contact_sync.identity.work_tables import prepare_work
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen, noted_definitions

_VERSION: Final = 6
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
    part_records: int = PART_RECORDS,
) -> Resolution:
    """Give every live record of the entity its key, and note each change of a key as an event.

    number: of this resolution, greater than those before it (changes.py). explained: makes JSON for people of a pair's
    `evidence`. on_moved: told of the records whose key is another one (record_key, key), before this is remembered.
    part_records: about so many are resolved at a time.
    """
    limits = limits or Limits()
    prepare(session, entity)
    note_decided(session, entity, decided)
    basis, seen = _basis(session, entity, limits), _seen(session, entity)
    last = last_resolution(session, entity.name, position=ledger.position(entity.name))
    everything = scope = Scope(session=session, entity=entity)
    news: int | None = None
    if last is not None and last.seen >= 0:
        news = find_news(everything, last.seen)
        if last.basis == basis and not news:
            return Resolution(entity=entity.name, looked_at=0, events={}, cut={}, **asdict(last.counts))
        if last.basis == basis and news <= _WHOLE_FROM * last.counts.records:
            scope = find_affected(everything, ledger, limits)
    # The ledger takes in first what records carry and it does not know; the warehouse then knows what it knows.
    if is_restored := last is None or has_unknown_stamps(scope):
        scope, news = everything, None
    if news is None:
        stamp(session, entity, every_key(entity), number=number)
    if is_restored:
        restore(everything, ledger)
    work = Work(
        ledger=ledger,
        key_count=ledger.key_count(entity.name),
        decided=decided,
        limits=limits,
        number=number,
        # Of two keys of one resolution none is older, whichever part had its turn first.
        began_at=datetime.now(UTC),
        knows_news=news is not None,
        on_moved=on_moved,
        is_restored=is_restored,
    )
    parts = [work.resolve(part) for part in parts_of(scope, ledger, limits, most_records=part_records)]
    cuts = pa.concat_tables([part.cuts for part in parts])
    has_other_candidates = write_candidates(scope, cuts, decided.different, limits, explained)
    counts = _counted(session, entity)
    note_seen(session, entity, decided)
    last = LastResolution(basis=basis, seen=seen, counts=counts)
    remember(session, entity.name, last, position=ledger.position(entity.name))
    return Resolution(
        entity=entity.name,
        looked_at=max(sum(part.records for part in parts), news or 0),
        events=dict(sum((part.events for part in parts), Counter())),
        cut=dict(counts_of(cuts.column("reason"))),
        has_other_candidates=has_other_candidates,
        **asdict(counts),
    )


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
