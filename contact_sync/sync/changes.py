"""The SQL that compares golden records with the records of their target; pure text from catalog values.

The same comparison makes the plan (against silver) and the reconciliation (against the target as it is now), so that
the two cannot disagree about what a difference is. Does not belong here: running it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from contact_sync.catalog import Entity, GoldenField
from contact_sync.catalog.model import NullPolicy
from contact_sync.connectors.target import CLEAR
from contact_sync.sql_text import sql_text
from contact_sync.sync.plan_table import after, before, field_columns, target_fields
from contact_sync.warehouse.dialect import Dialect

DELETED: Final = "its record was deleted in the target"
"""The reason why somebody is not created again."""
_LINES: Final = ",\n                "


def silver_records(entity: Entity) -> str:
    """The target's records as silver holds them: record_key, record_id, external_id, created_at, golden fields.

    parent_key: the record of its parent, if the entity has one; seen_at: the time of its last change that silver knows.
    """
    parent = "account_record_key" if entity.target.parent is not None else "cast(null as varchar)"
    fields = ", ".join(f"cast({field.name} as varchar) as {field.name}" for field in target_fields(entity))
    return f"""
        select
            record_key, record_id, external_id, created_at, {parent} as parent_key, version_at as seen_at, {fields}
        from silver.{entity.records}
        where object_name = {sql_text(entity.target.object)} and instance = {sql_text(entity.target.instance)}
    """  # noqa: S608 -- names come from the validated catalog


def live_records(entity: Entity, table: str) -> str:
    """The same of rows just read from the target, in a table with the columns of `reconcile.live_rows`."""
    prefix = sql_text(f"{entity.target.object}/{entity.target.instance}/")
    fields = ", ".join(field.name for field in target_fields(entity))
    return f"""
        select
            {prefix} || record_id as record_key, record_id, external_id,
            cast(created_at as timestamp with time zone) as created_at,
            cast(null as varchar) as parent_key, cast(null as timestamp with time zone) as seen_at, {fields}
        from {table}
    """  # noqa: S608 -- as above


def target_record_of(entity: Entity) -> str:
    """The table of the target's records, as `target_records` has them."""
    return f"pipeline.target_record_{entity.name}"


def primary_record_of(entity: Entity) -> str:
    """The table of one record per golden key, as `primary_records` has them."""
    return f"pipeline.primary_record_{entity.name}"


def target_records(entity: Entity, records: str) -> str:
    """Query of the target's records without their fields, each with its golden key, if it has one.

    That is the key of its person, or the one it carries.
    """
    link = f"identity.{entity.key.removesuffix('_key')}_link"
    return f"""
        with record as (
            select record_key, record_id, external_id, created_at, parent_key, seen_at from ({records}) as records
        ),
        stamped as (
            select distinct record.record_key, stamp.current_key
            from record
            inner join pipeline.{entity.name}_stamp_key as stamp on stamp.key = record.external_id
        )
        select
            record.*,
            coalesce(link.{entity.key}, stamped.current_key) as golden_key,
            stamped.current_key is distinct from link.{entity.key} as is_stamped_otherwise
        from record
        left join {link} as link on link.record_key = record.record_key
        left join stamped on stamped.record_key = record.record_key
    """  # noqa: S608 -- as above


def primary_records(entity: Entity, dialect: Dialect) -> str:
    """Query of one record per golden key, the stamped one first, then the oldest.

    Most golden keys have one record there, which is sorted with no other.
    """
    columns = ("record_key", "golden_key", "record_id", "external_id", "parent_key", "seen_at")
    record = target_record_of(entity)
    return f"""
        with several as (
            select golden_key from {record} where golden_key is not null group by golden_key having count(*) > 1
        )
        select {", ".join(f"record.{name}" for name in columns)}
        from {record} as record
        left join several on several.golden_key = record.golden_key
        where record.golden_key is not null and several.golden_key is null
        union all
        select {", ".join(columns)}
        from (
            select
                record.*,
                row_number() over (
                    partition by golden_key
                    order by
                        external_id is null, is_stamped_otherwise, created_at, {dialect.in_byte_order("record_id")}
                ) as place
            from {record} as record
            where golden_key in (select golden_key from several)
        ) as placed
        where place = 1
    """  # noqa: S608 -- as above


def field_changes(entity: Entity, records: str) -> str:
    """CTEs `compared` and `field_change`: each primary record with owned fields that differ, in columns `before_` and
    `after_`. records: the query that the target's records come from.

    A field group moves as one: where its owner speaks, the parts it leaves empty are cleared too, because half of two
    addresses is no address. What its owner has cleared is cleared, where null_policy says so. Otherwise an empty golden
    value changes nothing.
    """
    owned = [field for field in entity.fields if field.is_written_back]
    if not owned:
        return f"""
        field_change as (
            select golden_key, record_id, parent_key, seen_at, cast(null as varchar) as hold_reason,
                {unset(field_columns([entity]))}
            from {primary_record_of(entity)} where false
        )"""  # noqa: S608 -- as above
    return f"""
        compared as (
            select
                record.golden_key, record.record_id, record.parent_key, record.seen_at,
                {_LINES.join(_compared(entity, field) for field in owned)}
            from {primary_record_of(entity)} as record
            inner join ({records}) as present on present.record_key = record.record_key
            inner join gold.{entity.name} as golden on golden.{entity.key} = record.golden_key
        ),
        field_change as (
            select
                golden_key, record_id, parent_key, seen_at,
                {unwritable(f"case when {after(one.name)} is not null then golden_{one.name} end" for one in owned)}
                as hold_reason,
                {_LINES.join(_changed(field) for field in target_fields(entity))}
            from compared
            where {" or ".join(f"{after(field.name)} is not null" for field in owned)}
        )"""  # noqa: S608 -- as above


def creatable(entity: Entity) -> str:
    """CTE `missing_record`: golden records without a target record that a source of `create_from` knows.

    `hold_reason` says why one is not created: a required field is missing, its record was deleted in the target (what
    people delete does not come back), its key is the External ID of a record that was parted from it (a create would
    overwrite that), a target record shares a weak key with it and may be the same (a person has to look; a duplicate is
    worse than a delay), or its parent is held: created without it, it would never be linked to it. `parent_stamp`: the
    External ID of its parent, if it has one.
    """
    is_orphan, of_parent, stamp = "false", "", "cast(null as varchar)"
    if entity.target.parent is not None:
        is_orphan, stamp = "parent.golden_key is not null and parent.stamp is null", "parent.stamp"
        of_parent = "left join pipeline.target_account as parent on parent.golden_key = golden.company_key"
    complete = " and ".join(f"golden.{name} is not null" for name in entity.target.required) or "true"
    return f"""
        {possible_pairs(entity)},
        possible_duplicate as (
            select distinct golden_key from possible_pair
        ),
        deleted_record as (
            select distinct stamp.current_key as golden_key
            from silver.{entity.target.object} as record
            inner join pipeline.{entity.name}_stamp_key as stamp on stamp.key = record.contact_sync_key
            where record.is_deleted and record.instance = {sql_text(entity.target.instance)}
        ),
        lent_key as (
            select distinct stamp.current_key as golden_key
            from {target_record_of(entity)} as target_record
            inner join pipeline.{entity.name}_stamp_key as stamp on stamp.key = target_record.external_id
            where target_record.golden_key <> stamp.current_key
        ),
        missing_record as (
            select
                golden.*,
                {stamp} as parent_stamp,
                case
                    when not ({complete}) then 'a required field is missing'
                    when lent_key.golden_key is not null then 'its key is on the record of another'
                    when deleted_record.golden_key is not null then {sql_text(DELETED)}
                    when possible_duplicate.golden_key is not null then 'a target record may be the same'
                    when {is_orphan} then 'its parent is held'
                end as hold_reason
            from gold.{entity.name} as golden
            inner join eligible on eligible.golden_key = golden.{entity.key}
            left join possible_duplicate on possible_duplicate.golden_key = golden.{entity.key}
            left join deleted_record on deleted_record.golden_key = golden.{entity.key}
            left join lent_key on lent_key.golden_key = golden.{entity.key}
            {of_parent}
        )
    """  # noqa: S608 -- as above


def possible_pairs(entity: Entity) -> str:
    """CTEs `eligible` and `possible_pair`: who would be created, and why he may be there already.

    possible_pair: golden_key, record_key, rule, other_key, other_record_key; a record of an eligible key and one of the
    target that share a weak key, unless a steward decided that they are different.
    """
    subject = entity.key.removesuffix("_key")
    link = f"identity.{subject}_link"
    sources = ", ".join(sql_text(name) for name in entity.target.create_from) or "null"
    return f"""
        eligible as (
            select link.{entity.key} as golden_key
            from silver.{entity.records} as records
            inner join {link} as link on link.record_key = records.record_key
            where records.object_name in ({sources})
            except
            select golden_key from {primary_record_of(entity)}
        ),
        possible_pair as (
            select
                eligible.golden_key, mine.record_key, mine.rule,
                target_record.golden_key as other_key, target_record.record_key as other_record_key
            from eligible
            inner join {link} as link on link.{entity.key} = eligible.golden_key
            inner join identity.{subject}_possible_match_key as mine on mine.record_key = link.record_key
            inner join identity.{subject}_possible_match_key as theirs
                on theirs.rule = mine.rule and theirs.match_key = mine.match_key
            inner join {target_record_of(entity)} as target_record on target_record.record_key = theirs.record_key
            left join pipeline.{entity.name}_different as different
                on different.key = eligible.golden_key and different.other_key = target_record.golden_key
            where different.key is null
        )"""  # noqa: S608 -- as above


def parent_reference(entity: Entity) -> str:
    """The column that names a record's parent by its External ID: `Account.Contact_Sync_Key__c`, `Site__r.Key__c`."""
    parent = entity.target.parent or ""
    relationship = f"{parent[:-1]}r" if parent.endswith("__c") else parent.removesuffix("Id")
    return f"{relationship}.{entity.target.external_id}"


def unset(columns: Iterable[str]) -> str:
    """Columns `before_` and `after_` of what a row does not write."""
    return ", ".join(f"cast(null as varchar) as {name}" for name in columns)


def unwritable(values: Iterable[str]) -> str:
    """The reason to hold a row if one of these values is the very text that a target takes for `make it empty`."""
    is_clear = " or ".join(f"{value} = {sql_text(CLEAR)}" for value in values) or "false"
    return f"case when {is_clear} then {sql_text(f'the text {CLEAR} cannot be written')} end"


def _compared(entity: Entity, field: GoldenField) -> str:
    """What the target holds in a field, what gold holds, and what is to be written, if anything is."""
    group = [other.name for other in entity.fields if field.group and other.group == field.group] or [field.name]
    # Snowflake's coalesce takes two at least.
    source = f"coalesce({', '.join(f'golden.{name}_source' for name in group)}, null)"
    owner = f"{field.owner}/"
    value = f"cast(golden.{field.name} as varchar)"
    can_clear = len(group) > 1 or field.null_policy is NullPolicy.PROPAGATE
    cleared = f"coalesce({value}, {sql_text(CLEAR)})" if can_clear else value
    return f"""present.{field.name} as {before(field.name)},
                {value} as golden_{field.name},
                case
                    when left({source}, {len(owner)}) = {sql_text(owner)}
                        and present.{field.name} is distinct from {value}
                    then {cleared}
                end as {after(field.name)}"""


def _changed(field: GoldenField) -> str:
    """The columns of a field in a row of changes: what was there is told where something else is to be written."""
    if not field.is_written_back:
        return unset([before(field.name), after(field.name)])
    return f"""case when {after(field.name)} is not null then {before(field.name)} end as {before(field.name)},
                {after(field.name)}"""
