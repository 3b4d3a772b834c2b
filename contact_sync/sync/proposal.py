"""Finds what differs between golden records and a target's records, as the table `pipeline.proposal`.

One row per write that would make them agree, with the reason if it has to be held. The plan is made from it, and the
reconciliation explains it. Does not belong here: the comparison of single fields (changes.py) and choosing what to do.
"""

from __future__ import annotations

from typing import Final

from contact_sync.catalog import Entity
from contact_sync.connectors.target import CLEAR
from contact_sync.sql_text import sql_text
from contact_sync.sync import changes
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.dialect import Dialect

_UNWRITABLE: Final = (
    f"case when max(case when is_unwritable then 1 end) = 1 then 'the text {CLEAR} cannot be written' end"
)


def propose(session: Session, entity: Entity, records: str) -> None:
    """Compare gold with the target records of a query (changes.silver_records or live_records); parents come first.

    Makes `pipeline.proposal` (entity, object_name, instance, stage, golden_key, record_id, row_key, before, after,
    value_hash, parent_key, seen_at, hold_reason) and `pipeline.target_<entity>`, the External IDs that children can
    refer to or wait for. Refused writes are read from `pipeline.refused_write`.
    """
    session.create("pipeline.proposal", _proposal(entity, records, session.dialect))
    session.create(f"pipeline.target_{entity.name}", _parent_keys(entity, records, session.dialect))


def _proposal(entity: Entity, records: str, dialect: Dialect) -> str:
    """Query of every difference, held ones included."""
    target = entity.target
    external_id = sql_text(target.external_id)
    before, after = (dialect.json_members("target_field", value) for value in ("before", "after"))
    return f"""
        with {changes.primary_records(entity, records, dialect)},
        {changes.field_changes(entity)},
        {changes.creatable(entity)},
        {changes.created_values(entity)},
        {_parent_values(entity)},
        proposed as (
            select 'stamp' as stage, golden_key, record_id, record_id as row_key,
                   {dialect.json_object(external_id, "null")} as before,
                   {dialect.json_object(external_id, "golden_key")} as after,
                   cast(null as varchar) as hold_reason
            from primary_record
            where external_id is null
            union all
            select 'update', golden_key, record_id, record_id,
                   {before}, {after}, {_UNWRITABLE}
            from field_change
            group by golden_key, record_id
            union all
            select 'create', golden_key, null, golden_key, '{{}}',
                   {after}, {_UNWRITABLE}
            from (select * from created_value union all select * from parent_value) as new_value
            group by golden_key
            union all
            select 'create', {entity.key}, null, {entity.key}, '{{}}', '{{}}', hold_reason
            from missing_record
            where hold_reason is not null
        )
        select
            {sql_text(entity.name)} as entity,
            {sql_text(target.object)} as object_name,
            {sql_text(target.instance)} as instance,
            proposed.stage, proposed.golden_key, proposed.record_id, proposed.row_key,
            proposed.before, proposed.after, md5(proposed.after) as value_hash,
            coalesce(parent_value.after, primary_record.parent_key) as parent_key,
            primary_record.seen_at,
            coalesce(proposed.hold_reason, 'refused by the target: ' || refused.code) as hold_reason
        from proposed
        left join primary_record on primary_record.record_id = proposed.record_id
        left join parent_value on proposed.stage = 'create' and parent_value.golden_key = proposed.golden_key
        left join pipeline.refused_write as refused
            on refused.object_name = {sql_text(target.object)}
            and refused.instance = {sql_text(target.instance)}
            and refused.stage = proposed.stage
            and refused.row_key = proposed.row_key
            and refused.value_hash = md5(proposed.after)
    """  # noqa: S608 -- names come from the validated catalog


def _parent_values(entity: Entity) -> str:
    """CTE `parent_value`: the parent's golden key of records to be created, where the target knows the parent."""
    if entity.target.parent is None:
        return (
            "parent_value as (select cast(null as varchar) as golden_key, cast(null as varchar) as target_field, "
            "cast(null as varchar) as after, false as is_unwritable where false)"
        )
    reference = sql_text(changes.parent_reference(entity))
    return f"""parent_value as (
            select
                missing_record.{entity.key} as golden_key, {reference} as target_field, parent.stamp as after,
                false as is_unwritable
            from missing_record
            inner join pipeline.target_account as parent on parent.golden_key = missing_record.company_key
            where missing_record.hold_reason is null and parent.stamp is not null
        )"""  # noqa: S608 -- as above


def _parent_keys(entity: Entity, records: str, dialect: Dialect) -> str:
    """Query of golden_key and stamp: the External ID by which children can refer to a record of the target.

    Stamps and creates of this very plan count, because parents are applied before their children. No stamp: it is held;
    but what was deleted in the target is not waited for.
    """
    return f"""
        with {changes.primary_records(entity, records, dialect)}
        select golden_key, external_id as stamp from primary_record where external_id is not null
        union all
        select golden_key, case when hold_reason is null then golden_key end from pipeline.proposal
        where stage in ('stamp', 'create') and coalesce(hold_reason, '') <> {sql_text(changes.DELETED)}
    """  # noqa: S608 -- names come from the validated catalog
