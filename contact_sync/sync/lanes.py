"""The two ways from rows to a settled job in the ledger, so that a crash anywhere loses nothing and doubles nothing.

Bulk: note the rows, create the job, note its id, upload, wait, read the result of every row, settle. Direct: note the
rows and that they are being sent, send, settle; what a lost reply leaves open is settled by reading the records.
Does not belong here: which rows there are, and which lane they take (load.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.connectors.retry import Clock
from contact_sync.connectors.target import REPLY_LOST, JobState, JobStatus, Operation, Target
from contact_sync.errors import (
    JOB_GONE,
    ActivationError,
    RequestRefusedError,
    SourceUnreachableError,
    UnknownObjectError,
)
from contact_sync.state.writes import INTENT, Lane, WriteJob, WriteLedger
from contact_sync.sync.outcomes import (
    UPLOAD_LOST,
    all_ambiguous,
    fields_of,
    fingerprints,
    left_alone,
    outcomes_by_reading,
    outcomes_of,
)
from contact_sync.sync.rows import Rows

_compute: Any = pc  # its stubs lack functions and overloads
WAIT_SECONDS: Final = 1800.0
_RESULT_READINGS: Final = 3
_PAUSE_SECONDS: Final = 5.0
_LOST: Final = arrow_values.text(REPLY_LOST)
_NO: Final = arrow_values.flag(value=False)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where the rows of one stage of a plan go, and how.

    object_name: in the catalog; target_object: in the target. follows: the stages of the plan that have written to the
    same records before.
    """

    plan_id: str
    stage: str
    instance: str
    object_name: str
    target_object: str
    operation: Operation
    key: str
    follows: tuple[str, ...] = ()


class BulkLane:
    """Writes many rows by one job of the target."""

    def __init__(self, target: Target, ledger: WriteLedger, clock: Clock) -> None:
        self._target = target
        self._ledger = ledger
        self._clock = clock

    def write(self, to: Destination, rows: Rows) -> pa.Table:
        """Write rows; one outcome for each. A job whose upload is lost is aborted, and its rows are left alone."""
        job = _planned(self._ledger, self._target, to, Lane.BULK, rows.intents)
        job_id = self._target.create_job(to.target_object, to.operation, key=to.key)
        self._ledger.note(job.job_number, "created", job_id=job_id)
        try:
            self._target.upload(job_id, rows.cells)
        except SourceUnreachableError:
            if self._target.job_status(job_id).state is JobState.OPEN:
                self._target.abort(job_id)
                return self._ledger.settle(job, rows.intents, [left_alone(rows.intents, UPLOAD_LOST)])
        self._ledger.note(job.job_number, "sent")
        return self._settle(job, job_id, rows.intents, is_live=True)

    def recover(self, job: WriteJob) -> pa.Table | None:
        """Settle a job that a crash left open: one that was not started is aborted, any other is read back.

        One outcome for each of its rows; None if none of them was sent.
        """
        if job.job_id is None:
            # It may exist all the same, if the crash came before its id was noted.
            for orphan in self._target.orphans(job.target_object, Operation(job.operation), job.began_at):
                self._target.abort(orphan)
            self._ledger.note(job.job_number, "dropped")
            return None
        try:
            if self._target.job_status(job.job_id).state is not JobState.OPEN:
                return self._settle(job, job.job_id, self._ledger.intents(job))
            self._target.abort(job.job_id)
        except RequestRefusedError as error:
            if error.code != JOB_GONE:
                raise
            # Nobody can tell any more; what it did not write differs still and is planned again, once that was read.
            reason = "The target does not keep the job any more that was to write it."
            intents = self._ledger.intents(job)
            return self._ledger.settle(job, intents, [all_ambiguous(intents, reason)])
        self._ledger.note(job.job_number, "dropped")
        return None

    def _settle(self, job: WriteJob, job_id: str, intents: pa.Table, *, is_live: bool = False) -> pa.Table:
        """Wait for a job's end and note the outcome of each of its rows.

        is_live: this application has started it, so that it cannot be its own predecessor who aborted it.
        """
        status = self._target.wait(job_id, timeout_seconds=WAIT_SECONDS)
        if status.state in {JobState.OPEN, JobState.RUNNING}:
            raise ActivationError(
                f"Job {job_id} of stage {job.stage} has not ended after {WAIT_SECONDS:.0f} seconds.",
                remedy="Nothing is lost: the next apply reads its results.",
            )
        outcomes = [outcomes_of(table) for table in self._results(job, job_id, status)]
        settled = self._ledger.settle(job, intents, outcomes)
        if is_live and status.state is JobState.ABORTED:
            raise ActivationError(
                f"Somebody has aborted job {job_id} of stage {job.stage} in the target; nothing more is sent.",
                remedy="Ask who did and why, then apply again: rows that the job has not written are sent then.",
            )
        if status.is_hopeless:
            raise ActivationError(
                f"{job.object_name} refused job {job_id} of stage {job.stage} as a whole: {status.code}.",
                remedy="Look at the job in the target's setup pages; `contact-sync doctor` lists what the org lacks.",
            )
        return settled

    def _results(self, job: WriteJob, job_id: str, status: JobStatus) -> list[pa.Table]:
        """The results of a job, read again while they are not those the target has counted."""
        for reading in range(_RESULT_READINGS):
            if reading:
                self._clock.sleep(_PAUSE_SECONDS)
            tables = list(self._target.results(job_id, key=job.key_field))
            rows = sum(table.num_rows for table in tables)
            refused = sum(int(_compute.sum(_compute.is_valid(one.column("code"))).as_py() or 0) for one in tables)
            left = sum(_left_alone(table) for table in tables)
            # Of a job that failed as a whole not even the rows it has left alone are told.
            is_complete = rows == job.row_count or status.state is not JobState.FINISHED
            if is_complete and (rows - left, refused) == (status.processed, status.refused):
                return tables
        raise ActivationError(
            f"Job {job_id}: {job.row_count} rows were sent, {status.processed} taken up and {status.refused} of them "
            f"refused; the results tell of {rows}, {rows - left} and {refused}.",
            remedy="Nothing is lost: the next apply reads the results again.",
        )


class DirectLane:
    """Writes few rows by requests that write at once."""

    def __init__(self, target: Target, ledger: WriteLedger, clock: Clock) -> None:
        self._target = target
        self._ledger = ledger
        self._clock = clock

    def write(self, to: Destination, rows: Rows) -> pa.Table:
        """Write rows, an update only where its record has not changed since it was seen; one outcome for each."""
        intents = rows.intents.set_column(
            INTENT.get_field_index("fingerprint"), "fingerprint", fingerprints(rows.cells, to.key)
        )
        job = _planned(self._ledger, self._target, to, Lane.DIRECT, intents)
        self._ledger.note(job.job_number, "sent")
        seen_at = intents.column("seen_at")
        is_conditional = to.operation is Operation.UPDATE and seen_at.null_count < len(seen_at)
        results = self._target.write(
            to.target_object,
            to.operation,
            rows.cells,
            key=to.key,
            unchanged_since=seen_at if is_conditional else None,
        )
        is_lost = _compute.fill_null(_compute.equal(results.column("code"), _LOST), _NO)
        outcomes = [outcomes_of(results.filter(_compute.invert(is_lost)))]
        lost = intents.filter(is_lost)
        if lost.num_rows:
            # The target may still be at it.
            self._clock.sleep(_PAUSE_SECONDS)
            outcomes.append(self._read(job, lost))
        return self._ledger.settle(job, intents, outcomes)

    def recover(self, job: WriteJob) -> pa.Table | None:
        """Settle a job that a crash left open, by reading what may have been written.

        One outcome for each of its rows; None if none of them was sent.
        """
        if job.state == "planned":
            self._ledger.note(job.job_number, "dropped")
            return None
        intents = self._ledger.intents(job)
        try:
            found = self._read(job, intents)
        except (UnknownObjectError, RequestRefusedError) as error:
            found = all_ambiguous(intents, f"Whether it was written cannot be read any more ({error.code}).")
        return self._ledger.settle(job, intents, [found])

    def _read(self, job: WriteJob, intents: pa.Table) -> pa.Table:
        found = self._target.find(
            job.target_object,
            [str(key) for key in intents.column("row_key").to_pylist()],
            key=job.key_field,
            fields=fields_of(intents.column("fingerprint").to_pylist()),
        )
        return outcomes_by_reading(
            intents,
            found,
            operation=Operation(job.operation),
            began_at=job.began_at,
            user_id=self._target.user_id(),
        )


def _planned(ledger: WriteLedger, target: Target, to: Destination, lane: Lane, intents: pa.Table) -> WriteJob:
    return ledger.plan_job(
        plan_id=to.plan_id,
        stage=to.stage,
        instance=to.instance,
        object_name=to.object_name,
        target_object=to.target_object,
        operation=to.operation.value,
        key_field=to.key,
        lane=lane,
        intents=intents,
        began_at=target.time(),
    )


def _left_alone(results: pa.Table) -> int:
    is_left = _compute.and_(_compute.is_null(results.column("record_id")), _compute.is_null(results.column("code")))
    return int(_compute.sum(is_left).as_py() or 0)
