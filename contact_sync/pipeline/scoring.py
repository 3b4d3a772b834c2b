"""Scores the pairs that new and changed records of people make, and keeps `identity.person_pair` up to date.

Only records of which something has changed are looked at, and those whose compared values have leave the warehouse;
what they are compared with lies in the scorer's own store. A full run, each night and whenever store and warehouse do
not belong together, makes everything anew and counts what it found differently. Does not belong here: comparing and
weighing (identity/), and what scores lead to.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from contact_sync.identity.blocking import BlockCount
from contact_sync.identity.last_resolution import forget_resolution
from contact_sync.identity.model import MatchModel
from contact_sync.identity.news import mark_unresolved
from contact_sync.identity.people import COMPARED, OF_NORMALIZED
from contact_sync.identity.scoring import ScoringReport, scoring_version
from contact_sync.identity.store import PairStore, open_store
from contact_sync.pipeline.scored_pairs import (
    DIFFERENCES,
    NEWS,
    PAIRS,
    RECORDS,
    SCORED,
    prepare,
    replace_all,
    replace_some,
    settle,
)
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen
from contact_sync.warehouse.streams import with_errors_of_its_own

ENTITY: Final = "contact"
_UNSEEN: Final = "pipeline.person_unscored"
"""The records of which something changed since the last run."""
_CURRENT: Final = "pipeline.person_current"
_COMPARED: Final = "pipeline.person_compared"
"""What is compared of everybody."""
_STORE: Final = "pipeline.person_store"
_STORE_TYPES: Final[dict[str, pa.DataType]] = {
    "store_id": pa.string(),
    "model": pa.string(),
    "left_out": pa.string(),
    "seen": pa.int64(),
}
_STORE_SCHEMA: Final = pa.schema(_STORE_TYPES)
_FULL_FROM: Final = 0.2
"""Share of changed records from which everything is scored anew: it costs no more."""
_PEOPLE: Final = f"select {OF_NORMALIZED} from {RECORDS}"  # noqa: S608 -- ours
_VALUES: Final = " || '|' || ".join(f"coalesce(cast({value} as varchar), '')" for value in COMPARED.values())
_FINGERPRINTS: Final = f"""
    select record_key, md5({_VALUES}) as fingerprint
    from {RECORDS}
    where record_key in (select record_key from {_UNSEEN})
"""  # noqa: S608 -- ours
_CHANGED: Final = f"""
    select live.record_key, 'changed' as kind
    from {_CURRENT} as live
    left join {SCORED} as scored on scored.record_key = live.record_key
    where scored.fingerprint is null or scored.fingerprint <> live.fingerprint
    union all
    select scored.record_key, 'gone' as kind
    from {SCORED} as scored
    inner join {_UNSEEN} as unseen on unseen.record_key = scored.record_key
    left join {_CURRENT} as live on live.record_key = scored.record_key
    where live.record_key is null
"""  # noqa: S608 -- ours


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What was scored. records: known ones. changed, gone: since the last time. compared: pairs.

    is_full: everything was scored anew. differing: pairs of known records that a full run joins and the runs before it
    did not, or the other way round, listed in DIFFERENCES. blocks: what the blocking rules made. left_out: the rules
    that made too many pairs, in this run or the last full one.
    """

    records: int
    changed: int
    gone: int
    compared: int
    pairs: int
    is_full: bool
    differing: int = 0
    blocks: tuple[BlockCount, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Run:
    """What a run works with. last: what was noted of the last one, empty if it did not end or there was none.

    seen: the last refresh of which this run knows.
    """

    session: Session
    model: MatchModel
    last: Mapping[str, str]
    seen: int
    records: int
    changed: int
    gone: int

    @property
    def is_same_model(self) -> bool:
        """Whether the last run, if one is known, was made by this model."""
        return self.last.get("model", self.model.fingerprint) == self.model.fingerprint

    def forget(self) -> None:
        """Until this run ends, the next one scores everything: not every engine takes back what a dead run wrote."""
        self.session.replace(_STORE, _STORE_SCHEMA.empty_table())


def score_people(
    session: Session, model: MatchModel, path: Path, *, is_full: bool = False, memory_limit_mb: int = 4_000
) -> Scoring:
    """Bring `identity.person_pair` up to date with silver, if there is any; `path` is the scorer's store."""
    prepare(session)
    if not session.exists(_STORE):
        session.append(_STORE, _STORE_SCHEMA.empty_table())
    if not session.exists(RECORDS):
        return Scoring(records=0, changed=0, gone=0, compared=0, pairs=0, is_full=False)
    run = _begin(session, model)
    with open_store(path, model, memory_limit_mb=memory_limit_mb) as store:
        fits = bool(run.last) and store.token() == _token(run.last["store_id"], model)
        is_full = is_full or not fits or run.changed + run.gone > _FULL_FROM * max(run.records, 1)
        if not is_full and not run.changed and not run.gone:
            pairs = int(session.scalar(f"select count(*) from {PAIRS}"))  # noqa: S608 -- ours
            left_out = _names(run.last["left_out"])
            session.execute(f"update {_STORE} set seen = {run.seen}")  # noqa: S608 -- ours
            return Scoring(
                records=run.records, changed=0, gone=0, compared=0, pairs=pairs, is_full=False, left_out=left_out
            )
        scoring = _score_all(run, store) if is_full else _score_news(run, store)
        store_id = uuid.uuid4().hex
        store.keep(_token(store_id, model))
        noted = {
            "store_id": store_id,
            "model": model.fingerprint,
            "left_out": ",".join(scoring.left_out),
            "seen": run.seen,
        }
        session.execute(f"delete from {SCORED} where record_key in (select record_key from {_UNSEEN})")  # noqa: S608 -- ours
        session.execute(f"insert into {SCORED} select record_key, fingerprint from {_CURRENT}")  # noqa: S608 -- ours
        session.replace(_STORE, pa.Table.from_pylist([noted], schema=_STORE_SCHEMA))
    return scoring


def _begin(session: Session, model: MatchModel) -> _Run:
    """Find out what is new."""
    noted = session.read(_STORE).to_pylist()
    last = noted[0] if noted else {}
    # Until a run ends its numbers are those of the one before: rows of the last refresh may be looked at twice.
    seen = changes_seen(session).get(RECORDS.partition(".")[2], -1)
    since = last.get("seen", -1) if session.exists(SCORED) else -1
    session.create(_UNSEEN, f"select distinct record_key from {RECORDS}_change where changed_in > {since}")  # noqa: S608 -- ours
    session.create(_CURRENT, _FINGERPRINTS)
    if not session.exists(SCORED):
        session.create(SCORED, f"select record_key, fingerprint from {_CURRENT} where 1 = 0")  # noqa: S608 -- ours
    session.create(NEWS, _CHANGED)
    records, changed, gone = (
        int(session.scalar(f"select count(*) from {table}"))  # noqa: S608 -- ours
        for table in (RECORDS, f"{NEWS} where kind = 'changed'", f"{NEWS} where kind = 'gone'")
    )
    return _Run(
        session=session,
        model=model,
        last=last,
        seen=seen,
        records=records,
        changed=changed,
        gone=gone,
    )


def _token(store_id: str, model: MatchModel) -> str:
    return f"{store_id}/{scoring_version(model)}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _score_all(run: _Run, store: PairStore) -> Scoring:
    session = run.session
    session.execute(f"drop view if exists {_COMPARED}")
    session.execute(f"create view {_COMPARED} as {_PEOPLE}")
    with with_errors_of_its_own(session.stream(_COMPARED)) as people:
        report, fresh = store.score_all(people)
    session.execute(f"drop view {_COMPARED}")
    settle(session, fresh, join=run.model.join, is_same_model=run.is_same_model)
    run.forget()
    forget_resolution(session, ENTITY)
    differing = replace_all(session, join=run.model.join)
    # Everybody is resolved anew; of these it is known that what joins them is another thing, though they may stay one.
    sides = (f"select record_key_{side} as record_key from {DIFFERENCES}" for side in (1, 2))  # noqa: S608 -- ours
    mark_unresolved(session, ENTITY, " union ".join(sides))
    left_out = tuple(block.rule for block in report.blocks if not block.is_used)
    return _scoring(run, report, is_full=True, differing=differing, left_out=left_out)


def _score_news(run: _Run, store: PairStore) -> Scoring:
    session = run.session
    report, fresh = store.score_changes(
        session.query(f"{_PEOPLE} where {_in_news('record_key')}"),
        session.query(f"select record_key from {NEWS} where kind = 'gone'"),  # noqa: S608 -- ours
    )
    of = f"{_in_news('record_key_1')} or {_in_news('record_key_2')}"
    settle(session, fresh, join=run.model.join, is_same_model=run.is_same_model, of=of)
    run.forget()
    replace_some(session, of)
    mark_unresolved(session, ENTITY, f"select record_key from {NEWS}")  # noqa: S608 -- ours
    now = {block.rule for block in report.blocks if not block.is_used}
    return _scoring(run, report, is_full=False, left_out=tuple(sorted(now.union(_names(run.last["left_out"])))))


def _scoring(
    run: _Run, report: ScoringReport, *, is_full: bool, left_out: tuple[str, ...], differing: int = 0
) -> Scoring:
    return Scoring(
        records=run.records,
        changed=run.changed,
        gone=run.gone,
        compared=report.compared,
        pairs=int(run.session.scalar(f"select count(*) from {PAIRS}")),  # noqa: S608 -- ours
        is_full=is_full,
        differing=differing,
        blocks=tuple(report.blocks),
        left_out=left_out,
    )


def _in_news(column: str) -> str:
    return f"{column} in (select record_key from {NEWS})"  # noqa: S608 -- ours
