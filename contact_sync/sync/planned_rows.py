"""Rows of a plan as rows that a target takes: the values of their `after` become columns.

Does not belong here: which rows there are, and where they go.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from contact_sync import arrow_values
from contact_sync.catalog import Entity
from contact_sync.errors import StalePlanError
from contact_sync.state.writes import INTENT
from contact_sync.sync.changes import parent_reference, target_fields
from contact_sync.sync.rows import Rows

_compute: Any = pc  # its stubs lack functions and overloads
COLUMNS: Final = ("plan_id", "entity", "stage", "row_key", "before", "after", "value_hash", "seen_at")
"""What an application needs of a plan."""
_BLOCK_BYTES: Final = 4 * 1024 * 1024
_LINE_END: Final = arrow_values.text("\n")


def planned_rows(plan_rows: pa.Table, entity: Entity, key: str, *, with_before: bool = False) -> Rows:
    """The rows of one stage: `row_key` is the value of the key column. with_before: keep what the plan saw."""
    columns: dict[str, Any] = {name: plan_rows.column(name) for name in INTENT.names if name != "fingerprint"}
    columns["fingerprint"] = pa.nulls(plan_rows.num_rows, pa.string())
    intents = pa.table([columns[name] for name in INTENT.names], schema=INTENT)
    before = plan_rows.column("before") if with_before else None
    return Rows(cells=cells_of(plan_rows, entity, key), intents=intents, before=before)


def cells_of(plan_rows: pa.Table, entity: Entity, key: str) -> pa.Table:
    """The key column and every field that any row writes, as text; a field that a row does not write is null.

    Raises StalePlanError for a value of a field that the catalog does not write (any more).
    """
    fields = {field.target_field: pa.string() for field in target_fields(entity) if field.target_field}
    fields[entity.target.external_id] = pa.string()
    if entity.target.parent is not None:
        fields[parent_reference(entity)] = pa.string()
    try:
        lines: Any = pa.BufferReader(_lines(plan_rows.column("after")))
        values = pa_json.read_json(
            lines,
            read_options=pa_json.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            parse_options=pa_json.ParseOptions(
                explicit_schema=pa.schema(list(fields.items())), unexpected_field_behavior="error"
            ),
        )
    except pa.ArrowInvalid:
        raise StalePlanError(
            f"The plan writes a field of {entity.name} that golden.yaml does not write.",
            remedy="Make the plan again with `contact-sync plan`.",
        ) from None
    written = [name for name in values.column_names if values.column(name).null_count < values.num_rows]
    columns: dict[str, Any] = {key: plan_rows.column("row_key")}
    columns |= {name: values.column(name) for name in written if name != key}
    return pa.table(columns)


def _lines(documents: pa.ChunkedArray[Any]) -> pa.Buffer:
    """JSON texts, none of which has a line break outside of a text, one in a line."""
    values: Any = documents.combine_chunks()
    ends: Any = pa.Array.from_buffers(pa.int32(), 2, [None, arrow_values.buffer(np.array([0, len(values)], np.int32))])
    joined = _compute.binary_join(pa.ListArray.from_arrays(ends, values), _LINE_END)
    content: pa.Buffer = joined.buffers()[2]
    return content
