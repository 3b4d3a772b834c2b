"""Collects the evidence about an entity's records from the warehouse, where dbt, the scorer and systems left it.

Does not belong here: what follows from it (cluster.py), and where decisions come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.catalog import Entity
from contact_sync.identity.evidence import CARRIED_STAMP, PAIR_SCHEMA, SAID_BY_SYSTEMS, Evidence, Limits
from contact_sync.identity.last_resolution import stamp_table
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import joining_table, pair_table, subject_of
from contact_sync.sql_text import sql_texts

_STEWARD: Final = "steward"
"""The rule of pairs that a steward joined."""

_MATCH_KEYS: Final = """
    select record_key, rule, match_key
    from (
        select record_key, rule, match_key, count(*) over (partition by rule, match_key) as record_count
        from identity.{subject}_joining_key
        where {condition}
    ) as counted
    where record_count > 1 and rule <> '{carried}'
"""
_STAMPS: Final = """
    select record_key, external_id as key
    from silver.{records}
    where left(external_id, {prefix_length}) = '{prefix}'
    union all
    select record_key, match_key as key
    from identity.{subject}_joining_key
    where rule = '{carried}' and left(match_key, {prefix_length}) = '{prefix}'
"""
# What joined a record while it was live goes on to join the one it lives on in.
_PAIRS_OF_RETIRED: Final = """
    with retired as (
        select distinct match_key.record_key
        from identity.{subject}_joining_key as match_key
        left join silver.{records} as live on live.record_key = match_key.record_key
        where match_key.rule in ({said}) and live.record_key is null
    )

    select {columns}
    from {table} as pair
    left join retired as one on one.record_key = pair.record_key_1
    left join retired as other on other.record_key = pair.record_key_2
    where pair.rule <> '{steward}' and (one.record_key is not null or other.record_key is not null) and {condition}
"""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What stewards decided about records of an entity: those (record_key_1, record_key_2) that are one, or two."""

    same: pa.Table
    different: pa.Table


def key_prefix(entity: Entity) -> str:
    """How the keys of an entity begin: `per_` for `person_key`."""
    return f"{subject_of(entity)[:3]}_"


def stamps_query(entity: Entity) -> str:
    """Query of (record_key, key): the keys of ours that records carry, also those that live on in others."""
    prefix = key_prefix(entity)
    return _STAMPS.format(
        records=entity.records,
        subject=subject_of(entity),
        carried=CARRIED_STAMP,
        prefix=prefix,
        prefix_length=len(prefix),
    )


def carried_query(entity: Entity) -> str:
    """Query of (record_key, current_key, anchor_record_key): the key that stands for the one that a record carries."""
    return f"""
        select stamp.record_key, stamp_key.current_key, stamp_key.anchor_record_key
        from ({stamps_query(entity)}) as stamp
        inner join {stamp_table(entity.name)} as stamp_key on stamp_key.key = stamp.key
    """  # noqa: S608 -- ours


def read_stamps(scope: Scope) -> pa.Table:
    """What `stamps_query` finds of the scope."""
    statement = (
        f"select record_key, key from ({stamps_query(scope.entity)}) as stamp where {scope.condition('record_key')}"  # noqa: S608 -- ours
    )
    return scope.session.query(statement).cast(pa.schema([("record_key", pa.string()), ("key", pa.string())]))


def read_evidence(scope: Scope, stamps: pa.Table, current_keys: pa.Table, decided: Decided) -> Evidence:
    """Everything there is about records of the scope, pairs with others as well.

    stamps: what `read_stamps` found. current_keys: (key, current_key, anchor_record_key).
    """
    places = pc.index_in(stamps.column("key"), value_set=current_keys.column("key"))
    current = current_keys.take(places)
    stamped = (
        stamps.select(["record_key"])
        .append_column("place", _place(stamps.column("record_key")))
        .append_column("key", current.column("current_key"))
    )
    # The record that a key was derived from has it without carrying it.
    anchors = current.select(["anchor_record_key", "current_key"]).rename_columns(["record_key", "key"])
    anchored = pa.concat_tables([stamped.select(["record_key", "key"]), anchors]).group_by(["record_key", "key"])
    return Evidence(
        match_keys=scope.session.query(
            _MATCH_KEYS.format(
                subject=subject_of(scope.entity), carried=CARRIED_STAMP, condition=scope.condition("record_key")
            )
        ),
        pairs=_pairs(scope),
        same=decided.same,
        different=decided.different,
        stamps=stamped,
        anchors=anchored.aggregate([]),
    )


def write_joining_pairs(scope: Scope, evidence: Evidence, limits: Limits) -> None:
    """Write the pairs that are one by themselves, by a score or a steward, for gold and for the next resolution.

    The scorer forgets a record when it is merged into another one.
    """
    scored = evidence.pairs.filter(pc.field("score") >= limits.join)
    rule, certain = pa.array([_STEWARD] * evidence.same.num_rows, pa.string()), [1.0] * evidence.same.num_rows
    decided = (
        evidence.same.append_column("rule", rule)
        .append_column("score", pa.array(certain, pa.float64()))
        .append_column("evidence", pa.nulls(evidence.same.num_rows, pa.string()))
    )
    table = joining_table(scope.entity)
    # What stewards decided is few, and always written whole.
    scope.session.execute(f"delete from {table} where rule = '{_STEWARD}'")  # noqa: S608 -- catalog
    scope.write(table, pa.concat_tables([scored, decided.cast(PAIR_SCHEMA)]), "record_key_1", "record_key_2")


def read_doubtful_pairs(scope: Scope, cuts: pa.Table, limits: Limits) -> pa.Table:
    """The pairs about records of the scope that the model is not sure of, and those that guards did not follow."""
    cut = f"pipeline.{scope.entity.name}_cut"
    scope.session.replace(cut, cuts.select(["record_key_1", "record_key_2"]))
    return _pairs(
        scope,
        f"(score >= {limits.review} and score < {limits.join} "  # noqa: S608 -- ours
        f"or (record_key_1, record_key_2) in (select record_key_1, record_key_2 from {cut}))",
    )


def _pairs(scope: Scope, such: str = "1 = 1") -> pa.Table:
    """What was scored, and what had been of records that live on in others."""
    session, entity = scope.session, scope.entity
    columns, touching = ", ".join(PAIR_SCHEMA.names), f"{scope.condition('record_key_1', 'record_key_2')} and {such}"
    query = f"select {columns} from {pair_table(entity)} where {touching}"  # noqa: S608 -- catalog
    scored = session.query(query).cast(PAIR_SCHEMA)
    of_retired = _PAIRS_OF_RETIRED.format(
        subject=subject_of(entity),
        records=entity.records,
        said=sql_texts(SAID_BY_SYSTEMS),
        steward=_STEWARD,
        columns=", ".join(f"pair.{name}" for name in PAIR_SCHEMA.names),
        table=joining_table(entity),
        condition=scope.condition("pair.record_key_1", "pair.record_key_2"),
    )
    return pa.concat_tables([scored, session.query(of_retired).cast(PAIR_SCHEMA)])


def _place(record_keys: pa.ChunkedArray[Any]) -> Any:
    """The object and instance of each record."""
    return pc.replace_substring_regex(record_keys, pattern="/[^/]*$", replacement="")
