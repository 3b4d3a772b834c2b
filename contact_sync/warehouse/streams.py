"""Rows that leave an engine batch by batch, and what is said when they break off.

Does not belong here: what the batches hold, and how an engine gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from contact_sync.errors import WarehouseError


def stream_of(table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> pa.RecordBatchReader:
    """The rows of a table. Raises WarehouseError where they break off; the engine's message can quote values."""

    def told() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except (pa.ArrowException, OSError) as error:
            raise WarehouseError(
                f"{table} could not be read to its end ({type(error).__name__}).",
                remedy="See what the warehouse's own log says, and run again.",
            ) from None

    return pa.RecordBatchReader.from_batches(schema, told())


@contextmanager
def with_errors_of_its_own(rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatchReader]:
    """The same rows for another engine to read, whose account of a failure gives way to what the stream itself raised.

    An engine that reads a stream wraps the error of whoever gives the rows, or loses it while it cleans up.
    """
    raised: list[Exception] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except Exception as error:
            raised.append(error)
            raise

    try:
        yield pa.RecordBatchReader.from_batches(rows.schema, batches())
    finally:
        if raised:
            raise raised[0] from None
