"""The PostgreSQL database that bronze can be kept in: connections, and errors without its text.

The first connection is dear, because the driver reads the catalog (0.2 CPU seconds with 300 tables): it is made once,
and others are cloned from it. Does not belong here: what is stored.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa

from contact_sync.errors import ContactSyncError, LakeError, StorageError

SETTING: Final = "CONTACT_SYNC_LAKE"
_CONNECT_SECONDS: Final = 10
_LOCK_SECONDS: Final = 60
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


class LakeDatabase:
    """The database behind a `postgresql://` URL; may be used by several threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._first: Any = None

    @contextmanager
    def transaction(self, what: str) -> Iterator[Any]:
        """A cursor in a transaction that is committed when the block ends without an error.

        what: what is being done, for errors; those of the driver become StorageError and LakeError, without its text.
        """
        try:
            connection = self._connect()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"set local lock_timeout = '{_LOCK_SECONDS}s'")
                    yield cursor
                connection.commit()
            finally:
                with self._lock:
                    connection.close()
        except adbc_driver_manager.Error as error:
            raise _translated(error, what) from None

    def stream(self, query: str, schema: pa.Schema, what: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches; memory does not grow with them."""
        with self.transaction(what) as cursor:
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
            cursor.execute(query)
            for batch in cursor.fetch_record_batch():
                yield batch.cast(schema)

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._first is not None:
                self._first.close()
                self._first = None

    def _connect(self) -> Any:
        with self._lock:
            if self._first is None:
                separator = "&" if "?" in self._url else "?"
                url = f"{self._url}{separator}connect_timeout={_CONNECT_SECONDS}&application_name=contact_sync"
                self._first = adbc_driver_postgresql.dbapi.connect(url, autocommit=True)
            return self._first.adbc_clone()


def rows_of(cursor: Any, query: str) -> list[dict[str, Any]]:
    """The rows of a query that has few."""
    cursor.execute(query)
    rows: list[dict[str, Any]] = cursor.fetch_record_batch().read_all().to_pylist()
    return rows


def hold(cursor: Any, what: str) -> None:
    """Wait until nobody else holds what has this name, and hold it until the transaction ends."""
    cursor.execute(f"select pg_advisory_xact_lock(hashtextextended({literal(what)}, 0))")


def ensure_schema(cursor: Any, schema: str) -> None:
    """Make a schema if it is missing; of several who find that, one makes it and the others wait."""
    if not rows_of(cursor, f"select to_regnamespace({literal(schema)}) is not null as is_there")[0]["is_there"]:
        hold(cursor, schema)
        cursor.execute(f"create schema if not exists {schema}")


def name(identifier: str) -> str:
    """An identifier in a statement."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in a statement."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Sequence[str]) -> str:
    """A list of texts in a statement."""
    return ", ".join(map(literal, texts))


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
