"""What a steward has to decide: pairs of persons or companies that may be one, each with its evidence; pure, in SQL.

A candidate is two clusters that the evidence does not suffice to join, or that a guard keeps apart, shown by the
strongest pair of records between them. What was decided to be different does not come back. Does not belong here:
taking a decision (pipeline/decisions.py).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from contact_sync.identity.arrow_sql import query_over
from contact_sync.identity.evidence import Limits
from contact_sync.identity.tables import REVIEW_SCHEMA

_CANDIDATES: Final = """
    with pair as (
        select record_key_1, record_key_2, score, 'score' as reason, evidence
        from pairs
        where score < $1 and score >= $2
        union all
        select
            cuts.record_key_1, cuts.record_key_2, cuts.score, cuts.reason,
            coalesce(
                pairs.evidence,
                cast(to_json(
                    list_transform(string_split(nullif(cuts.rules, ''), ','), lambda rule: [rule, 'shared'])
                ) as varchar),
                '[]'
            ) as evidence
        from cuts
        left join pairs on pairs.record_key_1 = cuts.record_key_1 and pairs.record_key_2 = cuts.record_key_2
    ),

    between as (
        select pair.*, one.key as key_1, other.key as key_2
        from pair
        inner join links as one on one.record_key = pair.record_key_1
        inner join links as other on other.record_key = pair.record_key_2
        where one.key <> other.key or pair.reason = 'contradiction'
    )

    -- A letter in front: a spreadsheet takes 12e45 for a number.
    select
        'c' || left(md5(record_key_1 || '|' || record_key_2), 10) as candidate_id,
        record_key_1, record_key_2, key_1, key_2, score, reason, evidence
    from between
    anti join settled on settled.key = between.key_1 and settled.other_key = between.key_2
    qualify row_number() over (
        partition by least(key_1, key_2), greatest(key_1, key_2)
        order by reason = 'score', score desc nulls last, record_key_1, record_key_2
    ) = 1
    order by score desc nulls last, candidate_id
"""


_SETTLED: Final = """
    with decided as (
        select one.key, other.key as other_key
        from different
        inner join links as one on one.record_key = different.record_key_1
        inner join links as other on other.record_key = different.record_key_2
        where one.key <> other.key
    )

    select key, other_key from decided
    union
    select other_key, key from decided
"""


def settled_keys(different: pa.Table, links: pa.Table) -> pa.Table:
    """(key, other_key) of each two persons or companies that were decided to be different, in both directions.

    different: (record_key_1, record_key_2). links: (record_key, key) of the live records.
    """
    return query_over({"different": different, "links": links}, _SETTLED)


def candidates(pairs: pa.Table, cuts: pa.Table, links: pa.Table, limits: Limits, settled: pa.Table) -> pa.Table:
    """What is to be decided (REVIEW_SCHEMA), the likeliest first; one row per two keys.

    pairs: PAIR_SCHEMA. cuts: cluster.CUT_SCHEMA. links: (record_key, key) of the live records. settled: what
    `settled_keys` found. `reason` is `score` where the model is not sure, otherwise the guard's objection; `evidence`
    is a JSON list of [comparison, level, weight] or [rule, "shared"].
    """
    tables = {"pairs": pairs, "cuts": cuts, "links": links, "settled": settled}
    return query_over(tables, _CANDIDATES, [limits.join, limits.review]).cast(REVIEW_SCHEMA)
