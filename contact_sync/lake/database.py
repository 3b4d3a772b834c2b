"""The PostgreSQL database that bronze can be kept in: connections, and errors without its text.

The driver's database is made once, because it reads the catalog for that (0.2 CPU seconds with 300 tables); connections
cost milliseconds. Its low-level interface is used, because the other one imports pandas. Does not belong here: what is
stored.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa
from adbc_driver_manager import (
    INGEST_OPTION_MODE,
    INGEST_OPTION_MODE_APPEND,
    INGEST_OPTION_TARGET_TABLE,
    AdbcConnection,
    AdbcDatabase,
    AdbcStatement,
)

from contact_sync.errors import ContactSyncError, LakeError, StorageError
from contact_sync.sql_text import sql_text

SETTING: Final = "CONTACT_SYNC_LAKE"
_CONNECT_SECONDS: Final = 10
_LOCK_SECONDS: Final = 60
_TARGET_SCHEMA: Final = "adbc.ingest.target_db_schema"
_BATCH_SIZE: Final = "adbc.postgresql.batch_size_hint_bytes"
_BATCH_BYTES: Final = 1024 * 1024
"""So much of an answer is in memory at a time."""
_CREDENTIALS: Final = {"28P01", "28000"}
_FULL: Final = {"53100", "53200", "53400"}
_REASONS: Final = {
    "22021": ("PostgreSQL cannot store the character NUL, which a value holds", "Remove it at the source."),
    "42501": ("the user of the database may not do that", "Grant it; deploy/postgresql/lake.sql shows how."),
    "54000": ("a row is larger than PostgreSQL can store", "Leave fields out with the object's `columns`."),
    "54011": ("it has more columns than PostgreSQL can store", "Leave fields out with the object's `columns`."),
    "55P03": (f"another run has been writing it for {_LOCK_SECONDS} seconds", "Wait for it to end, then run again."),
}
"""SQLSTATE -> what happened, and what to do."""


class Transaction:
    """Statements in one transaction of a connection."""

    def __init__(self, connection: AdbcConnection) -> None:
        self._connection = connection

    def execute(self, statement: str) -> None:
        """Run a statement that returns nothing of interest."""
        with AdbcStatement(self._connection) as prepared:
            prepared.set_sql_query(statement)
            prepared.execute_update()

    def stream(self, query: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches; memory does not grow with them."""
        with AdbcStatement(self._connection) as prepared:
            prepared.set_options(**{_BATCH_SIZE: str(_BATCH_BYTES)})
            prepared.set_sql_query(query)
            stream, _ = prepared.execute_query()
            yield from pa.RecordBatchReader.from_stream(stream)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query that has few."""
        return [row for batch in self.stream(query) for row in batch.to_pylist()]

    def copy(self, schema: str, table: str, rows: pa.RecordBatchReader) -> None:
        """Add rows to a table by COPY, column by column of the same name."""
        with AdbcStatement(self._connection) as prepared:
            prepared.set_options(
                **{
                    _TARGET_SCHEMA: schema,
                    INGEST_OPTION_TARGET_TABLE: table,
                    INGEST_OPTION_MODE: INGEST_OPTION_MODE_APPEND,
                }
            )
            prepared.bind_stream(rows)
            prepared.execute_update()


class LakeDatabase:
    """The database behind a `postgresql://` URL; may be used by several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._database: AdbcDatabase | None = None

    @contextmanager
    def transaction(self, what: str) -> Iterator[Transaction]:
        """A transaction that is committed when the block ends without an error.

        what: what is being done, for errors; those of the driver become StorageError and LakeError, without its text.
        """
        try:
            connection = self._connect()
            try:
                connection.set_autocommit(False)
                transaction = Transaction(connection)
                transaction.execute(f"set local lock_timeout = '{_LOCK_SECONDS}s'")
                yield transaction
                connection.commit()
            finally:
                with self._lock:
                    connection.close()
        except adbc_driver_manager.Error as error:
            raise _translated(error, what) from None

    def stream(self, query: str, schema: pa.Schema, what: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches; memory does not grow with them."""
        with self.transaction(what) as transaction:
            for batch in transaction.stream(query):
                yield batch.cast(schema)

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _connect(self) -> AdbcConnection:
        with self._lock:
            if self._database is None:
                separator = "&" if "?" in self._url else "?"
                self._database = adbc_driver_postgresql.connect(
                    f"{self._url}{separator}connect_timeout={_CONNECT_SECONDS}&application_name=contact_sync"
                )
            return AdbcConnection(self._database)


def hold(transaction: Transaction, what: str) -> None:
    """Wait until nobody else holds what has this name, and hold it until the transaction ends."""
    transaction.rows(f"select pg_advisory_xact_lock(hashtextextended({sql_text(what)}, 0))::text as held")


def ensure_schema(transaction: Transaction, schema: str) -> None:
    """Make a schema if it is missing; of several who find that, one makes it and the others wait."""
    if not transaction.rows(f"select to_regnamespace({sql_text(schema)}) is not null as is_there")[0]["is_there"]:
        hold(transaction, schema)
        transaction.execute(f"create schema if not exists {schema}")


def _translated(error: adbc_driver_manager.Error, what: str) -> ContactSyncError:
    state = error.sqlstate or ""
    if state in _REASONS:
        reason, remedy = _REASONS[state]
        kind = LakeError if state[:2] in {"22", "54"} else StorageError
        return kind(f"{what}: {reason}. Nothing was published.", remedy=remedy)
    if state in _FULL:
        return StorageError(
            f"No space left in the database of the lake ({what}).",
            remedy="Free space, run again; nothing was published.",
        )
    if state in _CREDENTIALS or "password authentication failed" in str(error):
        return StorageError(
            "The database of the lake refused the credentials.", remedy=f"Check user and password in {SETTING}."
        )
    if not state or state.startswith(("08", "57P", "3D")):
        return StorageError(
            f"The database of the lake cannot be reached ({what}).", remedy=f"Check that it runs, and {SETTING}."
        )
    return LakeError(f"{what}: the database refused a statement (SQLSTATE {state}).")
