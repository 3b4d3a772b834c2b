"""The ledger of batches: which extraction is open, which of its pages are safe, and how far each object was read.

An open batch is resumed, never begun again beside itself: taking it over raises its attempt, and a run whose attempt is
not the newest may no longer write (fencing). Does not belong here: reading sources or writing the lake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self

import sqlalchemy as sa

from contact_sync.errors import StaleCommitError
from contact_sync.state.database import BATCH, PAGE, READING, REFUSED_FILE, StateDatabase


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One planned extraction of one object from one instance. `selection` is JSON; `purpose` refresh or backfill."""

    batch_id: str
    object_name: str
    instance: str
    purpose: str
    selection: dict[str, Any]
    partition_date: str
    sequence: int
    attempt: int
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class StagedPage:
    """A page that was read and staged. `file` is None when nothing of it was new; `checkpoint` continues after it."""

    number: int
    rows_read: int
    declared_total: int | None
    byte_count: int
    checkpoint: dict[str, Any] | None
    file: dict[str, Any] | None
    newest_version_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How far an object was read, from where its next reading may begin, and the newest source time seen."""

    read_up_to: datetime | None = None
    safe_up_to: datetime | None = None
    newest_version_at: datetime | None = None

    @classmethod
    def of_row(cls, row: Any) -> Self:
        """The reading that a row of the table holds."""
        return cls(**{one.name: getattr(row, one.name) for one in fields(cls)})


class BatchLedger:
    """Reads and writes the batch tables of the operational database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def take_over(self, object_name: str, instance: str, purpose: str) -> Batch | None:
        """The open batch of an object, fenced for this caller; None if there is none.

        Of two callers at the same moment one gets it, the other a StaleCommitError.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                sa.select(BATCH)
                .where(BATCH.c.object_name == object_name, BATCH.c.instance == instance)
                .where(BATCH.c.purpose == purpose, BATCH.c.state == "open")
                .order_by(BATCH.c.started_at.desc())
            ).first()
            if row is None:
                return None
            batch = _batch(row)
            _hold(connection, batch, attempt=batch.attempt + 1)
        return replace(batch, attempt=batch.attempt + 1)

    def open(self, batch: Batch) -> None:
        """Note a new batch before anything of it is read."""
        with self._database.transaction() as connection:
            connection.execute(sa.insert(BATCH).values(**asdict(batch), state="open"))

    def pages(self, batch_id: str) -> list[StagedPage]:
        """The staged pages of a batch in order, without gaps."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                sa.select(PAGE).where(PAGE.c.batch_id == batch_id).order_by(PAGE.c.number)
            ).fetchall()
        return [
            StagedPage(
                number=row.number,
                rows_read=row.rows_read,
                declared_total=row.declared_total,
                byte_count=row.byte_count,
                checkpoint=row.checkpoint,
                file=row.file,
                newest_version_at=row.newest_version_at,
            )
            for row in rows
        ]

    def add_page(self, batch: Batch, page: StagedPage) -> None:
        """Note that a page is safely staged; StaleCommitError if a successor has taken the batch over."""
        with self._database.transaction() as connection:
            _hold(connection, batch)
            connection.execute(sa.insert(PAGE).values(batch_id=batch.batch_id, **asdict(page)))

    def still_held(self, batch: Batch) -> None:
        """Raise StaleCommitError if a successor has taken the batch over."""
        with self._database.transaction() as connection:
            _hold(connection, batch)

    def finish(self, batch: Batch, state: str, *, reading: Reading | None = None) -> None:
        """Close a batch as `published`, `empty` or `abandoned`, and note how far was read, together.

        Raises StaleCommitError if a successor has taken the batch over: it is the successor's to close.
        """
        with self._database.transaction() as connection:
            _hold(connection, batch)
            connection.execute(
                sa.update(BATCH)
                .where(BATCH.c.batch_id == batch.batch_id)
                .values(state=state, ended_at=datetime.now(UTC))
            )
            connection.execute(sa.delete(PAGE).where(PAGE.c.batch_id == batch.batch_id))
            if reading is not None:
                _advance(connection, batch.object_name, batch.instance, reading)

    def reading(self, object_name: str, instance: str) -> Reading:
        """How far an object of an instance has been read."""
        query = sa.select(READING).filter_by(object_name=object_name, instance=instance)
        with self._database.transaction() as connection:
            row = connection.execute(query).first()
        return Reading() if row is None else Reading.of_row(row)

    def readings(self) -> dict[tuple[str, str], Reading]:
        """(object, instance) -> how far it has been read, for all in one query."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(READING)).fetchall()
        return {(row.object_name, row.instance): Reading.of_row(row) for row in rows}

    def note_reading(self, object_name: str, instance: str, reading: Reading) -> None:
        """Note that a source was asked and has nothing newer."""
        with self._database.transaction() as connection:
            _advance(connection, object_name, instance, reading)

    def refuse_file(self, object_name: str, file: str, reason: str) -> None:
        """Keep a file version that does not match its contract, with the reason, so that it is not read again."""
        with self._database.transaction() as connection:
            key = (REFUSED_FILE.c.object_name == object_name) & (REFUSED_FILE.c.file == file)
            connection.execute(sa.delete(REFUSED_FILE).where(key))
            connection.execute(
                sa.insert(REFUSED_FILE).values(
                    object_name=object_name, file=file, reason=reason, refused_at=datetime.now(UTC)
                )
            )

    def refused_files(self, object_name: str) -> dict[str, str]:
        """file version -> reason, of the files that were refused."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(REFUSED_FILE).where(REFUSED_FILE.c.object_name == object_name))
            return {row.file: row.reason for row in rows}

    def files_without_news(self, object_name: str, instance: str, *, sequence: int) -> set[str]:
        """Versions (`key@etag`) of files that were read and brought nothing new, so that bronze does not name them.

        sequence: the instance's published one; batches beyond it belong to a lake that is gone.
        """
        query = sa.select(BATCH.c.selection).where(
            BATCH.c.object_name == object_name,
            BATCH.c.instance == instance,
            BATCH.c.state == "empty",
            BATCH.c.sequence <= sequence + 1,
        )
        with self._database.transaction() as connection:
            selections: Sequence[dict[str, Any]] = connection.execute(query).scalars().all()
        return {f"{key}@{etag}" for selection in selections for key, etag in selection.get("files", {}).items()}


def _hold(connection: sa.Connection, batch: Batch, *, attempt: int | None = None) -> None:
    """Lock an open batch for this transaction, as attempt `attempt` from now on; StaleCommitError if it is another's.

    A write, so that a successor waits until this transaction has ended.
    """
    held = connection.execute(
        sa.update(BATCH)
        .where(BATCH.c.batch_id == batch.batch_id, BATCH.c.attempt == batch.attempt, BATCH.c.state == "open")
        .values(attempt=batch.attempt if attempt is None else attempt)
    )
    if held.rowcount != 1:
        raise StaleCommitError(
            f"{batch.object_name}, instance {batch.instance}: another run has taken over batch {batch.batch_id}.",
            remedy="Nothing is lost; the other run publishes it.",
        )


def _advance(connection: sa.Connection, object_name: str, instance: str, reading: Reading) -> None:
    """Move a reading forwards, never backwards."""
    key = (READING.c.object_name == object_name) & (READING.c.instance == instance)
    row = connection.execute(sa.select(READING).where(key)).first()
    if row is None:
        connection.execute(sa.insert(READING).values(object_name=object_name, instance=instance, **asdict(reading)))
        return
    new, old = asdict(reading), asdict(Reading.of_row(row))
    values = {
        name: max(time for time in (new[name], old[name]) if time is not None)
        for name in new
        if new[name] is not None or old[name] is not None
    }
    connection.execute(sa.update(READING).where(key).values(**values))


def _batch(row: Any) -> Batch:
    return Batch(
        batch_id=row.batch_id,
        object_name=row.object_name,
        instance=row.instance,
        purpose=row.purpose,
        selection=row.selection,
        partition_date=row.partition_date,
        sequence=row.sequence,
        attempt=row.attempt,
        started_at=row.started_at,
    )
