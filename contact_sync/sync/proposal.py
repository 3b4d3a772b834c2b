"""Finds what differs between golden records and a target's records, as the table `pipeline.proposal_<entity>`.

One row per write that would make them agree, with the reason if it has to be held. The plan is made from it, and the
reconciliation explains it. Does not belong here: the comparison of single fields (changes.py) and choosing what to do.
"""

from __future__ import annotations

from collections.abc import Iterable

from contact_sync.catalog import Entity
from contact_sync.sql_text import sql_text
from contact_sync.sync import changes
from contact_sync.sync.plan_table import after, before, field_columns, target_fields
from contact_sync.warehouse.base import Session


def propose(session: Session, entity: Entity, records: str) -> None:
    """Compare gold with the target records of a query (changes.silver_records or live_records); parents come first.

    Makes `pipeline.proposal_<entity>` (the columns of a plan but its ids, hold_reason) and of parents
    `pipeline.target_<entity>`, the External IDs that children can refer to or wait for. Refused writes are read from
    `pipeline.refused_write`. One stage after the other, because each needs the engine's memory.
    """
    find_target_records(session, entity, records)
    session.create(proposal_of(entity), _proposal(entity, _stamps(entity)))
    for stage in (_updates(entity, records), _creates(entity)):
        session.execute(f"insert into {proposal_of(entity)} {_proposal(entity, stage)}")
    if entity.target.parent is None:
        session.create(f"pipeline.target_{entity.name}", _parent_keys(entity))


def find_target_records(session: Session, entity: Entity, records: str) -> None:
    """Make the tables of the target's records, and of the primary ones, of a query like that of `propose`."""
    session.create(changes.target_record_of(entity), changes.target_records(entity, records))
    session.create(changes.primary_record_of(entity), changes.primary_records(entity, session.dialect))


def proposal_of(entity: Entity) -> str:
    """The table that holds an entity's proposal."""
    return f"pipeline.proposal_{entity.name}"


def _stamps(entity: Entity) -> str:
    """Query of the records that do not carry the key of their golden record."""
    return f"""
        select
            cast('stamp' as varchar) as stage, golden_key, record_id, record_id as row_key, parent_key, seen_at,
            cast(null as varchar) as hold_reason, {changes.unset(field_columns([entity]))}
        from {changes.primary_record_of(entity)}
        where external_id is null
    """  # noqa: S608 -- names come from the validated catalog


def _updates(entity: Entity, records: str) -> str:
    """Query of the records that do not hold what their golden record says."""
    return f"""
        with {changes.field_changes(entity, records)}
        select
            cast('update' as varchar) as stage, golden_key, record_id, record_id as row_key, parent_key, seen_at,
            hold_reason, {", ".join(field_columns([entity]))}
        from field_change
    """  # noqa: S608 -- as above


def _creates(entity: Entity) -> str:
    """Query of the golden records that the target lacks."""
    names = [field.name for field in target_fields(entity)]
    created = ", ".join(f"{changes.unset([before(name)])}, cast({name} as varchar) as {after(name)}" for name in names)
    return f"""
        with {changes.creatable(entity)}
        select
            cast('create' as varchar) as stage, {entity.key} as golden_key, cast(null as varchar) as record_id,
            {entity.key} as row_key, parent_stamp as parent_key, cast(null as timestamp with time zone) as seen_at,
            coalesce(hold_reason, {changes.unwritable(f"cast({name} as varchar)" for name in names)}) as hold_reason,
            {created}
        from missing_record
        where hold_reason is not null or {" or ".join(f"{name} is not null" for name in names) or "false"}
    """  # noqa: S608 -- as above


def _proposal(entity: Entity, stage: str) -> str:
    """Query of every difference of a stage, held ones included, in the columns of a proposal."""
    target = entity.target
    fields = field_columns([entity])
    return f"""
        with hashed as (
            select
                proposed.*, md5({_written(field.name for field in target_fields(entity))}) as value_hash
            from ({stage}) as proposed
        )
        select
            {sql_text(entity.name)} as entity,
            {sql_text(target.object)} as object_name,
            {sql_text(target.instance)} as instance,
            hashed.stage, hashed.golden_key, hashed.record_id, hashed.row_key, hashed.value_hash, hashed.parent_key,
            hashed.seen_at, {", ".join(f"hashed.{name}" for name in fields)},
            coalesce(hashed.hold_reason, 'refused by the target: ' || refused.code) as hold_reason
        from hashed
        left join pipeline.refused_write as refused
            on refused.object_name = {sql_text(target.object)}
            and refused.instance = {sql_text(target.instance)}
            and refused.stage = hashed.stage
            and refused.row_key = hashed.row_key
            and refused.value_hash = hashed.value_hash
    """  # noqa: S608 -- as above


def _written(names: Iterable[str]) -> str:
    """Text of everything that a row writes, in which no two rows that write something else are the same."""
    parts = ["golden_key", "case when stage = 'create' then coalesce('/' || parent_key, '') else '' end"]
    for name in names:
        length = f"cast(length({after(name)}) as varchar)"
        parts.append(f"coalesce('/{name}:' || {length} || ':' || {after(name)}, '')")
    return " || ".join(parts)


def _parent_keys(entity: Entity) -> str:
    """Query of golden_key and stamp: the External ID by which children can refer to a record of the target.

    Stamps and creates of this very plan count, because parents are applied before their children. No stamp: it is held;
    but what was deleted in the target is not waited for.
    """
    return f"""
        select golden_key, external_id as stamp from {changes.primary_record_of(entity)} where external_id is not null
        union all
        select golden_key, case when hold_reason is null then golden_key end from {proposal_of(entity)}
        where stage in ('stamp', 'create') and coalesce(hold_reason, '') <> {sql_text(changes.DELETED)}
    """  # noqa: S608 -- names come from the validated catalog
