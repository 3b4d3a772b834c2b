"""Rows of a plan as rows that a target takes. Does not belong here: which rows there are, and where they go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.state.writes import INTENT
from contact_sync.sync.changes import parent_reference
from contact_sync.sync.plan_table import PLAN_COLUMNS, Stage, after, before, field_columns, written_fields
from contact_sync.sync.rows import Rows


def columns_to_apply(entities: Iterable[Entity]) -> list[str]:
    """What an application needs of a plan."""
    own = ["plan_id", "entity", "stage", "golden_key", "row_key", "value_hash", "parent_key", "seen_at"]
    return [*own, *field_columns(entities)]


def planned_rows(plan_rows: pa.Table, entity: Entity, stage: Stage, key: str, *, with_before: bool = False) -> Rows:
    """The rows of one stage: `row_key` is the value of the key column. with_before: keep what the plan saw."""
    columns: dict[str, Any] = {name: plan_rows.column(name) for name in INTENT.names if name != "fingerprint"}
    columns["fingerprint"] = pa.nulls(plan_rows.num_rows, pa.string())
    intents = pa.table([columns[name] for name in INTENT.names], schema=INTENT)
    befores: dict[str, Any] = {field: plan_rows.column(before(name)) for name, field in written_fields(entity).items()}
    return Rows(
        cells=pa.table({key: plan_rows.column("row_key")} | _written(plan_rows, entity, stage)),
        intents=intents,
        before=pa.table(befores) if with_before else None,
    )


def write_of(plan_row: pa.Table, entities: Mapping[str, Entity]) -> dict[str, Any]:
    """One row of a plan as readers want it: `before` and `after` are field of the target -> value."""
    row = plan_row.select(PLAN_COLUMNS.names).to_pylist()[0]
    planned = planned_rows(plan_row, entities[row["entity"]], Stage(row["stage"]), "row_key", with_before=True)
    after = planned.cells.drop_columns(["row_key"]).to_pylist()[0]
    seen = planned.before.to_pylist()[0] if planned.before is not None else {}
    before = {field: seen.get(field) for field in after} if row["record_id"] else {}
    return {**row, "before": before, "after": after}


def _written(plan_rows: pa.Table, entity: Entity, stage: Stage) -> dict[str, Any]:
    """Every field that any of the rows writes, as text; null in a row that does not write it."""
    if stage is Stage.STAMP:
        return {entity.target.external_id: plan_rows.column("golden_key")}
    columns = {field: plan_rows.column(after(name)) for name, field in written_fields(entity).items()}
    if stage is Stage.CREATE and entity.target.parent is not None:
        columns[parent_reference(entity)] = plan_rows.column("parent_key")
    return {field: values for field, values in columns.items() if values.null_count < len(values)}
