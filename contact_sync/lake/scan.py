"""Reads Delta tables as Arrow batches; the one place where delta-rs's reader is called."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from deltalake import DeltaTable


def scan(
    table: DeltaTable, *, columns: Sequence[str] | None = None, predicate: str | None = None
) -> pa.RecordBatchReader:
    """Stream the rows that match a DataFusion predicate, file by file where statistics allow it.

    pyarrow reads the stream because delta-rs's own iterator keeps the interpreter locked while it waits for storage.
    """
    reader = table.scan(columns=list(columns) if columns is not None else None, predicate=predicate)
    return pa.RecordBatchReader.from_stream(reader)
