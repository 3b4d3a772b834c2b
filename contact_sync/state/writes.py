"""The ledger of writes: jobs, the rows each was to write, and the rows a target refused.

A job is noted before it exists, its id before anything is sent: after a crash nothing has to be guessed. The rows of a
job lie in one cell, as columns of Arrow: a row of the database for each of fifty million a day would cost more than
sending them. Does not belong here: talking to a target, or deciding what to write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from contact_sync import arrow_values
from contact_sync.arrow_values import MOMENT
from contact_sync.errors import ActivationError
from contact_sync.state.database import WRITE_JOB, WRITE_ROWS, StateDatabase
from contact_sync.state.refusals import (
    RefusalCount,
    all_refusals,
    count_refusals,
    release_refusals,
    replace_refusals,
    still_refused,
)

_compute: Any = pc  # its stubs lack functions and overloads
INTENT: Final = arrow_values.schema(
    row_key=pa.string(),
    value_hash=pa.string(),
    fingerprint=pa.string(),
    seen_at=MOMENT,
)
"""One row that a job is to write: `row_key` finds it in the target's answer, `value_hash` stands for its values as they
were planned. Of a row whose fate may have to be found out by reading, `fingerprint` stands for its values in the
target, and `seen_at` is the time of the record's last change that was known.
"""
WRITTEN, REFUSED, UNPROCESSED = (arrow_values.text(one) for one in ("written", "refused", "unprocessed"))
OUTCOME: Final = arrow_values.schema(
    row_key=pa.string(),
    outcome=pa.string(),
    record_id=pa.string(),
    is_created=pa.bool_(),
    code=pa.string(),
    message=pa.string(),
)
"""What became of a row: written, refused or unprocessed; code and message say why it was not written, if known."""
KEPT_FOR: Final = timedelta(days=30)
"""So long a settled job stays in the ledger."""
_PLANNED, _LEFT, _REFUSED = "planned", "unprocessed", "refused"
_PACKED: Final = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
_NOTHING: Final = arrow_values.texts([])


class Lane(StrEnum):
    """How a job's rows are sent: by a job of the target, or by requests that write at once."""

    BULK = "bulk"
    DIRECT = "direct"


@dataclass(frozen=True, kw_only=True)
class WriteJob:
    """One job of one stage of a plan.

    object_name: in the catalog. target_object, operation, key_field: how the target is asked about it, whatever becomes
    of the catalog. state: planned, created (it has an id), sent, settled or dropped. began_at: by the target's clock.
    """

    job_number: int
    plan_id: str
    stage: str
    instance: str
    object_name: str
    target_object: str
    operation: str
    key_field: str
    lane: str
    job_id: str | None
    state: str
    row_count: int
    began_at: datetime


class WriteLedger:
    """Reads and writes the write tables of the operational database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def plan_job(
        self,
        *,
        plan_id: str,
        stage: str,
        instance: str,
        object_name: str,
        target_object: str,
        operation: str,
        key_field: str,
        lane: Lane,
        intents: pa.Table,
        began_at: datetime,
    ) -> WriteJob:
        """Note a job and its rows (INTENT) before it is created."""
        values = {
            "plan_id": plan_id,
            "stage": stage,
            "instance": instance,
            "object_name": object_name,
            "target_object": target_object,
            "operation": operation,
            "key_field": key_field,
            "lane": lane.value,
            "state": "planned",
            "row_count": intents.num_rows,
            "began_at": began_at,
        }
        with self._database.transaction() as connection:
            inserted = connection.execute(sa.insert(WRITE_JOB).values(**values, noted_at=datetime.now(UTC)))
            number = int(inserted.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row has one
            _store(connection, number, _PLANNED, intents)
        return WriteJob(job_number=number, job_id=None, **values)  # type: ignore[arg-type]  # named as its fields

    def note(self, job_number: int, state: str, *, job_id: str | None = None) -> None:
        """Note a job's new state, and its id once it has one."""
        values: dict[str, Any] = {"state": state} | ({"job_id": job_id} if job_id else {})
        with self._database.transaction() as connection:
            connection.execute(sa.update(WRITE_JOB).where(WRITE_JOB.c.job_number == job_number).values(**values))

    def unsettled(self) -> list[WriteJob]:
        """Jobs of earlier runs whose end is not known yet."""
        columns = [WRITE_JOB.c[name] for name in WriteJob.__dataclass_fields__]
        is_open = WRITE_JOB.c.state.not_in(["settled", "dropped"])
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(*columns).where(is_open).order_by("job_number")).fetchall()
        return [WriteJob(**row._mapping) for row in rows]  # noqa: SLF001 -- public, in spite of its name

    def intents(self, job: WriteJob) -> pa.Table:
        """The rows of a job (INTENT)."""
        with self._database.transaction() as connection:
            return _stored(connection, job.job_number)[_PLANNED]

    def settle(self, job: WriteJob, intents: pa.Table, outcomes: Iterable[pa.Table]) -> pa.Table:
        """Note what became of each row (INTENT) of a job, keep refusals, and close the job; one OUTCOME for each row.

        Rows without an outcome count as unprocessed. Repeating it changes nothing. Raises ActivationError, and notes
        nothing, when there are outcomes of rows that the job did not have, or two of one row.
        """
        known = pa.concat_tables([arrow_values.no_rows(OUTCOME), *outcomes])
        places = _compute.index_in(intents.column("row_key"), value_set=known.column("row_key"))
        if foreign := known.num_rows - len(places) + places.null_count:
            raise ActivationError(
                f"Job {job.job_id}: {job.row_count} rows were sent, and {foreign} results belong to none of them.",
                remedy="Compare the job in the target's setup pages, then reconcile.",
            )
        settled = _joined(intents, known, places)
        is_left = _compute.equal(settled.column("outcome"), UNPROCESSED)
        ended = settled.column("row_key").filter(_compute.invert(is_left))
        left, refused = settled.filter(is_left), settled.filter(_compute.equal(settled.column("outcome"), REFUSED))
        place = {name: getattr(job, name) for name in ("stage", "instance", "object_name")}
        with self._database.transaction() as connection:
            replace_refusals(connection, place, ended=ended, refused=refused)
            if left.num_rows:
                _store(connection, job.job_number, _LEFT, left.select(["row_key"]))
            if refused.num_rows:
                _store(connection, job.job_number, _REFUSED, refused.select(["row_key", "value_hash"]))
            is_this = WRITE_JOB.c.job_number == job.job_number
            connection.execute(sa.update(WRITE_JOB).where(is_this).values(state="settled"))
        return settled

    def finished(self, plan_id: str, stage: str, object_name: str) -> pa.Array[Any]:
        """The rows of one stage of a plan that have been written, or refused and not released since: their row keys."""
        query = sa.select(WRITE_JOB.c.job_number).where(
            WRITE_JOB.c.plan_id == plan_id,
            WRITE_JOB.c.stage == stage,
            WRITE_JOB.c.object_name == object_name,
            WRITE_JOB.c.state == "settled",
        )
        written: list[Any] = [_NOTHING]
        refused: list[pa.Table] = []
        with self._database.transaction() as connection:
            numbers: Sequence[int] = connection.execute(query).scalars().all()
            for number in numbers:
                rows = _stored(connection, number)
                keys = rows.pop(_PLANNED).column("row_key")
                for others in rows.values():
                    keys = keys.filter(_compute.invert(_compute.is_in(keys, value_set=others.column("row_key"))))
                written += keys.chunks
                refused += [rows[_REFUSED]] if _REFUSED in rows else []
            still = [still_refused(connection, stage, object_name, pa.concat_tables(refused))] if refused else []
        return pa.concat_arrays([*written, *still])

    def keep_refusals(self, *, stage: str, instance: str, object_name: str, refused: pa.Table) -> None:
        """Keep refusals of rows that were never sent: `row_key`, `value_hash`, `code` and `message`."""
        place = {"stage": stage, "instance": instance, "object_name": object_name}
        with self._database.transaction() as connection:
            replace_refusals(connection, place, ended=refused.column("row_key"), refused=refused)

    def refusals(self) -> pa.Table:
        """Every row a target refused: object_name, instance, row_key, stage, value_hash, code."""
        with self._database.transaction() as connection:
            return all_refusals(connection)

    def refusal_counts(self) -> list[RefusalCount]:
        """How many rows targets refused, by object, instance, stage and code."""
        with self._database.transaction() as connection:
            return count_refusals(connection)

    def release(
        self,
        codes: Collection[str],
        *,
        object_name: str | None = None,
        instance: str | None = None,
        refused_before: datetime | None = None,
    ) -> int:
        """Forget refusals with these codes, so that the next plan contains their rows again; returns how many."""
        narrowed = {"object_name": object_name, "instance": instance}
        with self._database.transaction() as connection:
            return release_refusals(connection, codes, **narrowed, refused_before=refused_before)

    def forget_settled(self, now: datetime) -> int:
        """Forget jobs that ended long ago (KEPT_FOR); returns how many."""
        is_over = WRITE_JOB.c.state.in_(["settled", "dropped"]) & (WRITE_JOB.c.noted_at < now - KEPT_FOR)
        jobs = sa.select(WRITE_JOB.c.job_number).where(is_over)
        with self._database.transaction() as connection:
            connection.execute(sa.delete(WRITE_ROWS).where(WRITE_ROWS.c.job_number.in_(jobs)))
            return connection.execute(sa.delete(WRITE_JOB).where(is_over)).rowcount


def _joined(intents: pa.Table, known: pa.Table, places: Any) -> pa.Table:
    """The intents with the outcomes at these places, those without one as unprocessed."""
    columns: dict[str, Any] = {name: intents.column(name) for name in ("row_key", "value_hash")}
    columns |= {name: known.column(name).take(places) for name in OUTCOME.names if name != "row_key"}
    columns["outcome"] = _compute.fill_null(columns["outcome"], UNPROCESSED)
    columns["is_created"] = _compute.fill_null(columns["is_created"], arrow_values.flag(value=False))
    return pa.table(columns)


def _store(connection: sa.Connection, job_number: int, kind: str, rows: pa.Table) -> None:
    """Keep rows of a job; what was kept as that kind before is replaced."""
    is_same = (WRITE_ROWS.c.job_number == job_number) & (WRITE_ROWS.c.kind == kind)
    connection.execute(sa.delete(WRITE_ROWS).where(is_same))
    connection.execute(sa.insert(WRITE_ROWS).values(job_number=job_number, kind=kind, content=_packed(rows)))


def _stored(connection: sa.Connection, job_number: int) -> dict[str, pa.Table]:
    """The rows of a job by kind."""
    query = sa.select(WRITE_ROWS.c.kind, WRITE_ROWS.c.content).where(WRITE_ROWS.c.job_number == job_number)
    return {row.kind: _unpacked(row.content) for row in connection.execute(query)}


def _packed(rows: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_PACKED) as writer:
        writer.write_table(rows)
    return memoryview(sink.getvalue())


def _unpacked(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(content)).read_all()
