"""Rows of a plan as rows that a target takes. Does not belong here: which rows there are, and where they go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.state.writes import INTENT, Lane
from contact_sync.sync.changes import parent_reference
from contact_sync.sync.plan_table import PLAN_COLUMNS, Stage, after, before, target_fields, written_fields
from contact_sync.sync.rows import Rows

if TYPE_CHECKING:
    from contact_sync.sync.plan import StageCount


def lane_of(entity: Entity, *, rows: int) -> Lane:
    """How so many rows of one stage are sent."""
    return Lane.DIRECT if entity.target.strict or rows <= entity.target.direct_rows else Lane.BULK


def columns_to_apply(entities: Mapping[str, Entity], counts: Iterable[StageCount]) -> list[str]:
    """What an application needs of a plan that has so many rows of each stage; others take as long to read."""
    own = ["plan_id", "entity", "stage", "row_key", "value_hash", "seen_at"]
    of_stages = (_columns_of(entities[one.entity], Stage(one.stage), one.planned) for one in counts if one.planned)
    return list(dict.fromkeys(chain(own, *of_stages)))


def planned_rows(plan_rows: pa.Table, entity: Entity, stage: Stage, key: str, *, with_before: bool = False) -> Rows:
    """The rows of one stage: `row_key` is the value of the key column. with_before: keep what the plan saw."""
    columns: dict[str, Any] = {name: plan_rows.column(name) for name in INTENT.names if name != "fingerprint"}
    columns["fingerprint"] = pa.nulls(plan_rows.num_rows, pa.string())
    intents = pa.table([columns[name] for name in INTENT.names], schema=INTENT)
    return Rows(
        cells=pa.table({key: plan_rows.column("row_key")} | _written(plan_rows, entity, stage)),
        intents=intents,
        before=_seen(plan_rows, entity) if with_before else None,
    )


def write_of(plan_row: pa.Table, entities: Mapping[str, Entity]) -> dict[str, Any]:
    """One row of a plan as readers want it: `before` and `after` are field of the target -> value."""
    row = plan_row.select(PLAN_COLUMNS.names).to_pylist()[0]
    planned = planned_rows(plan_row, entities[row["entity"]], Stage(row["stage"]), "row_key", with_before=True)
    after = planned.cells.drop_columns(["row_key"]).to_pylist()[0]
    seen = planned.before.to_pylist()[0] if planned.before is not None else {}
    before = {field: seen.get(field) for field in after} if row["record_id"] else {}
    return {**row, "before": before, "after": after}


def _columns_of(entity: Entity, stage: Stage, rows: int) -> list[str]:
    """What `planned_rows` takes from the plan for one stage, besides the columns of every stage."""
    if stage is Stage.STAMP:
        return ["golden_key"]
    afters, befores = ([column(field.name) for field in target_fields(entity)] for column in (after, before))
    if stage is Stage.CREATE:
        return afters if entity.target.parent is None else [*afters, "parent_key"]
    return [*afters, *befores] if lane_of(entity, rows=rows) is Lane.DIRECT else afters


def _seen(plan_rows: pa.Table, entity: Entity) -> pa.Table:
    """What the plan saw in the fields of the target."""
    columns: dict[str, Any] = {field: plan_rows.column(before(name)) for name, field in written_fields(entity).items()}
    return pa.table(columns)


def _written(plan_rows: pa.Table, entity: Entity, stage: Stage) -> dict[str, Any]:
    """Every field that any of the rows writes, as text; null in a row that does not write it."""
    if stage is Stage.STAMP:
        return {entity.target.external_id: plan_rows.column("golden_key")}
    columns = {field: plan_rows.column(after(name)) for name, field in written_fields(entity).items()}
    if stage is Stage.CREATE and entity.target.parent is not None:
        columns[parent_reference(entity)] = plan_rows.column("parent_key")
    return {field: values for field, values in columns.items() if values.null_count < len(values)}
