"""The Bulk lane of writing: Bulk API 2.0 ingest jobs.

Nothing that could have an effect twice is repeated: the caller keeps the job id and asks `job_status` and `results`.
Does not belong here: what is written, how it is split into jobs, and what follows from refusals.
"""

from __future__ import annotations

import tempfile
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.connectors.csv_blocks import cut, unpacked
from contact_sync.connectors.csv_table import DamagedCsvError, row_bytes, write_table
from contact_sync.connectors.retry import Retry, TransientError, polls
from contact_sync.connectors.salesforce.faults import (
    HOPELESS_JOBS,
    LOST_PARENT,
    LOST_PARENT_MESSAGE,
    job_code,
    job_gone,
)
from contact_sync.connectors.salesforce.http import DATA_PATH, Download, Request, SalesforceClient
from contact_sync.connectors.target import PARENT_NOT_FOUND, RESULT, JobState, JobStatus, Operation
from contact_sync.errors import RequestRefusedError, SourceUnreachableError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_compute: Any = pc  # its stubs lack functions and overloads
INGEST_JOBS_PATH: Final = f"{DATA_PATH}/jobs/ingest"
UPLOAD_BYTES: Final = 100_000_000
"""Salesforce takes 150 MB after an encoding that adds up to half."""

_STATES: Final = {
    "Open": JobState.OPEN,
    "UploadComplete": JobState.RUNNING,
    "InProgress": JobState.RUNNING,
    "JobComplete": JobState.FINISHED,
    "Failed": JobState.FAILED,
    "Aborted": JobState.ABORTED,
}
_ENDED: Final = frozenset({JobState.FINISHED, JobState.FAILED, JobState.ABORTED})
_ROW_ERROR: Final = r"(?s)^(?P<code>[A-Z][A-Z0-9_]*):(?P<message>.*?)(?::[\w, .]*--\s*)?$"
_READ_ATTEMPTS: Final = 3
_RESULT_BYTES: Final = 512 * 1024
"""As much of a result file is parsed at a time; a record may be larger."""
_CREATED_WITHIN: Final = timedelta(hours=1)
"""A job that was noted exists after so long, or never will."""
_NOTHING, _TRUE, _UNKNOWN, _INVALID_FIELD = (arrow_values.text(one) for one in ("", "true", "UNKNOWN", "INVALID_FIELD"))
_LOST_PARENT: Final = tuple(arrow_values.text(one) for one in (PARENT_NOT_FOUND, LOST_PARENT_MESSAGE))


class IngestJobs:
    """Jobs of one org; `upload_bytes`: the largest file that is sent."""

    def __init__(self, client: SalesforceClient, *, upload_bytes: int = UPLOAD_BYTES) -> None:
        self._client = client
        self._upload_bytes = upload_bytes

    def rows_that_fit(self, rows: pa.Table) -> int:
        """How many of the rows, from the first one on, one file can hold."""
        # Doubled quotes can make text twice as long at most; most jobs are far from that, and need no counting.
        if 2 * rows.nbytes + 3 * rows.num_columns * (rows.num_rows + 1) < self._upload_bytes:
            return rows.num_rows
        ends = _compute.cumulative_sum(row_bytes(rows))
        header = sum(len(name.encode()) + 3 for name in rows.column_names)
        return int(
            _compute.sum(_compute.less_equal(ends, arrow_values.integer(self._upload_bytes - header))).as_py() or 0
        )

    def create(self, object_name: str, operation: Operation, *, key: str) -> str:
        """Create an open job; it has no effect until `upload` has sent rows and closed it."""
        document = {
            "object": object_name,
            "operation": operation.value,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        if operation is Operation.UPSERT:
            document["externalIdFieldName"] = key
        request = Request(
            method="POST", path=INGEST_JOBS_PATH, subject=object_name, document=document, is_repeatable=False
        )
        since = self._client.time()

        def attempt() -> str:
            try:
                return str(self._client.ask(request)["id"])
            except SourceUnreachableError as error:
                # The job may exist all the same, and would stay open for a week.
                for orphan in self.open_jobs(object_name, operation, since, created_by=self._client.user_id()):
                    self.abort(orphan)
                raise TransientError(error) from None

        return Retry(clock=self._client.clock).run(attempt)

    def open_jobs(self, object_name: str, operation: Operation, since: datetime, *, created_by: str) -> tuple[str, ...]:
        """Ids of the open jobs of an object and operation that a user has created in the hour since; times of creation
        are told in full seconds.
        """
        found: list[str] = []
        first = since.replace(microsecond=0)
        path: str | None = f"{INGEST_JOBS_PATH}?jobType=V2Ingest"
        while path is not None:
            reply = self._client.get(path, subject="ingest jobs")
            found += [
                str(job["id"])
                for job in reply["records"]
                if (job["object"], job["operation"], job["state"]) == (object_name, operation.value, "Open")
                and job["createdById"] == created_by
                and first <= datetime.fromisoformat(job["createdDate"]) <= first + _CREATED_WITHIN
            ]
            path = reply.get("nextRecordsUrl")
        return tuple(found)

    def upload(self, job_id: str, rows: pa.Table) -> None:
        """Send the rows in one request and start the job; raise RequestRefusedError if they are too many bytes."""
        with tempfile.TemporaryFile() as content:
            write_table(rows, content)
            size = content.tell()
            if size > self._upload_bytes:
                message = f"The upload for job {job_id} has {size:,} bytes; Salesforce takes {self._upload_bytes:,}."
                raise RequestRefusedError(message, code="UPLOAD_TOO_LARGE", remedy="Write fewer rows in one job.")
            self._ask(
                Request(
                    method="PUT",
                    path=f"{INGEST_JOBS_PATH}/{job_id}/batches",
                    subject=f"job {job_id}",
                    content=content,
                    headers={"Content-Type": "text/csv; charset=UTF-8", "Content-Length": str(size)},
                    is_repeatable=False,
                )
            )
        self._turn(job_id, "UploadComplete")

    def wait(self, job_id: str, *, timeout_seconds: float) -> JobStatus:
        """Wait until the job has ended or the time is up, and say where it stands."""
        for _ in polls(self._client.clock, timeout_seconds=timeout_seconds):
            status = self.status(job_id)
            if status.state in _ENDED:
                break
        return status

    def status(self, job_id: str) -> JobStatus:
        """Where the job stands now; raise RequestRefusedError (JOB_GONE) if the org has forgotten it."""
        job = self._job(job_id)
        state = str(job["state"])
        if state not in _STATES:
            message = f"Job {job_id} is in a state that is not known: {state}."
            raise RequestRefusedError(message, code="UNKNOWN_STATE", remedy="Look at it under Bulk Data Load Jobs.")
        code = job_code(job.get("errorMessage")) if state == "Failed" else ""
        return JobStatus(
            state=_STATES[state],
            code=code,
            is_hopeless=code in HOPELESS_JOBS,
            processed=int(job.get("numberRecordsProcessed") or 0),
            refused=int(job.get("numberRecordsFailed") or 0),
        )

    def abort(self, job_id: str) -> None:
        """Give up a job that has not started."""
        self._turn(job_id, "Aborted")

    def results(self, job_id: str, *, key: str) -> Iterator[pa.Table]:
        """The three result files, one after the other."""
        written = self._result_columns(job_id, "successfulResults", [key, "sf__Id", "sf__Created"])
        is_created = _compute.equal(_compute.utf8_lower(written.column("sf__Created")), _TRUE)
        yield _results(written.column(key), written.column("sf__Id"), is_created)
        refused = self._result_columns(job_id, "failedResults", [key, "sf__Id", "sf__Error"])
        yield _results(refused.column(key), refused.column("sf__Id"), None, *split_errors(refused.column("sf__Error")))
        yield _results(self._result_columns(job_id, "unprocessedrecords", [key]).column(key))

    def _turn(self, job_id: str, state: str) -> None:
        """Start or abort an open job."""
        try:
            self._set_state(job_id, state)
        except SourceUnreachableError:
            # The request may have arrived; only a job that is still open is told again.
            if self.status(job_id).state is JobState.OPEN:
                self._set_state(job_id, state)

    def _set_state(self, job_id: str, state: str) -> None:
        self._ask(
            Request(
                method="PATCH",
                path=f"{INGEST_JOBS_PATH}/{job_id}",
                subject=f"job {job_id}",
                document={"state": state},
                is_repeatable=False,
            )
        )

    def _job(self, job_id: str) -> Mapping[str, Any]:
        request = Request(
            method="GET", path=f"{INGEST_JOBS_PATH}/{job_id}", subject=f"job {job_id}", is_repeatable=True
        )
        job: Mapping[str, Any] = self._ask(request)
        return job

    def _ask(self, request: Request) -> Any:
        try:
            return self._client.ask(request)
        except UnknownObjectError:
            raise job_gone(instance_name=self._client.instance_name, subject=request.subject) from None

    def _result_columns(self, job_id: str, kind: str, names: list[str]) -> pa.Table:
        """These columns of one of a job's three result files, fetched again while it arrives damaged."""
        subject = f"job {job_id}"
        path = f"{INGEST_JOBS_PATH}/{job_id}/{kind}"
        for _ in range(_READ_ATTEMPTS):
            try:
                download = self._client.download(path, subject=subject, parameters={}, headers={"Accept": "text/csv"})
            except UnknownObjectError:
                raise job_gone(instance_name=self._client.instance_name, subject=subject) from None
            with closing(download.body), suppress(DamagedCsvError):
                return _columns(download, names)
        message = f"The {kind} of job {job_id} arrived damaged or without column {names[0]}, {_READ_ATTEMPTS} times."
        raise RequestRefusedError(message, code="RESULTS_DAMAGED", remedy="Read the results again.")


def _columns(download: Download, names: list[str]) -> pa.Table:
    """These columns of a result file; raise DamagedCsvError if it is damaged or lacks one."""
    none = arrow_values.no_rows(pa.schema([(name, pa.string()) for name in names]))
    with closing(unpacked(download.body) if download.is_gzip else download.body) as file:
        return pa.concat_tables([none, *cut(file, names, block_bytes=_RESULT_BYTES).tables(only=names)])


def split_errors(errors: pa.ChunkedArray[Any]) -> tuple[Any, Any]:
    """Codes and messages of `CODE:message:fields --`; text of another form is the message of the code UNKNOWN.

    Where the org's code says less than its message, the code is one of ours (faults.row_fault).
    """
    parts = _compute.extract_regex(errors, _ROW_ERROR)
    codes = _compute.fill_null(_compute.struct_field(parts, "code"), _UNKNOWN)
    messages = _compute.coalesce(_compute.struct_field(parts, "message"), errors, _NOTHING)
    is_lost = _compute.and_(
        _compute.equal(codes, _INVALID_FIELD), _compute.match_substring_regex(messages, LOST_PARENT)
    )
    return _compute.if_else(is_lost, _LOST_PARENT[0], codes), _compute.if_else(is_lost, _LOST_PARENT[1], messages)


def _results(
    keys: pa.ChunkedArray[Any], record_ids: Any = None, is_created: Any = None, codes: Any = None, messages: Any = None
) -> pa.Table:
    """A table of RESULT; what is left out is null, and nothing is created unless it is said."""
    count = len(keys)
    no_text = pa.nulls(count, pa.string())
    columns = [
        _compute.fill_null(keys, _NOTHING),
        no_text if record_ids is None else record_ids,
        arrow_values.repeat(arrow_values.flag(value=False), count) if is_created is None else is_created,
        no_text if codes is None else codes,
        no_text if messages is None else messages,
    ]
    return pa.Table.from_arrays(columns, schema=RESULT)
