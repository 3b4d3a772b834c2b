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

import duckdb
import pyarrow as pa

from contact_sync.identity.blocking import BlockCount
from contact_sync.identity.evidence import PAIR_SCHEMA
from contact_sync.identity.last_resolution import forget_resolution
from contact_sync.identity.model import MatchModel
from contact_sync.identity.news import mark_unresolved
from contact_sync.identity.people import COMPARED, OF_NORMALIZED
from contact_sync.identity.scoring import ScoringReport, scoring_version
from contact_sync.identity.store import PairStore, open_store
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen

PAIRS: Final = "identity.person_pair"
DIFFERENCES: Final = "identity.person_pair_difference"
"""What the last full run found otherwise than the runs before it."""
ENTITY: Final = "contact"
_RECORDS: Final = "silver.contact_record"
_SCORED: Final = "pipeline.person_scored"
_UNSEEN: Final = "pipeline.person_unscored"
"""The records of which something changed since the last run."""
_CURRENT: Final = "pipeline.person_current"
_NEWS: Final = "pipeline.person_news"
_STORE: Final = "pipeline.person_store"
_STORE_TYPES: Final[dict[str, pa.DataType]] = {
    "store_id": pa.string(),
    "model": pa.string(),
    "left_out": pa.string(),
    "seen": pa.int64(),
}
_STORE_SCHEMA: Final = pa.schema(_STORE_TYPES)
_DIFFERENCE_TYPES: Final[dict[str, pa.DataType]] = {
    "record_key_1": pa.string(),
    "record_key_2": pa.string(),
    "score_before": pa.float64(),
    "score_now": pa.float64(),
}
_DIFFERENCE_SCHEMA: Final = pa.schema(_DIFFERENCE_TYPES)
_FULL_FROM: Final = 0.2
"""Share of changed records from which everything is scored anew: it costs no more."""
_KEPT: Final = "kept"
"""The rule of a pair that stays on the side where it was; otherwise it is `model`."""
_BELOW: Final = 0.0001
_PEOPLE: Final = f"select {OF_NORMALIZED} from {_RECORDS}"  # noqa: S608 -- ours
_VALUES: Final = " || '|' || ".join(f"coalesce(cast({value} as varchar), '')" for value in COMPARED.values())
_FINGERPRINTS: Final = f"""
    select record_key, md5({_VALUES}) as fingerprint
    from {_RECORDS}
    where record_key in (select record_key from {_UNSEEN})
"""  # noqa: S608 -- ours
_CHANGED: Final = f"""
    select live.record_key, 'changed' as kind
    from {_CURRENT} as live
    left join {_SCORED} as scored on scored.record_key = live.record_key
    where scored.fingerprint is null or scored.fingerprint <> live.fingerprint
    union all
    select scored.record_key, 'gone' as kind
    from {_SCORED} as scored
    inner join {_UNSEEN} as unseen on unseen.record_key = scored.record_key
    left join {_CURRENT} as live on live.record_key = scored.record_key
    where live.record_key is null
"""  # noqa: S608 -- ours
_BEFORE: Final = f"""
    select {", ".join(f"pair.{name}" for name in PAIR_SCHEMA.names)}
    from {PAIRS} as pair
    inner join {_RECORDS} as one on one.record_key = pair.record_key_1
    inner join {_RECORDS} as two on two.record_key = pair.record_key_2
"""  # noqa: S608 -- as above
_SIDES: Final = f"""
    select
        news.record_key,
        case
            when record.external_id is not null and scored.record_key is not null then 'written'
            else 'news'
        end as kind
    from {_NEWS} as news
    inner join {_RECORDS} as record on record.record_key = news.record_key
    left join {_SCORED} as scored on scored.record_key = news.record_key
"""  # noqa: S608 -- as above
_SETTLED: Final = """
    with met as (
        select
            coalesce(fresh.record_key_1, before.record_key_1) as record_key_1,
            coalesce(fresh.record_key_2, before.record_key_2) as record_key_2,
            fresh.score as fresh_score,
            fresh.evidence as fresh_evidence,
            before.score as score_before,
            before.evidence as evidence_before,
            coalesce(before.rule = $kept, false) as was_kept
        from fresh
        full outer join before
            on before.record_key_1 = fresh.record_key_1 and before.record_key_2 = fresh.record_key_2
    ),

    told as (
        select
            met.*,
            (was_kept or 'written' in (coalesce(one.kind, ''), coalesce(two.kind, '')))
            and 'news' not in (coalesce(one.kind, ''), coalesce(two.kind, '')) as is_kept,
            greatest(fresh_score, score_before) as better_score
        from met
        left join sides as one on one.record_key = met.record_key_1
        left join sides as two on two.record_key = met.record_key_2
    )

    select
        record_key_1,
        record_key_2,
        case when is_kept then $kept else 'model' end as rule,
        case
            when not is_kept then fresh_score
            when coalesce(score_before, 0) >= $join then better_score
            else least(better_score, $below)
        end as score,
        case
            when is_kept and coalesce(score_before > fresh_score, fresh_score is null) then evidence_before
            else fresh_evidence
        end as evidence
    from told
    where is_kept or fresh_score is not null
"""
_DIFFERENCES: Final = """
    select
        coalesce(before.record_key_1, now.record_key_1) as record_key_1,
        coalesce(before.record_key_2, now.record_key_2) as record_key_2,
        before.score as score_before,
        now.score as score_now
    from before
    full outer join now on now.record_key_1 = before.record_key_1 and now.record_key_2 = before.record_key_2
    where
        (coalesce(before.score, 0) >= $join) <> (coalesce(now.score, 0) >= $join)
        and coalesce(before.record_key_1, now.record_key_1) not in (select record_key from news)
        and coalesce(before.record_key_2, now.record_key_2) not in (select record_key from news)
    order by all
"""


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
    memory_limit_mb: int

    def settled(self, fresh: pa.Table, condition: str = "") -> pa.Table:
        """The scores, but those of stamped records hold while nothing else has changed: it may be our own word.

        What we write makes a record less like those it was joined with, and more like others. Such a pair stays on the
        side of `join` where it was, and is marked, until its other record changes, a steward decides, or the model is
        another. condition: which pairs of before are meant.
        """
        before = PAIR_SCHEMA.empty_table()
        if self.last.get("model", self.model.fingerprint) == self.model.fingerprint:
            before = self.session.query(f"{_BEFORE} {condition}").cast(PAIR_SCHEMA)
        tables = {"fresh": fresh, "before": before, "sides": self.session.query(_SIDES)}
        limits: dict[str, float | str] = {"kept": _KEPT, "join": self.model.join, "below": self.model.join - _BELOW}
        return self.query(_SETTLED, tables, limits).cast(PAIR_SCHEMA)

    def query(self, statement: str, tables: Mapping[str, pa.Table], parameters: Mapping[str, float | str]) -> pa.Table:
        """Run a query over Arrow tables."""
        with duckdb.connect(config={"threads": 2, "memory_limit": f"{self.memory_limit_mb}MB"}) as database:
            for name, table in tables.items():
                database.register(name, table)
            rows: pa.Table = database.sql(statement, params=dict(parameters)).to_arrow_table()
        return rows

    def forget(self) -> None:
        """Until this run ends, the next one scores everything: not every engine takes back what a dead run wrote."""
        self.session.replace(_STORE, _STORE_SCHEMA.empty_table())


def score_people(
    session: Session, model: MatchModel, path: Path, *, is_full: bool = False, memory_limit_mb: int = 4_000
) -> Scoring:
    """Bring `identity.person_pair` up to date with silver, if there is any; `path` is the scorer's store."""
    session.append(PAIRS, PAIR_SCHEMA.empty_table())
    if not session.exists(_STORE):
        session.append(_STORE, _STORE_SCHEMA.empty_table())
    session.append(DIFFERENCES, _DIFFERENCE_SCHEMA.empty_table())
    if not session.exists(_RECORDS):
        return Scoring(records=0, changed=0, gone=0, compared=0, pairs=0, is_full=False)
    run = _begin(session, model, memory_limit_mb)
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
        session.execute(f"delete from {_SCORED} where record_key in (select record_key from {_UNSEEN})")  # noqa: S608 -- ours
        session.execute(f"insert into {_SCORED} select record_key, fingerprint from {_CURRENT}")  # noqa: S608 -- ours
        session.replace(_STORE, pa.Table.from_pylist([noted], schema=_STORE_SCHEMA))
    return scoring


def _begin(session: Session, model: MatchModel, memory_limit_mb: int) -> _Run:
    """Find out what is new."""
    noted = session.read(_STORE).to_pylist()
    last = noted[0] if noted else {}
    # Until a run ends its numbers are those of the one before: rows of the last refresh may be looked at twice.
    seen = changes_seen(session).get(_RECORDS.partition(".")[2], -1)
    since = last.get("seen", -1) if session.exists(_SCORED) else -1
    session.create(_UNSEEN, f"select distinct record_key from {_RECORDS}_change where changed_in > {since}")  # noqa: S608 -- ours
    session.create(_CURRENT, _FINGERPRINTS)
    if not session.exists(_SCORED):
        session.create(_SCORED, f"select record_key, fingerprint from {_CURRENT} where 1 = 0")  # noqa: S608 -- ours
    session.create(_NEWS, _CHANGED)
    records, changed, gone = (
        int(session.scalar(f"select count(*) from {table}"))  # noqa: S608 -- ours
        for table in (_RECORDS, f"{_NEWS} where kind = 'changed'", f"{_NEWS} where kind = 'gone'")
    )
    return _Run(
        session=session,
        model=model,
        last=last,
        seen=seen,
        records=records,
        changed=changed,
        gone=gone,
        memory_limit_mb=memory_limit_mb,
    )


def _token(store_id: str, model: MatchModel) -> str:
    return f"{store_id}/{scoring_version(model)}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _score_all(run: _Run, store: PairStore) -> Scoring:
    session = run.session
    report, fresh = store.score_all(session.query(_PEOPLE))
    before = session.read(PAIRS).cast(PAIR_SCHEMA)
    pairs = run.settled(fresh)
    news = session.query(f"select record_key from {_NEWS}")  # noqa: S608 -- ours
    differences = run.query(_DIFFERENCES, {"before": before, "now": pairs, "news": news}, {"join": run.model.join})
    run.forget()
    forget_resolution(session, ENTITY)
    session.replace(PAIRS, pairs)
    session.replace(DIFFERENCES, differences.cast(_DIFFERENCE_SCHEMA))
    # Everybody is resolved anew; of these it is known that what joins them is another thing, though they may stay one.
    sides = (f"select record_key_{side} as record_key from {DIFFERENCES}" for side in (1, 2))  # noqa: S608 -- ours
    mark_unresolved(session, ENTITY, " union ".join(sides))
    left_out = tuple(block.rule for block in report.blocks if not block.is_used)
    return _scoring(run, report, is_full=True, differing=differences.num_rows, left_out=left_out)


def _score_news(run: _Run, store: PairStore) -> Scoring:
    session = run.session
    report, fresh = store.score_changes(
        session.query(f"{_PEOPLE} where {_in_news('record_key')}"),
        session.query(f"select record_key from {_NEWS} where kind = 'gone'"),  # noqa: S608 -- ours
    )
    pairs = run.settled(fresh, f"where {_in_news('pair.record_key_1')} or {_in_news('pair.record_key_2')}")
    run.forget()
    session.execute(f"delete from {PAIRS} where {_in_news('record_key_1')} or {_in_news('record_key_2')}")  # noqa: S608 -- ours
    session.append(PAIRS, pairs)
    mark_unresolved(session, ENTITY, f"select record_key from {_NEWS}")  # noqa: S608 -- ours
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
    return f"{column} in (select record_key from {_NEWS})"  # noqa: S608 -- ours
