"""SQL over Arrow tables in this process: what a resolution works out between reading from the warehouse and writing.

Does not belong here: the warehouse (warehouse/), and the scorer's store (store.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa


@cache
def _database_of(process_id: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 -- a fork lacks the threads of its parent
    """The database of this process."""
    return duckdb.connect(":memory:", config={"threads": 2})


@contextmanager
def database_over(tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that sees these tables by name, for as long as the block lasts.

    What is made in it has to be temporary: all blocks of a process share one database, because opening one for each
    took a third of a small resolution.
    """
    with _database_of(os.getpid()).cursor() as database:
        for name, table in tables.items():
            database.register(name, table)
        yield database


def rows_of(database: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> pa.Table:
    """All rows of a query."""
    rows: pa.Table = database.sql(query, params=list(parameters)).to_arrow_table()
    return rows


def query_over(tables: Mapping[str, pa.Table], query: str, parameters: Sequence[Any] = ()) -> pa.Table:
    """All rows of one query over these tables."""
    with database_over(tables) as database:
        return rows_of(database, query, parameters)
