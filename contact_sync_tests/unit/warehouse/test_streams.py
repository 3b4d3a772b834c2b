"""Streams that pass from one engine to another."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from contact_sync.warehouse.streams import with_errors_of_its_own

SCHEMA = pa.schema([("number", pa.int64())])


def test_a_stream_that_breaks_off_says_why() -> None:
    """Whatever the engine that reads makes of it, the error is the one that the stream raised, and tells no other."""

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch([pa.array(range(10))], schema=SCHEMA)
        raise ConnectionError("the server went away")

    def read() -> None:
        broken = pa.RecordBatchReader.from_batches(SCHEMA, batches())
        with duckdb.connect() as database, with_errors_of_its_own(broken) as rows:
            database.register("incoming", rows)
            database.execute("create table read as select * from incoming")

    with pytest.raises(ConnectionError, match="the server went away") as caught:
        read()
    assert caught.value.__suppress_context__


def test_an_error_of_whoever_reads_is_left_as_it_is() -> None:
    """Nothing is wrong with the rows."""
    with pytest.raises(ZeroDivisionError), with_errors_of_its_own(SCHEMA.empty_table().to_reader()):
        raise ZeroDivisionError
