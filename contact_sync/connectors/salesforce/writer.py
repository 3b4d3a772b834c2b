"""An org as a Target: Bulk API 2.0 ingest jobs.

Nothing that could have an effect twice is repeated: the caller keeps the job id and asks `job_state` and `results`.
Does not belong here: what is written, how it is split into jobs, and what follows from refusals.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from contact_sync.connectors.base import JobState, Operation, Refusal, WriteResult
from contact_sync.connectors.csv_table import DamagedCsvError, read_table, write_table
from contact_sync.connectors.retry import polls
from contact_sync.connectors.salesforce.faults import job_gone
from contact_sync.connectors.salesforce.http import DATA_PATH, Request, SalesforceClient
from contact_sync.connectors.salesforce.rest import QUERY_PATH
from contact_sync.connectors.salesforce.soql import count_records
from contact_sync.errors import (
    RequestRefusedError,
    SourceUnreachableError,
    UnknownObjectError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from contact_sync.settings import SalesforceInstance

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
_ROW_ERROR: Final = re.compile(r"(?P<code>[A-Z][A-Z0-9_]*):(?P<message>.*?)(?::[\w, .]*--\s*)?", re.DOTALL)
_READ_ATTEMPTS: Final = 3


class SalesforceTarget:
    """Writes to one org; see the Target port. `client` may be shared with a SalesforceSource, whose user closes it."""

    def __init__(
        self,
        instance_name: str,
        settings: SalesforceInstance,
        *,
        client: SalesforceClient | None = None,
        upload_bytes: int = UPLOAD_BYTES,
    ) -> None:
        self._owns_client = client is None
        self.client = client or SalesforceClient(instance_name, settings)
        self._upload_bytes = upload_bytes

    def create_job(self, object_name: str, operation: Operation, *, key: str) -> str:
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
        # If the reply is lost, the empty job left behind has no effect, so asking again is safe.
        request = Request(
            method="POST", path=INGEST_JOBS_PATH, subject=object_name, document=document, is_repeatable=True
        )
        return str(self.client.ask(request)["id"])

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
        self._start(job_id)

    def wait(self, job_id: str, *, timeout_seconds: float) -> JobState:
        """Wait until the job has ended or the time is up, and say where it stands."""
        for _ in polls(self.client.clock, timeout_seconds=timeout_seconds):
            state = self.job_state(job_id)
            if state in _ENDED:
                break
        return state

    def job_state(self, job_id: str) -> JobState:
        """Where the job stands now; raise RequestRefusedError (JOB_GONE) if the org has forgotten it."""
        state = str(self._job(job_id)["state"])
        if state not in _STATES:
            message = f"Job {job_id} is in a state that is not known: {state}."
            raise RequestRefusedError(message, code="UNKNOWN_STATE", remedy="Look at it under Bulk Data Load Jobs.")
        return _STATES[state]

    def abort(self, job_id: str) -> None:
        """Give up a job that has not started."""
        self._set_state(job_id, "Aborted")

    def results(self, job_id: str, *, key: str) -> Iterator[WriteResult]:
        """One result for each row sent: written, refused, then unprocessed ones; joined by `key`, never by order."""
        written = self._result_columns(job_id, "successfulResults", [key, "sf__Id", "sf__Created"])
        for value, record_id, created in _rows(written):
            is_created = (created or "").lower() == "true"
            yield WriteResult(key=value or "", record_id=record_id, is_created=is_created, refusal=None)
        refused = self._result_columns(job_id, "failedResults", [key, "sf__Id", "sf__Error"])
        for value, record_id, error in _rows(refused):
            yield WriteResult(key=value or "", record_id=record_id, is_created=False, refusal=refusal_of(error or ""))
        for (value,) in _rows(self._result_columns(job_id, "unprocessedrecords", [key])):
            yield WriteResult(key=value or "", record_id=None, is_created=False, refusal=None)

    def count(self, object_name: str) -> int:
        """How many live records the object has."""
        reply = self.client.get(QUERY_PATH, subject=object_name, parameters={"q": count_records(object_name)})
        return int(reply["totalSize"])

    def close(self) -> None:
        """Give connections back, unless the client was given."""
        if self._owns_client:
            self.client.close()

    def _start(self, job_id: str) -> None:
        try:
            self._set_state(job_id, "UploadComplete")
        except SourceUnreachableError:
            # The request may have arrived; only a job that is still open is told again.
            if self.job_state(job_id) is JobState.OPEN:
                self._set_state(job_id, "UploadComplete")

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
            return self.client.ask(request)
        except UnknownObjectError:
            raise job_gone(instance_name=self.client.instance_name, subject=request.subject) from None

    def _result_columns(self, job_id: str, kind: str, names: list[str]) -> pa.Table:
        """These columns of one of a job's three result files, fetched again while it arrives damaged."""
        subject = f"job {job_id}"
        path = f"{INGEST_JOBS_PATH}/{job_id}/{kind}"
        for _ in range(_READ_ATTEMPTS):
            try:
                download = self.client.download(path, subject=subject, parameters={}, headers={"Accept": "text/csv"})
            except UnknownObjectError:
                raise job_gone(instance_name=self.client.instance_name, subject=subject) from None
            with closing(download.body):
                try:
                    return read_table(download.body, is_gzip=download.is_gzip, columns=names, only=names)
                except DamagedCsvError:
                    continue
        message = f"The {kind} of job {job_id} arrived damaged or without column {names[0]}, {_READ_ATTEMPTS} times."
        raise RequestRefusedError(message, code="RESULTS_DAMAGED", remedy="Read the results again.")


def refusal_of(row_error: str) -> Refusal:
    """`CODE:message:fields --` without the fields; text of another form is the message of the code UNKNOWN."""
    parts = _ROW_ERROR.fullmatch(row_error)
    if parts is None:
        return Refusal(code="UNKNOWN", message=row_error)
    return Refusal(code=parts["code"], message=parts["message"])


def _rows(table: pa.Table) -> Iterator[tuple[str | None, ...]]:
    """The table's rows, one batch of Python values at a time."""
    for batch in table.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
