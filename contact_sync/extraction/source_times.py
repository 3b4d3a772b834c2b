"""Reads the times that sources write as text. One without a zone is UTC, wherever this machine is.

Does not belong here: which of a source's columns is its time.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from contact_sync.arrow_values import MOMENT


def source_times(texts: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    """The times of a column in microseconds of UTC; null where there is none, or no time that can be read."""
    try:
        return texts.cast(MOMENT)
    except pa.ArrowInvalid:
        # A format that Arrow does not know, a time without a zone, or none: DuckDB tells them apart row by row.
        return _by_duckdb(texts)


def _by_duckdb(texts: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    import duckdb  # noqa: PLC0415 -- 50 MB that most extractions have no use for

    with duckdb.connect(":memory:", config={"threads": 1}) as database:
        database.execute("set TimeZone = 'UTC'")
        database.register("page", pa.Table.from_arrays([texts], names=["text"]))
        found: pa.Table = database.sql("select try_cast(text as timestamptz) as time from page").to_arrow_table()
    return found.column("time").cast(MOMENT)
