"""Loads bronze batches into a warehouse that does not read the lake in place: each batch once, counted.

Does not belong here: how an engine takes rows (Session.append) and which windows are due (windows.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from contact_sync.errors import CountMismatchError
from contact_sync.lake.bronze import LINEAGE, PARTITION_COLUMNS, BronzeTable
from contact_sync.warehouse.base import Session

LINEAGE_TYPES: Final = {
    "int64": "bigint",
    "timestamp[us, tz=UTC]": "timestamp with time zone",
    "date32[day]": "date",
    "bool": "boolean",
}


def column_types(columns: Mapping[str, str]) -> dict[str, str]:
    """name -> SQL type of a bronze table: what the models read and every lineage column."""
    lineage = {name: LINEAGE_TYPES.get(str(LINEAGE.field(name).type), "varchar") for name in LINEAGE.names}
    return {**columns, **lineage, **dict.fromkeys(PARTITION_COLUMNS, "varchar")}


def load_new(session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
    """Append the batches that `bronze.<name>` does not hold yet, instance by instance; new columns are added first.

    Raises CountMismatchError when the warehouse holds other rows than the lake gave.
    """
    name = f"bronze.{table.name}"
    if not session.exists(name):
        declared = ", ".join(f"{session.dialect.column(name)} {kind}" for name, kind in column_types(columns).items())
        session.execute(f"create table {name} ({declared})")
    if not table.exists:
        return
    _add_columns(session, name, table.columns)
    for instance, newest in table.sequences().items():
        of_instance = f"from {name} where _instance = $1"
        loaded = session.scalar(f"select coalesce(max(_sequence), 0) {of_instance}", (instance,))
        if newest > loaded:
            counted = _Counted(table.scan_after(instance, loaded))
            session.append(name, pa.RecordBatchReader.from_batches(counted.schema, counted))
            held = session.scalar(f"select count(*) {of_instance} and _sequence > $2", (instance, loaded))
            if held != counted.row_count:
                session.execute(f"delete {of_instance} and _sequence > $2", (instance, loaded))
                raise CountMismatchError(
                    f"{table.name}: the lake gave {counted.row_count} rows of {instance}, the warehouse took {held}. "
                    "They were taken out again.",
                    remedy="Run again.",
                )


class _Counted:
    """Record batches in plain Arrow types (no views, no dictionaries), counted as they pass."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader
        self.schema = pa.schema([pa.field(field.name, _plain(field.type)) for field in reader.schema])
        self.row_count = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._reader:
            self.row_count += batch.num_rows
            yield batch.cast(self.schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    is_text = pa.types.is_string_view(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    return pa.string() if is_text else kind


def _add_columns(session: Session, name: str, columns: Sequence[str]) -> None:
    column = session.dialect.column
    known = {column(known) for known in session.query(f"select * from {name} limit 0").column_names}  # noqa: S608 -- ours
    for added in columns:
        if column(added) not in known:
            session.execute(f"alter table {name} add column {column(added)} varchar")
