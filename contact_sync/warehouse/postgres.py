"""PostgreSQL as the warehouse: rows come in by COPY, one advisory lock lets one run at a time transform.

Does not belong here: what is transformed (dbt_project/) and which batches are new (load.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.errors import WarehouseError
from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.address import SETTING, PostgresAddress
from contact_sync.warehouse.base import SCHEMAS, Session
from contact_sync.warehouse.dialect import Dialect, PostgresDialect
from contact_sync.warehouse.load import load_new
from contact_sync.warehouse.lock import DEFAULT_WAIT_SECONDS
from contact_sync.warehouse.streams import stream_of

_LOCK: Final = 7_203_411_885_124_019
"""The advisory lock of this program: any number that nobody else uses in the database."""
_WORK_MEMORY: Final = "256MB"
_POLL_SECONDS: Final = 0.1
_CONNECT_SECONDS: Final = 30
_TELLS_NO_VALUE: Final = ("08", "28", "3D", "3F", "42", "53", "57")
"""Classes of SQLSTATE whose messages are about connections, privileges, names and syntax."""


class PostgresSession:
    """A Session on an open connection, in one transaction."""

    dialect: Dialect = PostgresDialect()

    def __init__(self, connection: adbc_driver_postgresql.dbapi.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, tuple(parameters) or None)

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one query and return all of its rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, tuple(parameters) or None)
            rows: pa.Table = cursor.fetch_arrow_table()
            return rows

    def scalar(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row."""
        rows = self.query(statement, parameters)
        return rows.column(0)[0].as_py() if rows.num_rows else None

    def read(self, table: str) -> pa.Table:
        """All rows of `schema.table`, with the types it was declared with."""
        return self.stream(table).read_all()

    def stream(self, table: str, order: str = "") -> pa.RecordBatchReader:
        """The same batch by batch; the driver gives exact numbers as text, so that they are typed here."""
        schema, name = table.split(".")
        numbers = self.query(
            "select column_name, numeric_precision::bigint as precision, numeric_scale::bigint as scale "
            "from information_schema.columns "
            "where table_schema = $1 and table_name = $2 and data_type = 'numeric' and numeric_scale is not null",
            (schema, name),
        ).to_pylist()
        kinds = {one["column_name"]: pa.decimal128(one["precision"], one["scale"]) for one in numbers}
        cursor = self._connection.cursor()
        cursor.execute(f"select * from {table} {order}")  # noqa: S608 -- ours
        rows = cursor.fetch_record_batch()
        typed = pa.schema([pa.field(field.name, kinds.get(field.name, field.type)) for field in rows.schema])

        def batches() -> Iterator[pa.RecordBatch]:
            with cursor:
                for batch in rows:
                    columns = [
                        column.cast(pa.string()).cast(field.type) if field.name in kinds else column
                        for field, column in zip(typed, batch.columns, strict=True)
                    ]
                    yield pa.RecordBatch.from_arrays(columns, schema=typed)

        return stream_of(table, typed, batches())

    def replace(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Make `schema.table` hold exactly these rows."""
        self.execute(f"drop table if exists {table}")
        self.append(table, rows)

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows to `schema.table`, which is created when missing."""
        reader = rows if isinstance(rows, pa.RecordBatchReader) else rows.to_reader()
        self.execute(f"create table if not exists {table} ({self.dialect.declared(reader.schema)})")
        schema, name = table.split(".")
        storable = pa.RecordBatchReader.from_batches(_storable_schema(reader.schema), map(_storable, reader))
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(name, storable, mode="append", db_schema_name=schema)

    def create(self, table: str, query: str) -> None:
        """Make `schema.table` hold the rows of a query."""
        self.execute(f"drop table if exists {table}")
        self.execute(f"create table {table} as {query}")

    def exists(self, table: str) -> bool:
        """Whether `schema.table` exists."""
        return bool(self.scalar("select to_regclass($1) is not null", (table,)))


class PostgresWarehouse:
    """A database of a PostgreSQL server."""

    def __init__(self, address: PostgresAddress, *, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> None:
        self._address = address
        self._wait_seconds = wait_seconds

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the warehouse without a connection, for a program that opens its own."""
        with self._locked(purpose):
            yield

    @contextmanager
    def session(self, purpose: str) -> Iterator[Session]:
        """Hold the warehouse in one transaction, committed when the block ends without an error."""
        with self._locked(purpose) as connection:
            session = PostgresSession(connection)
            for schema in SCHEMAS:
                session.execute(f"create schema if not exists {schema}")
            connection.commit()
            yield session
            connection.commit()

    def bring_in(self, session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
        """Copy the batches that are not loaded yet."""
        load_new(session, table, columns)

    @contextmanager
    def _locked(self, purpose: str) -> Iterator[adbc_driver_postgresql.dbapi.Connection]:
        """A connection that holds the lock, which ends with it."""
        with _errors(purpose), adbc_driver_postgresql.dbapi.connect(self._url(purpose)) as connection:
            session = PostgresSession(connection)
            deadline = time.monotonic() + self._wait_seconds
            while not session.scalar(f"select pg_try_advisory_lock({_LOCK})"):
                if time.monotonic() > deadline:
                    raise WarehouseError(
                        f"The warehouse is in use by {_holder(session)}.",
                        remedy="Wait for it to end, or end it, then run again.",
                    )
                connection.commit()
                time.sleep(_POLL_SECONDS)
            _check_encoding(session)
            connection.commit()
            yield connection

    def _url(self, purpose: str) -> str:
        address = self._address
        options = {
            "sslmode": address.sslmode,
            "connect_timeout": str(_CONNECT_SECONDS),
            "application_name": f"contact_sync: {purpose}",
            # A list of millions of keys that does not fit is searched from its start for each row.
            "options": f"-c timezone=UTC -c client_min_messages=warning -c work_mem={_WORK_MEMORY}",
        }
        password = quote(address.password.get_secret_value(), safe="")
        login = f"{quote(address.user, safe='')}:{password}" if password else quote(address.user, safe="")
        database = quote(address.database, safe="")
        return f"postgresql://{login}@{address.host}:{address.port}/{database}?{urlencode(options, quote_via=quote)}"


def _check_encoding(session: Session) -> None:
    """Names are compared without regard to case and accents, which a database in the C locale cannot do."""
    knows = "select lower('\u00c4\u042f') = '\u00e4\u044f' and current_setting('server_encoding') = 'UTF8'"
    if not session.scalar(knows):
        raise WarehouseError(
            "The warehouse's database does not know the letters of Unicode.",
            remedy=f"Create the database of {SETTING} with encoding UTF8 and a UTF-8 locale, such as C.UTF-8.",
        )


def _holder(session: Session) -> str:
    """Who holds the lock, as their connection names itself."""
    found = session.query(
        "select activity.application_name as program, activity.pid::bigint as process from pg_locks as locks "
        "inner join pg_stat_activity as activity on activity.pid = locks.pid "
        "where locks.locktype = 'advisory' and locks.granted "
        "and (locks.classid::bigint << 32 | locks.objid::bigint) = $1",
        (_LOCK,),
    ).to_pylist()
    return f"{found[0]['program']} (server process {found[0]['process']})" if found else "another process"


def _storable_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _storable_type(field.type)) for field in schema])


def _storable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.string() if pa.types.is_null(kind) or pa.types.is_large_string(kind) else kind


def _storable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """PostgreSQL's text has no NUL character: the replacement character stands for it."""
    columns = []
    for column in batch.cast(_storable_schema(batch.schema)).columns:
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, "\0")).as_py():
            columns.append(pc.replace_substring(column, "\0", "\ufffd"))
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=_storable_schema(batch.schema))


@contextmanager
def _errors(purpose: str) -> Iterator[None]:
    """The server's messages can quote values: only those that are about names and connections are passed on."""
    try:
        yield
    except adbc_driver_manager.Error as error:
        state = error.sqlstate or ""
        # Without a code it is about the connection, unless a stream that was to be written broke off.
        tells_no_value = state.startswith(_TELLS_NO_VALUE) if state else "[libpq]" in str(error)
        reason = str(error).splitlines()[0] if tells_no_value else type(error).__name__
        raise WarehouseError(
            f"The warehouse cannot be used ({purpose}): {reason} {state}".rstrip() + ".",
            remedy=f"Check {SETTING}, its password, and the privileges of its user.",
        ) from None
