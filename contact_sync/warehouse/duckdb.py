"""DuckDB as the warehouse: one file, one writer at a time; a local lake is read in place through views.

Does not belong here: what is transformed (dbt_project/) and which windows are due (windows.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from contact_sync.errors import StorageError, WarehouseError
from contact_sync.lake.bronze import BronzeTable
from contact_sync.sql_text import sql_name, sql_text
from contact_sync.warehouse.base import SCHEMAS, Session
from contact_sync.warehouse.dialect import Dialect
from contact_sync.warehouse.load import column_types, load_new
from contact_sync.warehouse.lock import exclusive
from contact_sync.warehouse.streams import stream_of

_STREAM_ROWS: Final = 65_536


class DuckDBSession:
    """A Session on an open DuckDB connection."""

    dialect: Dialect = Dialect()

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""
        self._connection.execute(statement, list(parameters))

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one query and return all of its rows."""
        rows: pa.Table = self._connection.sql(statement, params=list(parameters)).to_arrow_table()
        return rows

    def stream(self, table: str, order: str = "") -> pa.RecordBatchReader:
        """The rows of `schema.table` batch by batch, to be read before the session does anything else."""
        query = f"select * from {table} {order}"  # noqa: S608 -- ours
        rows: pa.RecordBatchReader = self._connection.sql(query).to_arrow_reader(_STREAM_ROWS)
        return stream_of(table, rows.schema, rows)

    def scalar(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row."""
        rows = self._connection.execute(statement, list(parameters)).fetchall()
        return rows[0][0] if rows else None

    def replace(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Make `schema.table` hold exactly these rows."""
        with self._registered(rows):
            self._connection.execute(f"create or replace table {table} as select * from incoming_rows")  # noqa: S608 -- ours

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows to `schema.table`, which is created when missing."""
        with self._registered(rows.schema.empty_table()):
            empty = f"create table if not exists {table} as select * from incoming_rows"  # noqa: S608 -- ours
            self._connection.execute(empty)
        with self._registered(rows):
            self._connection.execute(f"insert into {table} by name select * from incoming_rows")  # noqa: S608 -- ours

    def create(self, table: str, query: str) -> None:
        """Make `schema.table` hold the rows of a query."""
        self._connection.execute(f"create or replace table {table} as {query}")

    def read(self, table: str) -> pa.Table:
        """All rows of `schema.table`, with the types it was declared with."""
        return self.query(f"select * from {table}")  # noqa: S608 -- ours

    def exists(self, table: str) -> bool:
        """Whether `schema.table` exists."""
        schema, name = table.split(".")
        found = "select count(*) from information_schema.tables where table_schema = $1 and table_name = $2"
        return bool(self.scalar(found, (schema, name)))

    @contextmanager
    def _registered(self, rows: pa.Table | pa.RecordBatchReader) -> Iterator[None]:
        self._connection.register("incoming_rows", rows)
        try:
            yield
        finally:
            self._connection.unregister("incoming_rows")


class DuckDBWarehouse:
    """The DuckDB file at `path`, guarded by a lock file beside it."""

    def __init__(self, path: Path, *, memory_mb: int, threads: int = 2) -> None:
        self.path = path
        self._configuration: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
        }

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the warehouse without a connection, for a program that opens its own."""
        with exclusive(self.path.with_suffix(".lock"), purpose=purpose):
            yield

    @contextmanager
    def session(self, purpose: str) -> Iterator[Session]:
        """Hold the warehouse in one transaction, committed when the block ends without an error."""
        with self.exclusive(purpose), _errors(purpose):
            connection = duckdb.connect(str(self.path), config=self._configuration)
            try:
                for schema in SCHEMAS:
                    connection.execute(f"create schema if not exists {schema}")
                connection.execute("set TimeZone = 'UTC'")
                # In order, rows that follow none in a table of the same transaction could not be read (decision 39).
                connection.execute("set preserve_insertion_order = false")
                connection.begin()
                yield DuckDBSession(connection)
                connection.commit()
            finally:
                connection.close()

    def bring_in(self, session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
        """A view over the files of a local lake; a table that is appended to otherwise."""
        name = f"bronze.{sql_name(table.name)}"
        if not table.exists:
            _drop(session, table.name)
            session.execute(f"create view {name} as select {_nothing(columns)} where false")
        elif (files := table.local_files()) is not None:
            _drop(session, table.name)
            session.execute(f"create view {name} as {_files_query(files, table, columns)}")
        else:
            if session.exists(f"bronze.{table.name}") and not _is_table(session, table.name):
                _drop(session, table.name)
            load_new(session, table, columns)


def _files_query(paths: Sequence[str], table: BronzeTable, columns: Mapping[str, str]) -> str:
    files = ", ".join(map(sql_text, paths))
    missing = _missing(table, columns)
    return (
        f"select *{missing} from read_parquet([{files}], union_by_name = true, hive_partitioning = true, "  # noqa: S608
        "hive_types = {'_instance': varchar, '_month': varchar})"
    )


def _nothing(columns: Mapping[str, str]) -> str:
    return ", ".join(f"null::{kind} as {sql_name(name)}" for name, kind in column_types(columns).items())


def _missing(table: BronzeTable, columns: Mapping[str, str]) -> str:
    absent = {name: kind for name, kind in columns.items() if name not in table.columns}
    return "".join(f", null::{kind} as {sql_name(name)}" for name, kind in absent.items())


def _is_table(session: Session, name: str) -> bool:
    found = "select table_type from information_schema.tables where table_schema = 'bronze' and table_name = $1"
    return bool(session.scalar(found, (name,)) == "BASE TABLE")


def _drop(session: Session, name: str) -> None:
    if session.exists(f"bronze.{name}"):
        session.execute(f"drop {'table' if _is_table(session, name) else 'view'} bronze.{sql_name(name)}")


@contextmanager
def _errors(purpose: str) -> Iterator[None]:
    """DuckDB's messages can quote values, so only their kind is passed on, and the statement's binder errors."""
    try:
        yield
    except duckdb.IOException as error:
        if "No space left" in str(error):
            raise StorageError(
                f"No space left for the warehouse ({purpose}).", remedy="Free space, run again."
            ) from None
        raise WarehouseError(
            f"The warehouse file cannot be used ({purpose}): {str(error).splitlines()[0]}",
            remedy="Check CONTACT_SYNC_WAREHOUSE and that no other program has the file open.",
        ) from None
    except duckdb.OutOfMemoryException:
        raise WarehouseError(
            f"DuckDB needs more memory than it may take ({purpose}).", remedy="Raise CONTACT_SYNC_WAREHOUSE_MEMORY_MB."
        ) from None
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        raise WarehouseError(f"A warehouse statement is wrong ({purpose}): {str(error).splitlines()[0]}") from None
    except duckdb.Error as error:
        raise WarehouseError(f"A warehouse statement failed ({purpose}): {type(error).__name__}.") from None
