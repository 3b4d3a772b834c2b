"""Makes a plan: a frozen table of the writes that would make a target agree, each with its values before and after.

A plan row is one write of one record in one stage: `stamp` puts the golden key on the primary record, `update` writes
owned fields, `create` makes a record for somebody the target does not know. Rows are in the order of their writing.
Does not belong here: what differs (proposal.py), limits (safety.py) and writing (apply.py).
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

from contact_sync import arrow_values
from contact_sync.arrow_values import MOMENT
from contact_sync.catalog import Catalog, Entity
from contact_sync.sync import changes
from contact_sync.sync.proposal import propose
from contact_sync.warehouse.base import Session

PLAN_SCHEMA: Final = arrow_values.schema(
    plan_id=pa.string(),
    plan_row_id=pa.string(),
    entity=pa.string(),
    stage=pa.string(),
    object_name=pa.string(),
    instance=pa.string(),
    golden_key=pa.string(),
    record_id=pa.string(),
    row_key=pa.string(),
    before=pa.string(),
    after=pa.string(),
    value_hash=pa.string(),
    parent_key=pa.string(),
    seen_at=MOMENT,
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

    refusals: rows the target refused (WriteLedger.refusals); while they are kept, only other values are planned.
    """
    session.replace("pipeline.refused_write", refusals)
    entities = in_order(catalog)
    parts: list[pa.Table] = []
    counts: list[StageCount] = []
    for entity in entities:
        propose(session, entity, changes.silver_records(entity))
        parts.append(_sorted(session.query(_PLANNED)))
        counts += _counts(session, entity)
    rows = pa.concat_tables([PLAN_SCHEMA.empty_table().drop_columns(["plan_id", "plan_row_id"]), *parts])
    frozen = _frozen(rows, basis)
    session.replace("activation.plan", frozen)
    plan_id = _plan_id(frozen, basis)
    return Plan(plan_id=plan_id, created_at=datetime.now(UTC), rows=frozen, counts=tuple(counts), basis=dict(basis))


_PLANNED: Final = """
    select
        entity, stage, object_name, instance, golden_key, record_id, row_key, before, after, value_hash,
        parent_key, seen_at
    from pipeline.proposal
    where hold_reason is null
"""


def in_order(catalog: Catalog) -> list[Entity]:
    """The catalog's entities, parents before children."""
    return [catalog.entities[name] for name in ENTITY_ORDER if name in catalog.entities]


def _sorted(rows: pa.Table) -> pa.Table:
    """Stage by stage, and the rows of one parent side by side, so that its lock is taken in one place of a job."""
    stages = [stage.value for stage in Stage]
    place = pc.index_in(rows.column("stage"), value_set=pa.array(stages, pa.string()))
    ordered = rows.append_column("place", place).sort_by(
        [("place", "ascending"), ("parent_key", "ascending"), ("row_key", "ascending")]
    )
    unnamed = [field for field in PLAN_SCHEMA if field.name not in {"plan_id", "plan_row_id"}]
    return ordered.select([field.name for field in unnamed]).cast(pa.schema(unnamed))


def _counts(session: Session, entity: Entity) -> Iterable[StageCount]:
    target_records = session.scalar(f"select count(*) from ({changes.silver_records(entity)}) as records")  # noqa: S608 -- catalog
    query = """
        select stage, count(*) - count(hold_reason) as planned, count(hold_reason) as held
        from pipeline.proposal group by stage
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
    parts = (identified.column(name).to_pylist() for name in ("plan_id", "entity", "stage", "row_key"))
    row_ids = ["/".join(row) for row in zip(*parts, strict=True)]
    return (
        identified.append_column("plan_row_id", pa.array(row_ids, pa.string()))
        .select(PLAN_SCHEMA.names)
        .cast(PLAN_SCHEMA)
    )


def _plan_id(rows: pa.Table, basis: Mapping[str, int]) -> str:
    """The same writes from the same state are the same plan."""
    digest = hashlib.sha256(repr(sorted(basis.items())).encode())
    for name in ("entity", "stage", "row_key", "value_hash"):
        for value in rows.column(name).to_pylist():
            digest.update(f"{value}\n".encode())
    return digest.hexdigest()[:16]
