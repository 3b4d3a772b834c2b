"""Makes a plan: a frozen table of the writes that would make a target agree, each with its values before and after.

A plan row is one write of one record in one stage: `stamp` puts the golden key on the primary record, `update` writes
owned fields, `create` makes a record for somebody the target does not know. Rows are in the order of their writing.
Does not belong here: what differs (proposal.py), limits (safety.py) and writing (apply.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.catalog import Catalog, Entity
from contact_sync.sql_text import sql_text
from contact_sync.sync import changes
from contact_sync.sync.plan_table import PLAN_COLUMNS, Stage, field_columns, plan_schema, written_fields
from contact_sync.sync.proposal import proposal_of, propose
from contact_sync.warehouse.base import Session

_compute: Any = pc  # its stubs lack functions and overloads
PLAN: Final = "activation.plan"
ENTITY_ORDER: Final = ("account", "contact")
"""Parents before children."""
_IDS: Final = ("plan_id", "plan_row_id")
_NAMED_BY: Final = ("entity", "stage", "row_key", "value_hash")
_SLASH: Final = arrow_values.text("/")


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
    """A frozen set of writes. `basis`: object/instance -> bronze sequence it was computed from.

    fields: entity -> golden field -> the field of the target that it is written to.
    """

    plan_id: str
    created_at: datetime
    counts: tuple[StageCount, ...]
    basis: Mapping[str, int]
    fields: Mapping[str, Mapping[str, str]]

    @property
    def row_count(self) -> int:
        """How many writes there are."""
        return sum(count.planned for count in self.counts)

    @property
    def is_empty(self) -> bool:
        """Whether both sides agree already."""
        return self.row_count == 0

    def planned(self, stage: Stage) -> int:
        """Writes of one stage, over all entities."""
        return sum(count.planned for count in self.counts if count.stage == stage)

    def as_json(self) -> dict[str, Any]:
        """The plan without its rows."""
        return {
            "plan_id": self.plan_id,
            "created_at": self.created_at.isoformat(),
            "rows": self.row_count,
            "counts": [asdict(count) for count in self.counts],
            "basis": dict(self.basis),
            "fields": {entity: dict(fields) for entity, fields in self.fields.items()},
        }


def make_plan(session: Session, catalog: Catalog, refusals: pa.Table, basis: Mapping[str, int]) -> Plan:
    """Compare gold with the target's records in silver and freeze the differences as `activation.plan`.

    refusals: rows the target refused (WriteLedger.refusals); while they are kept, only other values are planned.
    """
    session.replace("pipeline.refused_write", refusals)
    entities = in_order(catalog)
    counts: list[StageCount] = []
    for entity in entities:
        propose(session, entity, changes.silver_records(entity))
        counts += _counts(session, entity)
    session.create(PLAN, " union all ".join(_planned(entity, entities) for entity in entities))
    return Plan(
        plan_id=_plan_id(session, basis),
        created_at=datetime.now(UTC),
        counts=tuple(counts),
        basis=dict(basis),
        fields=fields_of(catalog),
    )


def plan_rows(session: Session, plan: Plan, catalog: Catalog) -> pa.RecordBatchReader:
    """The rows of the plan that was just made, in the order of their writing; read before the session does more."""
    schema = plan_schema(in_order(catalog))
    batches = (_identified(batch, plan.plan_id, schema) for batch in _in_order_of_writing(session))
    return pa.RecordBatchReader.from_batches(schema, batches)


def in_order(catalog: Catalog) -> list[Entity]:
    """The catalog's entities, parents before children."""
    return [catalog.entities[name] for name in ENTITY_ORDER if name in catalog.entities]


def fields_of(catalog: Catalog) -> dict[str, dict[str, str]]:
    """Entity -> golden field -> the field of the target that it is written to."""
    return {entity.name: written_fields(entity) for entity in in_order(catalog)}


def _planned(entity: Entity, entities: Sequence[Entity]) -> str:
    """Query of an entity's writes, with the columns of all entities."""
    own = set(field_columns([entity]))
    columns = [name for name in PLAN_COLUMNS.names if name not in _IDS]
    columns += [name if name in own else changes.unset([name]) for name in field_columns(entities)]
    return f"select {', '.join(columns)} from {proposal_of(entity)} where hold_reason is null"  # noqa: S608 -- catalog


def _in_order_of_writing(session: Session) -> Iterator[pa.RecordBatch]:
    """Stage by stage, and the rows of one parent side by side, so that its lock is taken in one place of a job."""
    entity, stage = (
        f"case {column} {' '.join(f'when {sql_text(name)} then {place}' for place, name in enumerate(names))} end"
        for column, names in (("entity", ENTITY_ORDER), ("stage", [stage.value for stage in Stage]))
    )
    parent_key, row_key = (session.dialect.in_byte_order(name) for name in ("parent_key", "row_key"))
    yield from session.stream(PLAN, order=f"order by {entity}, {stage}, {parent_key} nulls last, {row_key}")


def _identified(batch: pa.RecordBatch, plan_id: str, schema: pa.Schema) -> pa.RecordBatch:
    parts = (batch.column(name).cast(pa.string()) for name in ("entity", "stage", "row_key"))
    row_ids = _compute.binary_join_element_wise(arrow_values.text(plan_id), *parts, _SLASH)
    columns: dict[str, Any] = {name: batch.column(name) for name in schema.names if name not in _IDS}
    columns |= {"plan_id": arrow_values.repeat(arrow_values.text(plan_id), batch.num_rows), "plan_row_id": row_ids}
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _counts(session: Session, entity: Entity) -> Iterable[StageCount]:
    target_records = session.scalar(f"select count(*) from ({changes.silver_records(entity)}) as records")  # noqa: S608 -- catalog
    query = f"""
        select stage, count(*) - count(hold_reason) as planned, count(hold_reason) as held
        from {proposal_of(entity)} group by stage
    """  # noqa: S608 -- as above
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


def _plan_id(session: Session, basis: Mapping[str, int]) -> str:
    """The same writes from the same state are the same plan."""
    writes = session.scalar(f"select {session.dialect.fingerprint(_NAMED_BY)} from {PLAN}")  # noqa: S608 -- ours
    return hashlib.sha256(repr((sorted(basis.items()), writes)).encode()).hexdigest()[:16]
