"""Which scores stand: what was just scored against what stood before, in the warehouse's own SQL.

Does not belong here: which records are scored (scoring.py), and scoring (identity/).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from contact_sync.identity.evidence import PAIR_SCHEMA
from contact_sync.warehouse.base import Session

PAIRS: Final = "identity.person_pair"
DIFFERENCES: Final = "identity.person_pair_difference"
"""What the last full run found otherwise than the runs before it."""
RECORDS: Final = "silver.contact_record"
SCORED: Final = "pipeline.person_scored"
"""The records that were scored, with a fingerprint of the values that were compared."""
NEWS: Final = "pipeline.person_news"
"""The records of this run: `changed` or `gone`."""
_FRESH: Final = "pipeline.person_pair_scored"
_BEFORE: Final = "pipeline.person_pair_before"
_SETTLED: Final = "pipeline.person_pair_settled"
_DIFFERENCE_TYPES: Final[dict[str, pa.DataType]] = {
    "record_key_1": pa.string(),
    "record_key_2": pa.string(),
    "score_before": pa.float64(),
    "score_now": pa.float64(),
}
_DIFFERENCE_SCHEMA: Final = pa.schema(_DIFFERENCE_TYPES)
_COLUMNS: Final = ", ".join(PAIR_SCHEMA.names)
_KEPT: Final = "kept"
"""The rule of a pair that stays on the side where it was; otherwise it is `model`."""
_BELOW: Final = 0.0001
_LIVING_PAIRS: Final = f"""
    select {", ".join(f"pair.{name}" for name in PAIR_SCHEMA.names)}
    from {PAIRS} as pair
    inner join {RECORDS} as one on one.record_key = pair.record_key_1
    inner join {RECORDS} as two on two.record_key = pair.record_key_2
"""  # noqa: S608 -- ours
_SETTLE: Final = f"""
    with side as (
        select
            news.record_key,
            case
                when record.external_id is not null and scored.record_key is not null then 'written'
                else 'news'
            end as kind
        from {NEWS} as news
        inner join {RECORDS} as record on record.record_key = news.record_key
        left join {SCORED} as scored on scored.record_key = news.record_key
    ),

    met as (
        select
            coalesce(fresh.record_key_1, earlier.record_key_1) as record_key_1,
            coalesce(fresh.record_key_2, earlier.record_key_2) as record_key_2,
            fresh.score as fresh_score,
            fresh.evidence as fresh_evidence,
            earlier.score as score_before,
            earlier.evidence as evidence_before,
            coalesce(earlier.rule = '{_KEPT}', false) as was_kept
        from {_FRESH} as fresh
        full outer join {_BEFORE} as earlier
            on earlier.record_key_1 = fresh.record_key_1 and earlier.record_key_2 = fresh.record_key_2
    ),

    told as (
        select
            met.*,
            (met.was_kept or 'written' in (coalesce(one.kind, ''), coalesce(two.kind, '')))
            and 'news' not in (coalesce(one.kind, ''), coalesce(two.kind, '')) as is_kept,
            -- Of a value and null Snowflake's greatest is null.
            coalesce(greatest(met.fresh_score, met.score_before), met.fresh_score, met.score_before) as better_score
        from met
        left join side as one on one.record_key = met.record_key_1
        left join side as two on two.record_key = met.record_key_2
    )

    select
        record_key_1,
        record_key_2,
        case when is_kept then '{_KEPT}' else 'model' end as rule,
        case
            when not is_kept then fresh_score
            when coalesce(score_before, 0) >= {{join}} then better_score
            else least(better_score, {{below}})
        end as score,
        case
            when is_kept and coalesce(score_before > fresh_score, fresh_score is null) then evidence_before
            else fresh_evidence
        end as evidence
    from told
    where is_kept or fresh_score is not null
"""  # noqa: S608 -- ours
_DIFFERING: Final = f"""
    with met as (
        select
            coalesce(earlier.record_key_1, now.record_key_1) as record_key_1,
            coalesce(earlier.record_key_2, now.record_key_2) as record_key_2,
            earlier.score as score_before,
            now.score as score_now
        from {PAIRS} as earlier
        full outer join {_SETTLED} as now
            on now.record_key_1 = earlier.record_key_1 and now.record_key_2 = earlier.record_key_2
    )

    select met.record_key_1, met.record_key_2, met.score_before, met.score_now
    from met
    left join {NEWS} as one on one.record_key = met.record_key_1
    left join {NEWS} as two on two.record_key = met.record_key_2
    where
        (coalesce(met.score_before, 0) >= {{join}}) <> (coalesce(met.score_now, 0) >= {{join}})
        and one.record_key is null and two.record_key is null
"""  # noqa: S608 -- ours


def prepare(session: Session) -> None:
    """Make the tables where there are none."""
    session.append(PAIRS, PAIR_SCHEMA.empty_table())
    session.append(DIFFERENCES, _DIFFERENCE_SCHEMA.empty_table())


def settle(
    session: Session, fresh: pa.RecordBatchReader, *, join: float, is_same_model: bool, of: str = "1 = 1"
) -> None:
    """The scores (PAIR_SCHEMA), but those of stamped records hold while nothing else has changed: they may be our word.

    What we write makes a record less like those it was joined with, and more like others. Such a pair stays on the side
    of `join` where it was, and is marked, until its other record changes, a steward decides, or the model is another.
    of: a condition on the pairs of before that are meant. What is settled counts with `replace_all` or `replace_some`.
    """
    session.replace(_FRESH, fresh)
    condition = of if is_same_model else "1 = 0"
    session.create(_BEFORE, f"{_LIVING_PAIRS} where {condition}")
    session.create(_SETTLED, _SETTLE.format(join=join, below=join - _BELOW))


def replace_all(session: Session, *, join: float) -> int:
    """Only what was settled stands; how many known pairs are on the other side of `join` now, listed in DIFFERENCES."""
    session.create(DIFFERENCES, _DIFFERING.format(join=join))
    session.create(PAIRS, f"select {_COLUMNS} from {_SETTLED}")  # noqa: S608 -- ours
    _clear(session)
    return int(session.scalar(f"select count(*) from {DIFFERENCES}"))  # noqa: S608 -- ours


def replace_some(session: Session, of: str) -> None:
    """What was settled stands instead of the pairs of a condition."""
    session.execute(f"delete from {PAIRS} where {of}")  # noqa: S608 -- ours
    session.execute(f"insert into {PAIRS} ({_COLUMNS}) select {_COLUMNS} from {_SETTLED}")  # noqa: S608 -- ours
    _clear(session)


def _clear(session: Session) -> None:
    for table in (_FRESH, _BEFORE, _SETTLED):
        session.execute(f"drop table {table}")
