"""Snowflake as the warehouse: rows come in by PUT and COPY of Parquet, one lease lets one run at a time transform.

Every statement stands for itself here, because DDL commits: what a session does is safe to repeat, and pointers move
last. Does not belong here: what is transformed (dbt_project/) and which batches are new (load.py).
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import snowflake.connector
from snowflake.connector import SnowflakeConnection

from contact_sync.errors import WarehouseError
from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.address import SETTING, SnowflakeAddress
from contact_sync.warehouse.base import SCHEMAS, Session
from contact_sync.warehouse.dialect import Dialect, SnowflakeDialect
from contact_sync.warehouse.load import load_new
from contact_sync.warehouse.lock import DEFAULT_WAIT_SECONDS
from contact_sync.warehouse.snowflake_types import carried, declared_schema, to_snowflake, typed
from contact_sync.warehouse.streams import stream_of

_STAGE: Final = "pipeline.incoming"
_ROWS_PER_FILE: Final = 1_000_000
_LEASE: Final = "pipeline.warehouse_lease"
_LEASE_HOURS: Final = 6
_POLL_SECONDS: Final = 0.5
_LOGIN_SECONDS: Final = 60
_NETWORK_SECONDS: Final = 300
_TELLS_NO_VALUE: Final = re.compile(
    r"SQL compilation error|does not exist|not authorized|Insufficient privileges|Incorrect username"
)


class SnowflakeSession:
    """A Session on an open connection."""

    dialect: Dialect = SnowflakeDialect()

    def __init__(self, connection: SnowflakeConnection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""
        self.change(statement, parameters)

    def change(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; how many rows it changed."""
        with self._connection.cursor() as cursor:
            cursor.execute(*_positional(statement, parameters))
            return cursor.rowcount or 0

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one query and return all of its rows, names that were folded to upper case in lower case."""
        with self._connection.cursor() as cursor:
            cursor.execute(*_positional(statement, parameters))
            rows = cursor.fetch_arrow_all(force_return_table=True)
            return typed(rows, cursor.description)

    def scalar(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row."""
        rows = self.query(statement, parameters)
        return rows.column(0)[0].as_py() if rows.num_rows else None

    def read(self, table: str) -> pa.Table:
        """All rows of `schema.table`, with the types it was declared with."""
        return self.stream(table).read_all()

    def stream(self, table: str, order: str = "") -> pa.RecordBatchReader:
        """The same chunk by chunk, of which the connector fetches a few in advance.

        Times are read as numbers, because nanoseconds end in 2262.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(f"select * from {table} limit 0")  # noqa: S608 -- ours
            columns = cursor.description
        expressions = ", ".join(carried(column) for column in columns)
        rows = self._connection.cursor()
        rows.execute(f"select {expressions} from {table} {order}")  # noqa: S608 -- ours

        def batches() -> Iterator[pa.RecordBatch]:
            with rows:
                for chunk in rows.fetch_arrow_batches():
                    yield from typed(typed(chunk, rows.description), columns).to_batches()

        return stream_of(table, declared_schema(columns), batches())

    def replace(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Make `schema.table` hold exactly these rows."""
        self.execute(f"create or replace table {table} ({self.dialect.declared(rows.schema)})")
        self._copy(table, rows)

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows to `schema.table`, which is created when missing."""
        self.execute(f"create table if not exists {table} ({self.dialect.declared(rows.schema)})")
        self._copy(table, rows)

    def create(self, table: str, query: str) -> None:
        """Make `schema.table` hold the rows of a query."""
        self.execute(f"create or replace table {table} as {query}")

    def exists(self, table: str) -> bool:
        """Whether `schema.table` exists."""
        schema, name = table.upper().split(".")
        found = "select count(*) from information_schema.tables where table_schema = $1 and table_name = $2"
        return bool(self.scalar(found, (schema, name)))

    def _copy(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """One COPY of everything, from a prefix of the stage that nothing else uses; it takes all rows or none."""
        reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
        prefix = f"@{_STAGE}/{uuid.uuid4().hex}"
        with tempfile.TemporaryDirectory(prefix="contact_sync_") as directory:
            for file in _files(reader, Path(directory)):
                self.execute(f"put 'file://{file}' {prefix} auto_compress = false")
                file.unlink()
        self.execute(
            f"copy into {table} from {prefix} "
            "file_format = (type = parquet) match_by_column_name = case_insensitive purge = true"
        )


class SnowflakeWarehouse:
    """A database of a Snowflake account."""

    def __init__(self, address: SnowflakeAddress, *, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> None:
        self._address = address
        self._wait_seconds = wait_seconds
        self._is_prepared = False

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the warehouse without a connection, for a program that opens its own."""
        with self.session(purpose):
            yield

    @contextmanager
    def session(self, purpose: str) -> Iterator[Session]:
        """Hold the warehouse; what was done stays done when the block ends with an error."""
        with _errors(purpose), self._connected() as connection:
            session = SnowflakeSession(connection)
            if not self._is_prepared:
                _prepare(session)
                self._is_prepared = True
            with _lease(session, purpose, self._wait_seconds):
                yield session

    def bring_in(self, session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
        """Copy the batches that are not loaded yet."""
        load_new(session, table, columns)

    @contextmanager
    def _connected(self) -> Iterator[SnowflakeConnection]:
        address = self._address
        key = {"private_key_file": str(address.private_key_file)} if address.private_key_file else {}
        with snowflake.connector.connect(
            account=address.account,
            host=address.host,
            port=address.port,
            protocol=address.protocol,
            user=address.user,
            password=address.password.get_secret_value(),
            database=address.database,
            warehouse=address.compute or None,
            role=address.role or None,
            paramstyle="qmark",
            session_parameters={"TIMEZONE": "UTC", "QUERY_TAG": "contact_sync"},
            login_timeout=_LOGIN_SECONDS,
            network_timeout=_NETWORK_SECONDS,
            **key,
        ) as connection:
            yield connection


def _prepare(session: SnowflakeSession) -> None:
    """What every session needs, once in a process: each statement is a round trip."""
    for schema in SCHEMAS:
        session.execute(f"create schema if not exists {schema}")
    session.execute(f"create stage if not exists {_STAGE}")
    session.execute(f"create table if not exists {_LEASE} (name varchar, holder varchar, expires_at float)")
    # Two first runs at once would make two rows, and then both have to be free to be taken.
    session.execute(f"insert into {_LEASE} select 'transform', null, 0 where not exists (select 1 from {_LEASE})")  # noqa: S608


@contextmanager
def _lease(session: SnowflakeSession, purpose: str, wait_seconds: float) -> Iterator[None]:
    """Hold the one row of the lease table; a lease that a crash left behind ends by itself after some hours."""
    holder = f"{socket.gethostname()}, process {os.getpid()}: {purpose} ({uuid.uuid4().hex[:8]})"
    take = f"update {_LEASE} set holder = $1, expires_at = $2 where holder is null or expires_at < $3"  # noqa: S608
    deadline = time.monotonic() + wait_seconds
    while not session.change(take, (holder, time.time() + _LEASE_HOURS * 3600, time.time())):
        if time.monotonic() > deadline:
            found = session.scalar(f"select max(holder) from {_LEASE}")  # noqa: S608 -- ours
            raise WarehouseError(
                f"The warehouse is in use by {found}.",
                remedy=f"Wait for it to end, or end it. After a crash set holder to null in {_LEASE}.",
            )
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        session.execute(f"update {_LEASE} set holder = null where holder = $1", (holder,))  # noqa: S608 -- ours


def _positional(statement: str, parameters: Sequence[Any]) -> tuple[str, list[Any] | None]:
    """`$1` as every other session has it, in the form that the connector binds on the server."""
    if not parameters:
        return statement, None
    used = [int(number) for number in re.findall(r"\$(\d+)", statement)]
    return re.sub(r"\$\d+", "?", statement), [parameters[number - 1] for number in used]


def _files(reader: pa.RecordBatchReader, directory: Path) -> Iterator[Path]:
    """The rows as Parquet files of limited size; at least one, so that COPY finds what it names."""
    schema = to_snowflake(reader.schema.empty_table()).schema
    batches = iter(reader)
    batch = next(batches, None)
    number = 0
    while batch is not None or number == 0:
        path = directory / f"rows_{number}.parquet"
        rows = 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            while batch is not None and rows < _ROWS_PER_FILE:
                writer.write_table(to_snowflake(pa.Table.from_batches([batch])))
                rows += batch.num_rows
                batch = next(batches, None)
        number += 1
        yield path


@contextmanager
def _errors(purpose: str) -> Iterator[None]:
    """The server's messages can quote values: only those that are about names and logins are passed on."""
    try:
        yield
    except snowflake.connector.errors.Error as error:
        message = (error.raw_msg or "").replace("\n", " ")
        reason = message if _TELLS_NO_VALUE.search(message) else f"{type(error).__name__} {error.errno}"
        raise WarehouseError(
            f"The warehouse cannot be used ({purpose}): {reason}.",
            remedy=f"Check {SETTING}, its password or key, and the privileges of its role.",
        ) from None
