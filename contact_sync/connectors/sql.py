"""Reads tables of a PostgreSQL database through ADBC, losslessly: every value is cast to text by the server.

Rows come in keyset order of (cursor, key), so that a reading can be continued after any page. Does not belong here:
other databases' drivers, or anything about bronze.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Field, Health, Page, Selection, Window
from contact_sync.errors import AuthenticationError, RequestRefusedError, SourceUnreachableError, UnknownObjectError
from contact_sync.sql_text import sql_name, sql_text

PAGE_ROWS: Final = 50_000
_CONNECT_SECONDS: Final = 10
_UNKNOWN = {"42P01", "42703", "3F000"}
_CREDENTIALS = {"28P01", "28000"}


class SqlSource:
    """One database; `schema` holds the tables that the catalog's objects name."""

    def __init__(self, instance: str, url: str, *, schema: str, page_rows: int = PAGE_ROWS) -> None:
        self._instance = instance
        self._url = url
        self._schema = schema
        self._page_rows = page_rows

    def check(self) -> Health:
        """Log in and name database and server version."""
        with self._cursor("the connection check") as cursor:
            cursor.execute("select current_database(), current_setting('server_version')")
            database, version = cursor.fetchone()
        return Health(identity=str(database), description=f"PostgreSQL {version}, database {database}")

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """The table's columns in order."""
        with self._cursor(item.name) as cursor:
            return self._fields(cursor, item)

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Yield a window in one snapshot, ordered by cursor and key."""
        if not isinstance(selection, Window):
            message = f"{item.name} is read by windows of {item.cursor}"
            raise TypeError(message)
        with self._cursor(item.name) as cursor:
            columns = [field.name for field in self._fields(cursor, item)]
            condition = self._condition(item, selection, resume)
            done = int(resume["rows"]) if resume else 0
            cursor.execute(f"select count(*) from {self._table(item)} where {condition}")  # noqa: S608 -- quoted names
            total = done + int(cursor.fetchone()[0])
            selected = ", ".join(f"{sql_name(column)}::text as {sql_name(column)}" for column in columns)
            order = f"{sql_name(item.cursor or item.key)}, {sql_name(item.key)}"
            cursor.execute(
                f"select {selected} from {self._table(item)} where {condition} order by {order}"  # noqa: S608 -- as above
            )
            schema = pa.schema([(column, pa.string()) for column in columns])
            yield from self._pages(item, cursor.fetch_record_batch(), schema, done=done, total=total)

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Whether a row is newer than `since`."""
        condition = "true" if since is None else f"{sql_name(item.cursor or item.key)} > {_instant(since)}"
        with self._cursor(item.name) as cursor:
            cursor.execute(f"select exists (select 1 from {self._table(item)} where {condition})")  # noqa: S608 -- as above
            return bool(cursor.fetchone()[0])

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _pages(
        self, item: CatalogObject, reader: pa.RecordBatchReader, schema: pa.Schema, *, done: int, total: int
    ) -> Iterator[Page]:
        for number, (rows, is_last) in enumerate(_rechunked(reader, schema, self._page_rows), start=1):
            done += rows.num_rows
            yield Page(
                rows=rows,
                number=number,
                declared_rows=None,
                declared_total=total,
                checkpoint=None if is_last else _after(item, rows, done),
                byte_count=rows.nbytes,
            )

    def _condition(self, item: CatalogObject, window: Window, resume: Checkpoint | None) -> str:
        column = sql_name(item.cursor or item.key)
        terms = [f"{column} < {_instant(window.end)}"]
        if window.start is not None:
            terms.append(f"{column} >= {_instant(window.start)}")
        if resume is not None:
            after = f"({sql_text(resume['cursor'])}, {sql_text(resume['key'])})"
            terms.append(f"({column}, {sql_name(item.key)}) > {after}")
        return " and ".join(terms)

    def _fields(self, cursor: Any, item: CatalogObject) -> tuple[Field, ...]:
        cursor.execute(
            "select column_name, data_type, coalesce(character_maximum_length, 0), "  # noqa: S608 -- literals are quoted
            "coalesce(numeric_precision, 0), coalesce(numeric_scale, 0) from information_schema.columns "
            f"where table_schema = {sql_text(self._schema)} and table_name = {sql_text(item.object)} "
            "order by ordinal_position"
        )
        fields = tuple(
            Field(name=name, type=kind, length=length, precision=precision, scale=scale)
            for name, kind, length, precision, scale in cursor.fetchall()
        )
        if not fields:
            raise UnknownObjectError(
                f"{item.name}: database instance {self._instance} has no table {self._schema}.{item.object}.",
                remedy="Correct the object's name in the catalog, or grant the user the right to read it.",
            )
        return fields

    def _table(self, item: CatalogObject) -> str:
        return f"{sql_name(self._schema)}.{sql_name(item.object)}"

    @contextmanager
    def _cursor(self, what: str) -> Iterator[Any]:
        """A cursor in one read-only snapshot; driver errors become ours, without the driver's text."""
        try:
            with adbc_driver_postgresql.dbapi.connect(self._timed_url()) as connection, connection.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute("set local time zone 'UTC'")
                cursor.execute("set local datestyle = 'ISO'")
                yield cursor
        except adbc_driver_manager.Error as error:
            raise self._translated(error, what) from None

    def _timed_url(self) -> str:
        separator = "&" if "?" in self._url else "?"
        return f"{self._url}{separator}connect_timeout={_CONNECT_SECONDS}"

    def _translated(self, error: adbc_driver_manager.Error, what: str) -> Exception:
        setting = f"CONTACT_SYNC_ERP__{self._instance.upper()}__URL"
        state = error.sqlstate or ""
        if state in _CREDENTIALS or "password authentication failed" in str(error):
            return AuthenticationError(
                f"Database instance {self._instance} refused the credentials.",
                remedy=f"Check user and password in {setting}.",
            )
        if state in _UNKNOWN:
            return UnknownObjectError(
                f"Database instance {self._instance}, {what}: no such table or column.",
                remedy="Correct the catalog, or grant the user the right to read it.",
            )
        if not state or state.startswith(("08", "57P")):
            return SourceUnreachableError(
                f"Database instance {self._instance} cannot be reached for {what}.",
                remedy=f"Check that it runs and that {setting} is right; the other sources go on.",
            )
        return RequestRefusedError(
            f"Database instance {self._instance} refused a statement for {what} (SQLSTATE {state}).", code=state
        )


def _rechunked(reader: pa.RecordBatchReader, schema: pa.Schema, size: int) -> Iterator[tuple[pa.Table, bool]]:
    """Gather a stream into tables of about `size` rows and say which is the last; there is always at least one."""
    pending: list[pa.RecordBatch] = []
    ready: pa.Table | None = None
    for batch in reader:
        pending.append(batch.cast(schema))
        if sum(part.num_rows for part in pending) >= size:
            if ready is not None:
                yield ready, False
            ready, pending = pa.Table.from_batches(pending, schema), []
    rest = pa.Table.from_batches(pending, schema)
    if ready is not None:
        yield ready, rest.num_rows == 0
    if rest.num_rows or ready is None:
        yield rest, True


def _after(item: CatalogObject, rows: pa.Table, done: int) -> Checkpoint:
    last = rows.slice(rows.num_rows - 1)
    return {
        "cursor": last.column(item.cursor or item.key)[0].as_py(),
        "key": last.column(item.key)[0].as_py(),
        "rows": done,
    }


def _instant(value: datetime) -> str:
    return f"timestamptz {sql_text(value.astimezone(UTC).isoformat())}"
