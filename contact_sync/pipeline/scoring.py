"""Scores the pairs that new and changed records of people make, and keeps `identity.person_pair` up to date.

Only records whose compared values have changed leave the warehouse; what they are compared with lies in the scorer's
own store. A full run, each night and whenever store and warehouse do not belong together, makes everything anew and
counts what it found differently. Does not belong here: comparing and weighing (identity/), and what scores lead to.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from contact_sync.identity.blocking import BlockCount
from contact_sync.identity.evidence import PAIR_SCHEMA
from contact_sync.identity.model import MatchModel
from contact_sync.identity.people import OF_NORMALIZED
from contact_sync.identity.store import PairStore, open_store
from contact_sync.warehouse.base import Session

PAIRS: Final = "identity.person_pair"
DIFFERENCES: Final = "identity.person_pair_difference"
"""What the last full run found otherwise than the runs before it."""
_RECORDS: Final = "silver.contact_record"
_SCORED: Final = "pipeline.person_scored"
_CURRENT: Final = "pipeline.person_current"
_NEWS: Final = "pipeline.person_news"
_STORE_ID: Final = "pipeline.person_store"
_FULL_FROM: Final = 0.2
"""Share of changed records from which everything is scored anew: it costs no more."""
_COMPARED: Final = (
    "first_name_normalized",
    "last_name_normalized",
    "name_suffix",
    "email_normalized",
    "cast(email_is_role as varchar(5))",
    "phone_normalized",
    "mobile_phone_normalized",
    "company_normalized",
    "street_normalized",
    "postal_code_normalized",
    "city",
    "job_title",
)
_PEOPLE: Final = f"select {OF_NORMALIZED} from {_RECORDS}"  # noqa: S608 -- ours
_VALUES: Final = " || '|' || ".join(f"coalesce({column}, '')" for column in _COMPARED)
_FINGERPRINTS: Final = f"select record_key, md5({_VALUES}) as fingerprint from {_RECORDS}"  # noqa: S608 -- ours
_CHANGED: Final = f"""
    select current.record_key, 'changed' as kind
    from {_CURRENT} as current
    left join {_SCORED} as scored on scored.record_key = current.record_key
    where scored.fingerprint is null or scored.fingerprint <> current.fingerprint
    union all
    select scored.record_key, 'gone' as kind
    from {_SCORED} as scored
    left join {_CURRENT} as current on current.record_key = scored.record_key
    where current.record_key is null
"""  # noqa: S608 -- ours
_JOINED_BEFORE: Final = f"""
    select pair.record_key_1, pair.record_key_2, pair.rule, pair.score, pair.evidence
    from {PAIRS} as pair
    inner join {_RECORDS} as one on one.record_key = pair.record_key_1
    inner join {_RECORDS} as two on two.record_key = pair.record_key_2
    where pair.score >= $1 and (one.external_id is not null or two.external_id is not null)
"""  # noqa: S608 -- as above
_BEST: Final = """
    select * from (select * from fresh union all select * from before)
    qualify row_number() over (partition by record_key_1, record_key_2 order by score desc) = 1
"""
_DIFFERENCES: Final = """
    select
        coalesce(before.record_key_1, now.record_key_1) as record_key_1,
        coalesce(before.record_key_2, now.record_key_2) as record_key_2,
        before.score as score_before,
        now.score as score_now
    from before
    full outer join now on now.record_key_1 = before.record_key_1 and now.record_key_2 = before.record_key_2
    where (coalesce(before.score, 0) >= $1) <> (coalesce(now.score, 0) >= $1)
    order by all
"""


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What was scored. records: known ones. changed, gone: since the last time. compared: pairs.

    is_full: everything was scored anew. differing: pairs that a full run joins and the runs before it did not, or the
    other way round, listed in DIFFERENCES. blocks: what the blocking rules made.
    """

    records: int
    changed: int
    gone: int
    compared: int
    pairs: int
    is_full: bool
    differing: int = 0
    blocks: tuple[BlockCount, ...] = ()

    @property
    def left_out(self) -> list[str]:
        """The blocking rules that made too many pairs."""
        return [block.rule for block in self.blocks if not block.is_used]


def score_people(
    session: Session, model: MatchModel, path: Path, *, is_full: bool = False, memory_limit_mb: int = 4_000
) -> Scoring:
    """Bring `identity.person_pair` up to date with silver; `path` is the scorer's store."""
    session.append(PAIRS, PAIR_SCHEMA.empty_table())
    session.create(_CURRENT, _FINGERPRINTS)
    known = session.exists(_SCORED) and session.exists(_STORE_ID)
    if not known:
        session.create(_SCORED, f"select record_key, fingerprint from {_CURRENT} where 1 = 0")  # noqa: S608 -- ours
    session.create(_NEWS, _CHANGED)
    records, changed, gone = (
        int(session.scalar(f"select count(*) from {table}"))  # noqa: S608 -- ours
        for table in (_CURRENT, f"{_NEWS} where kind = 'changed'", f"{_NEWS} where kind = 'gone'")
    )
    with open_store(path, model, memory_limit_mb=memory_limit_mb) as store:
        fits = known and store.token() == _token_of(session, model)
        if fits and not is_full and not changed and not gone:
            pairs = int(session.scalar(f"select count(*) from {PAIRS}"))  # noqa: S608 -- ours
            return Scoring(records=records, changed=0, gone=0, compared=0, pairs=pairs, is_full=False)
        everything = is_full or not fits or changed + gone > _FULL_FROM * max(records, 1)
        scoring = (_score_all if everything else _score_news)(session, store, model, (records, changed, gone))
        store_id = uuid.uuid4().hex
        store.keep(f"{store_id}/{model.fingerprint}")
        session.replace(_STORE_ID, pa.table({"store_id": [store_id]}))
    session.create(_SCORED, f"select record_key, fingerprint from {_CURRENT}")  # noqa: S608 -- ours
    return scoring


def _token_of(session: Session, model: MatchModel) -> str:
    store_id = session.scalar(f"select store_id from {_STORE_ID}")  # noqa: S608 -- ours
    return f"{store_id}/{model.fingerprint}"


def _score_all(session: Session, store: PairStore, model: MatchModel, counts: tuple[int, int, int]) -> Scoring:
    records, changed, gone = counts
    report, fresh = store.score_all(session.query(_PEOPLE))
    before = session.read(PAIRS).cast(PAIR_SCHEMA)
    pairs = _best(fresh, session.query(_JOINED_BEFORE, [model.review]))
    differences = _differences(before, pairs, model.join)
    session.replace(PAIRS, pairs)
    session.replace(DIFFERENCES, differences)
    return Scoring(
        records=records,
        changed=changed,
        gone=gone,
        compared=report.compared,
        pairs=pairs.num_rows,
        is_full=True,
        differing=differences.num_rows,
        blocks=tuple(report.blocks),
    )


def _score_news(session: Session, store: PairStore, model: MatchModel, counts: tuple[int, int, int]) -> Scoring:
    records, changed, gone = counts
    report, fresh = store.score_changes(
        session.query(f"{_PEOPLE} where {_in_news('record_key')}"),
        session.query(f"select record_key from {_NEWS} where kind = 'gone'"),  # noqa: S608 -- ours
    )
    of_news = f"({_in_news('pair.record_key_1')} or {_in_news('pair.record_key_2')})"
    pairs = _best(fresh, session.query(f"{_JOINED_BEFORE} and {of_news}", [model.review]))
    session.execute(f"delete from {PAIRS} where {_in_news('record_key_1')} or {_in_news('record_key_2')}")  # noqa: S608 -- ours
    session.append(PAIRS, pairs)
    return Scoring(
        records=records,
        changed=changed,
        gone=gone,
        compared=report.compared,
        pairs=int(session.scalar(f"select count(*) from {PAIRS}")),  # noqa: S608 -- ours
        is_full=False,
        blocks=tuple(report.blocks),
    )


def _in_news(column: str) -> str:
    return f"{column} in (select record_key from {_NEWS})"  # noqa: S608 -- ours


def _best(fresh: pa.Table, before: pa.Table) -> pa.Table:
    """The scores, but those that joined records with a stamp hold: what we write changes what they were made of."""
    with duckdb.connect() as database:
        database.register("fresh", fresh)
        database.register("before", before.cast(PAIR_SCHEMA))
        best: pa.Table = database.sql(_BEST).to_arrow_table()
    return best.cast(PAIR_SCHEMA)


def _differences(before: pa.Table, now: pa.Table, join: float) -> pa.Table:
    """The pairs that only one of two tables joins: (record_key_1, record_key_2, score_before, score_now)."""
    with duckdb.connect() as database:
        database.register("before", before)
        database.register("now", now)
        differences: pa.Table = database.sql(_DIFFERENCES, params=[join]).to_arrow_table()
    return differences
