"""SQL over Arrow tables in this process: what a resolution works out between reading from the warehouse and writing.

Does not belong here: the warehouse (warehouse/), and the scorer's store (store.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import duckdb
import pyarrow as pa

_FEW_BYTES: Final = 16 * 1024 * 1024


@contextmanager
def database_over(tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that sees these tables by name, for as long as the block lasts.

    What is made in it has to be temporary: blocks with few rows share a database, because to open one for each took a
    third of a small resolution. One with many has its own, because DuckDB gives memory back when a database ends.
    """
    are_few = sum(table.nbytes for table in tables.values()) <= _FEW_BYTES
    with _shared(os.getpid()).cursor() if are_few else _opened() as database:
        for name, table in tables.items():
            database.register(name, table)
        yield database


@cache
def _shared(process_id: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 -- a fork lacks the threads of its parent's
    return _opened()


def _opened() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 2})


def rows_of(database: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> pa.Table:
    """All rows of a query."""
    rows: pa.Table = database.sql(query, params=list(parameters)).to_arrow_table()
    return rows


def query_over(tables: Mapping[str, pa.Table], query: str, parameters: Sequence[Any] = ()) -> pa.Table:
    """All rows of one query over these tables."""
    with database_over(tables) as database:
        return rows_of(database, query, parameters)
