"""Makes a plan: a frozen table of the writes that would make a target agree, each with its values before and after.

A plan row is one write of one record in one stage: `stamp` puts the golden key on the primary record, `update` writes
owned fields, `create` makes a record for somebody the target does not know. Does not belong here: limits (safety.py)
and writing (apply.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.catalog import Catalog, Entity
from contact_sync.sync import changes
from contact_sync.warehouse.base import Session

PLAN_SCHEMA: Final = pa.schema(
    [
        ("plan_id", pa.string()),
        ("plan_row_id", pa.string()),
        ("entity", pa.string()),
        ("stage", pa.string()),
        ("object_name", pa.string()),
        ("instance", pa.string()),
        ("golden_key", pa.string()),
        ("record_id", pa.string()),
        ("row_key", pa.string()),
        ("before", pa.string()),
        ("after", pa.string()),
        ("value_hash", pa.string()),
    ]
)


class Stage(StrEnum):
    """The stages of a plan, in the order they are applied for each entity."""

    STAMP = "stamp"
    UPDATE = "update"
    CREATE = "create"


ENTITY_ORDER: Final = ("account", "contact")
"""Parents before children."""


@dataclass(frozen=True, kw_only=True)
class StageCount:
    """How many writes an entity's stage has; `held`: not planned, for a reason the difference table names."""

    entity: str
    stage: str
    planned: int
    held: int
    target_records: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A frozen set of writes. `basis`: object/instance -> bronze sequence it was computed from."""

    plan_id: str
    created_at: datetime
    rows: pa.Table
    counts: tuple[StageCount, ...]
    basis: Mapping[str, int]

    @property
    def is_empty(self) -> bool:
        """Whether both sides agree already."""
        return self.rows.num_rows == 0

    def planned(self, stage: Stage) -> int:
        """Writes of one stage, over all entities."""
        return sum(count.planned for count in self.counts if count.stage == stage)

    def as_json(self) -> dict[str, Any]:
        """The plan without its rows."""
        return {
            "plan_id": self.plan_id,
            "created_at": self.created_at.isoformat(),
            "rows": self.rows.num_rows,
            "counts": [asdict(count) for count in self.counts],
            "basis": dict(self.basis),
        }


def make_plan(session: Session, catalog: Catalog, refusals: pa.Table, basis: Mapping[str, int]) -> Plan:
    """Compare gold with the target's records in silver and freeze the differences as `activation.plan`.

    refusals: rows the target refused (WriteLedger.refusals); they are planned again only when their values change.
    """
    session.replace("pipeline.refused_write", refusals)
    entities = [catalog.entities[name] for name in ENTITY_ORDER if name in catalog.entities]
    parts: list[pa.Table] = []
    counts: list[StageCount] = []
    for entity in entities:
        records = changes.silver_records(entity)
        session.execute(f"create or replace temp table proposal as {proposal_sql(entity, records)}")
        session.execute(f"create or replace table pipeline.target_{entity.name} as {_reachable_keys(entity, records)}")
        parts.append(session.query(_PLANNED))
        counts += _counts(session, entity)
    rows = pa.concat_tables(parts) if parts else PLAN_SCHEMA.empty_table()
    frozen = _frozen(rows, basis)
    session.replace("activation.plan", frozen)
    plan_id = _plan_id(frozen, basis)
    return Plan(plan_id=plan_id, created_at=datetime.now(UTC), rows=frozen, counts=tuple(counts), basis=dict(basis))


def proposal_sql(entity: Entity, records: str) -> str:
    """Query of every difference: entity, stage, golden_key, record_id, row_key, before, after, value_hash, hold_reason."""
    target = entity.target
    external_id = changes.quoted(target.external_id)
    return f"""
        with {changes.primary_records(entity, records)},
        {changes.field_changes(entity)},
        {changes.creatable(entity)},
        {changes.created_values(entity)},
        {_parent_values(entity)},
        proposed as (
            select 'stamp' as stage, golden_key, record_id, record_id as row_key,
                   json_object({external_id}, null) as before, json_object({external_id}, golden_key) as after,
                   null as hold_reason
            from primary_record
            where external_id is null
            union all
            select 'update', golden_key, record_id, record_id,
                   {_json_object("before")},
                   {_json_object("after")}, null
            from field_change
            group by golden_key, record_id
            union all
            select 'create', golden_key, null, golden_key, '{{}}',
                   {_json_object("after")}, null
            from (select * from created_value union all select * from parent_value)
            group by golden_key
            union all
            select 'create', {entity.key}, null, {entity.key}, '{{}}', '{{}}', hold_reason
            from missing_record
            where hold_reason is not null
        )
        select
            {changes.quoted(entity.name)} as entity,
            {changes.quoted(target.object)} as object_name,
            {changes.quoted(target.instance)} as instance,
            proposed.stage, proposed.golden_key, proposed.record_id, proposed.row_key,
            proposed.before::varchar as before, proposed.after::varchar as after,
            md5(proposed.after::varchar) as value_hash,
            coalesce(proposed.hold_reason, 'refused by the target: ' || refused.code) as hold_reason
        from proposed
        left join pipeline.refused_write as refused
            on refused.object_name = {changes.quoted(target.object)}
            and refused.instance = {changes.quoted(target.instance)}
            and refused.stage = proposed.stage
            and refused.row_key = proposed.row_key
            and refused.value_hash = md5(proposed.after::varchar)
    """  # noqa: S608 -- names come from the validated catalog


def _json_object(value: str) -> str:
    """Aggregate of target_field -> value as one JSON object, in the order of field names."""
    return f"to_json(map(list(target_field order by target_field), list({value} order by target_field)))"


_PLANNED: Final = """
    select entity, stage, object_name, instance, golden_key, record_id, row_key, before, after, value_hash
    from proposal
    where hold_reason is null
    order by stage, row_key
"""


def _parent_values(entity: Entity) -> str:
    """CTE `parent_value`: the parent's golden key of records to be created, where the target knows the parent."""
    if entity.target.parent is None:
        return (
            "parent_value as (select null::varchar as golden_key, null::varchar as target_field, "
            "null::varchar as after where false)"
        )
    reference = changes.quoted(f"Account.{entity.target.external_id}")
    return f"""parent_value as (
            select missing_record.{entity.key} as golden_key, {reference} as target_field, parent.stamp as after
            from missing_record
            inner join pipeline.target_account as parent on parent.golden_key = missing_record.company_key
            where missing_record.hold_reason is null
        )"""  # noqa: S608 -- as above


def _reachable_keys(entity: Entity, records: str) -> str:
    """Query of golden_key and stamp: the External ID by which children can refer to a record of the target.

    Stamps and creates of this very plan count, because parents are applied before their children.
    """
    return f"""
        with {changes.primary_records(entity, records)}
        select golden_key, external_id as stamp from primary_record where external_id is not null
        union all
        select golden_key, golden_key from proposal
        where stage in ('stamp', 'create') and hold_reason is null
    """  # noqa: S608 -- names come from the validated catalog


def _counts(session: Session, entity: Entity) -> Iterable[StageCount]:
    target_records = session.scalar(f"select count(*) from ({changes.silver_records(entity)})")  # noqa: S608 -- catalog
    query = """
        select stage, count(*) filter (where hold_reason is null) as planned, count(hold_reason) as held
        from proposal group by stage
    """
    found = {row["stage"]: row for row in session.query(query).to_pylist()}
    for stage in Stage:
        row = found.get(stage.value, {"planned": 0, "held": 0})
        yield StageCount(
            entity=entity.name,
            stage=stage.value,
            planned=row["planned"],
            held=row["held"],
            target_records=target_records,
        )


def _frozen(rows: pa.Table, basis: Mapping[str, int]) -> pa.Table:
    plan_id = _plan_id(rows, basis)
    count = rows.num_rows
    identified = rows.append_column("plan_id", pa.array([plan_id] * count, pa.string()))
    row_ids = pc.binary_join_element_wise(
        identified["plan_id"], identified["entity"], identified["stage"], identified["row_key"], "/"
    )
    return identified.append_column("plan_row_id", row_ids).select(PLAN_SCHEMA.names).cast(PLAN_SCHEMA)


def _plan_id(rows: pa.Table, basis: Mapping[str, int]) -> str:
    """The same writes from the same state are the same plan."""
    digest = hashlib.sha256(repr(sorted(basis.items())).encode())
    for name in ("entity", "stage", "row_key", "value_hash"):
        for value in rows.column(name).to_pylist():
            digest.update(f"{value}\n".encode())
    return digest.hexdigest()[:16]
