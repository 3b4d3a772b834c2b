"""Rows of a plan as rows that a target takes: the values of their `after` become columns.

Does not belong here: which rows there are, and where they go.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.sql_text import sql_text
from contact_sync.state.writes import INTENT
from contact_sync.sync.lanes import Rows

_compute: Any = pc  # its stubs lack functions and overloads


def planned_rows(plan_rows: pa.Table, key: str) -> Rows:
    """The rows of one stage: `row_key` is the value of the key column."""
    columns: dict[str, Any] = {name: plan_rows.column(name) for name in INTENT.names if name != "fingerprint"}
    columns["fingerprint"] = pa.nulls(plan_rows.num_rows, pa.string())
    intents = pa.table([columns[name] for name in INTENT.names], schema=INTENT)
    return Rows(cells=cells_of(plan_rows, key), intents=intents)


def cells_of(plan_rows: pa.Table, key: str) -> pa.Table:
    """The key column and every field that any row writes, as text; a field that a row does not write is null."""
    database = duckdb.connect(":memory:", config={"threads": 1})
    try:
        database.register("plan_rows", plan_rows.select(["row_key", "after"]))
        found = database.execute("select distinct unnest(json_keys(after)) as field from plan_rows order by field")
        fields = [field for (field,) in found.fetchall() if field != key]
        structure = json.dumps(dict.fromkeys(fields, "VARCHAR"))
        cells = f", unnest(json_transform(after, {sql_text(structure)}))" if fields else ""
        table: pa.Table = database.sql(f"""select row_key as "{key}"{cells} from plan_rows""").to_arrow_table()  # noqa: S608 -- catalog
    finally:
        database.close()
    return table
