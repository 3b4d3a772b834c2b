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
from contact_sync.identity.tables import joining_table, pair_table, subject_of
from contact_sync.sql_text import sql_texts
from contact_sync.warehouse.base import Session

_STEWARD: Final = "steward"
"""The rule of pairs that a steward joined."""

_MATCH_KEYS: Final = """
    select record_key, rule, match_key
    from (
        select record_key, rule, match_key, count(*) over (partition by rule, match_key) as record_count
        from identity.{subject}_match_key
    ) as counted
    where record_count > 1 and rule <> '{carried}'
"""
_STAMPS: Final = """
    select record_key, external_id as key
    from silver.{records}
    where left(external_id, {prefix_length}) = '{prefix}'
    union all
    select record_key, match_key
    from identity.{subject}_match_key
    where rule = '{carried}' and left(match_key, {prefix_length}) = '{prefix}'
"""
# What joined a record while it was live goes on to join the one it lives on in.
_PAIRS_OF_RETIRED: Final = """
    with retired as (
        select distinct match_key.record_key
        from identity.{subject}_match_key as match_key
        left join silver.{records} as live on live.record_key = match_key.record_key
        where match_key.rule in ({said}) and live.record_key is null
    )

    select {columns}
    from {table} as pair
    left join retired as one on one.record_key = pair.record_key_1
    left join retired as other on other.record_key = pair.record_key_2
    where pair.rule <> '{steward}' and (one.record_key is not null or other.record_key is not null)
"""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What stewards decided about records of an entity: those (record_key_1, record_key_2) that are one, or two."""

    same: pa.Table
    different: pa.Table


def key_prefix(entity: Entity) -> str:
    """How the keys of an entity begin: `per_` for `person_key`."""
    return f"{subject_of(entity)[:3]}_"


def read_stamps(session: Session, entity: Entity) -> pa.Table:
    """(record_key, key): the keys of ours that records carry, also those that live on in others."""
    prefix = key_prefix(entity)
    statement = _STAMPS.format(
        records=entity.records,
        subject=subject_of(entity),
        carried=CARRIED_STAMP,
        prefix=prefix,
        prefix_length=len(prefix),
    )
    return session.query(statement).cast(pa.schema([("record_key", pa.string()), ("key", pa.string())]))


def read_evidence(
    session: Session, entity: Entity, stamps: pa.Table, current_keys: pa.Table, decided: Decided
) -> Evidence:
    """Everything there is. stamps: what `read_stamps` found. current_keys: (key, current_key, anchor_record_key)."""
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
        match_keys=session.query(_MATCH_KEYS.format(subject=subject_of(entity), carried=CARRIED_STAMP)),
        pairs=_pairs(session, entity),
        same=decided.same,
        different=decided.different,
        stamps=stamped,
        anchors=anchored.aggregate([]),
    )


def write_joining_pairs(session: Session, entity: Entity, evidence: Evidence, limits: Limits) -> None:
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
    session.replace(joining_table(entity), pa.concat_tables([scored, decided.cast(PAIR_SCHEMA)]))


def _pairs(session: Session, entity: Entity) -> pa.Table:
    """What was scored, and what had been of records that live on in others."""
    columns = ", ".join(PAIR_SCHEMA.names)
    scored = session.query(f"select {columns} from {pair_table(entity)}").cast(PAIR_SCHEMA)  # noqa: S608 -- catalog
    of_retired = _PAIRS_OF_RETIRED.format(
        subject=subject_of(entity),
        records=entity.records,
        said=sql_texts(SAID_BY_SYSTEMS),
        steward=_STEWARD,
        columns=", ".join(f"pair.{name}" for name in PAIR_SCHEMA.names),
        table=joining_table(entity),
    )
    return pa.concat_tables([scored, session.query(of_retired).cast(PAIR_SCHEMA)])


def _place(record_keys: pa.ChunkedArray[Any]) -> Any:
    """The object and instance of each record."""
    return pc.replace_substring_regex(record_keys, pattern="/[^/]*$", replacement="")
