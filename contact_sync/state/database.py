"""Opens the operational database and holds its schema; the ledgers beside this module read and write it.

Does not belong here: what any row means to a run.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from contact_sync.errors import SettingsError, StorageError

_CACHE_KB: Final = 16 * 1024
METADATA: Final = sa.MetaData()


class Instant(sa.TypeDecorator[datetime]):
    """A UTC timestamp, kept as ISO 8601 text so that every database compares it alike."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> str | None:  # noqa: ARG002 -- inherited
        """Write a time as `2026-11-20T12:00:00.000000+00:00`."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Any) -> datetime | None:  # noqa: ARG002 -- inherited
        """Read the text back as an aware time."""
        return None if value is None else datetime.fromisoformat(value)


BATCH: Final = sa.Table(
    "batch",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("object_name", sa.String(128), nullable=False, index=True),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("selection", sa.JSON, nullable=False),
    sa.Column("partition_date", sa.String(10), nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)
PAGE: Final = sa.Table(
    "batch_page",
    METADATA,
    sa.Column("batch_id", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("rows_read", sa.BigInteger, nullable=False),
    sa.Column("declared_total", sa.BigInteger),
    sa.Column("byte_count", sa.BigInteger, nullable=False),
    sa.Column("checkpoint", sa.JSON),
    sa.Column("file", sa.JSON),
    sa.Column("newest_version_at", Instant),
)
READING: Final = sa.Table(
    "reading",
    METADATA,
    sa.Column("object_name", sa.String(128), primary_key=True),
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("read_up_to", Instant),
    sa.Column("safe_up_to", Instant),
    sa.Column("newest_version_at", Instant),
)
DESCRIBED_SCHEMA: Final = sa.Table(
    "described_schema",
    METADATA,
    sa.Column("object_name", sa.String(128), primary_key=True),
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("noted_at", Instant, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("gone", sa.JSON, nullable=False),
    sa.Column("unread", sa.JSON, nullable=False),
)
UPKEEP: Final = sa.Table(
    "upkeep",
    METADATA,
    sa.Column("object_name", sa.String(128), primary_key=True),
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("done_at", Instant, nullable=False),
)
LEARNED: Final = sa.Table(
    "learned",
    METADATA,
    sa.Column("source", sa.String(64), primary_key=True),
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("topic", sa.String(255), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("learned_at", Instant, nullable=False),
)
REFUSED_FILE: Final = sa.Table(
    "refused_file",
    METADATA,
    sa.Column("object_name", sa.String(128), primary_key=True),
    sa.Column("file", sa.String(1024), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("refused_at", Instant, nullable=False),
)
IDENTITY_KEY: Final = sa.Table(
    "identity_key",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("entity", sa.String(32), nullable=False),
    sa.Column("anchor_record_key", sa.String(255), nullable=False, index=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("superseded_by", sa.String(64)),
)
IDENTITY_MEMBER: Final = sa.Table(
    "identity_member",
    METADATA,
    sa.Column("entity", sa.String(32), primary_key=True),
    sa.Column("record_key", sa.String(255), primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, index=True),
)
IDENTITY_EVENT: Final = sa.Table(
    "identity_event",
    METADATA,
    sa.Column("event_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("entity", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("key", sa.String(64), nullable=False, index=True),
    sa.Column("other_key", sa.String(64)),
    sa.Column("record_count", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
IDENTITY_DECISION: Final = sa.Table(
    "identity_decision",
    METADATA,
    sa.Column("decision_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("entity", sa.String(32), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("record_key_1", sa.String(255), nullable=False),
    sa.Column("record_key_2", sa.String(255), nullable=False),
    sa.Column("steward", sa.String(255), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("decided_at", Instant, nullable=False),
    sa.Column("withdrawn_at", Instant),
)
WRITE_JOB: Final = sa.Table(
    "write_job",
    METADATA,
    sa.Column("job_number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("plan_id", sa.String(64), nullable=False, index=True),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("object_name", sa.String(128), nullable=False),
    sa.Column("target_object", sa.String(128), nullable=False),
    sa.Column("operation", sa.String(16), nullable=False),
    sa.Column("key_field", sa.String(128), nullable=False),
    sa.Column("lane", sa.String(16), nullable=False),
    sa.Column("job_id", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("row_count", sa.Integer, nullable=False),
    sa.Column("began_at", Instant, nullable=False),
    sa.Column("noted_at", Instant, nullable=False),
)
# Apart from its job, whose every change of state would write the rows once more.
WRITE_ROWS: Final = sa.Table(
    "write_rows",
    METADATA,
    sa.Column("job_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
REFUSED_WRITE: Final = sa.Table(
    "refused_write",
    METADATA,
    sa.Column("object_name", sa.String(128), primary_key=True),
    sa.Column("instance", sa.String(64), primary_key=True),
    sa.Column("row_key", sa.String(255), primary_key=True),
    sa.Column("stage", sa.String(16), primary_key=True),
    sa.Column("value_hash", sa.String(64), nullable=False),
    sa.Column("code", sa.String(128), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("refused_at", Instant, nullable=False),
)
CONSENT_DECISION: Final = sa.Table(
    "consent_decision",
    METADATA,
    sa.Column("decision_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("subject_key", sa.String(255), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("accepted_at", Instant, nullable=False),
    sa.Column("steward", sa.String(255), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("withdrawn_at", Instant),
)
ALERT: Final = sa.Table(
    "alert",
    METADATA,
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(32), primary_key=True),
    sa.Column("raised_at", Instant, nullable=False),
)
SCHEMA_VERSION: Final = sa.Table("schema_version", METADATA, sa.Column("fingerprint", sa.String(64), primary_key=True))


class StateDatabase:
    """The operational database; one per process."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        with _storage_errors():
            METADATA.create_all(self.engine)
        self._check_version()

    def _check_version(self) -> None:
        """Refuse a database whose tables are not those of this version, instead of failing somewhere later."""
        with self.transaction() as connection:
            known = connection.execute(sa.select(SCHEMA_VERSION.c.fingerprint)).scalar()
        if known is None:
            # Another process that opens the new database at this moment notes the same.
            with contextlib.suppress(sa.exc.IntegrityError), self.transaction() as connection:
                connection.execute(sa.insert(SCHEMA_VERSION).values(fingerprint=_fingerprint()))
        if known not in {None, _fingerprint()}:
            raise StorageError(
                "The operational database was made by another version of contact_sync.",
                remedy="Use that version, or name a new one in CONTACT_SYNC_STATE: identity keys come back from the "
                "External IDs in the target.",
            )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back on any error."""
        with _storage_errors(), self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _fingerprint() -> str:
    """Stands for the names and types of all columns."""
    columns = [f"{table.name}.{column.name} {column.type!r}" for table in METADATA.sorted_tables for column in table.c]
    return hashlib.sha256("\n".join(sorted(columns)).encode()).hexdigest()


def _engine(url: str) -> Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SettingsError(
            "CONTACT_SYNC_STATE is not an SQLAlchemy URL.", remedy="Example: sqlite:///state.sqlite"
        ) from None
    if parsed.drivername == "sqlite" and parsed.database:
        _make_directory(Path(parsed.database).parent)
    try:
        engine = sa.create_engine(parsed, hide_parameters=True)
    except (sa.exc.NoSuchModuleError, ImportError):
        raise SettingsError(
            f"CONTACT_SYNC_STATE: there is no driver for {parsed.drivername} databases.", remedy="Install it."
        ) from None
    if parsed.drivername == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("pragma busy_timeout = 30000")
            # Keys are spread over all of an index: with the default of 2 MB each page is written several times over.
            connection.execute(f"pragma cache_size = -{_CACHE_KB}")

        # Between transactions, which each need other pages, the cache is 16 MB of nothing.
        @sa.event.listens_for(engine, "checkin")
        def _shrink(connection: Any, _record: Any) -> None:
            if connection is not None:
                connection.execute("pragma shrink_memory")

    return engine


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The directory {path} of the operational database cannot be made ({error.strerror}).",
            remedy="Check CONTACT_SYNC_STATE and CONTACT_SYNC_HOME.",
        ) from None


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn a full disk, an unreachable server or a damaged file into a StorageError; a wrong statement stays ours."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        if isinstance(error, sa.exc.IntegrityError | sa.exc.ProgrammingError | sa.exc.DataError):
            raise
        raise StorageError(
            f"The operational database refused a statement ({_reason(error)}).",
            remedy="Check CONTACT_SYNC_STATE and free space, then run again.",
        ) from None


def _reason(error: sa.exc.DatabaseError) -> str:
    """SQLite's messages hold no values; of other databases only the kind of error is told."""
    return str(error.orig) if "sqlite" in type(error.orig).__module__ else type(error.orig).__name__
