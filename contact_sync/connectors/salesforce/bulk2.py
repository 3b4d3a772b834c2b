"""The Bulk lane: Bulk API 2.0 query jobs, their pages counted against what Salesforce declares.

While a page is parsed and used, one background thread downloads the next into a temporary file; no more than two pages
exist at a time. Does not belong here: when this lane is taken (router.py), and ingest jobs (writer.py).
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from contact_sync.connectors.base import Checkpoint, Page
from contact_sync.connectors.csv_table import DamagedCsvError, read_table
from contact_sync.connectors.retry import polls
from contact_sync.connectors.salesforce.faults import job_code, job_gone
from contact_sync.connectors.salesforce.http import DATA_PATH, Download, Request, SalesforceClient
from contact_sync.errors import CountMismatchError, RequestRefusedError, SourceError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

LANE: Final = "bulk"
QUERY_JOBS_PATH: Final = f"{DATA_PATH}/jobs/query"
PAGE_ROWS: Final = 50_000
"""Rows asked for in a page; bounds memory, and 50 million rows still are only 1,000 requests."""
PAGE_ATTEMPTS: Final = 3

_COUNT_HEADER: Final = "Sforce-NumberOfRecords"
_LOCATOR_HEADER: Final = "Sforce-Locator"


@dataclass(frozen=True, kw_only=True)
class QueryJob:
    """A finished query job and how far its result has been read; no locator means from the first page."""

    id: str
    subject: str
    total: int
    locator: str | None = None
    pages: int = 0
    rows: int = 0

    def after(self, rows: int, locator: str | None) -> QueryJob:
        """The same job one page further."""
        return QueryJob(
            id=self.id,
            subject=self.subject,
            total=self.total,
            locator=locator,
            pages=self.pages + 1,
            rows=self.rows + rows,
        )

    def checkpoint(self) -> Checkpoint | None:
        """What `resume` needs to continue here; None at the end."""
        if self.locator is None:
            return None
        return {
            "lane": LANE,
            "job_id": self.id,
            "locator": self.locator,
            "total": self.total,
            "pages": self.pages,
            "rows": self.rows,
        }


class BulkQuery:
    """Creates queryAll jobs, waits for them and reads their results; deleted records are included."""

    def __init__(self, client: SalesforceClient, *, job_deadline_seconds: float, page_rows: int = PAGE_ROWS) -> None:
        self._client = client
        self._job_deadline_seconds = job_deadline_seconds
        self._page_rows = page_rows

    def create(self, soql: str, *, subject: str) -> str:
        """Create a job and return its id."""
        document = {
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        # A reply that got lost leaves a second job behind, which costs one of 10,000 a day and harms nothing.
        request = Request(method="POST", path=QUERY_JOBS_PATH, subject=subject, document=document, is_repeatable=True)
        return str(self._client.ask(request)["id"])

    def wait(self, job_id: str, *, subject: str) -> QueryJob:
        """Wait until the job is complete; raise RequestRefusedError if it fails or takes too long."""
        for _ in polls(self._client.clock, timeout_seconds=self._job_deadline_seconds):
            job = self._job(job_id, subject)
            if job["state"] == "JobComplete":
                return QueryJob(id=job_id, subject=subject, total=int(job["numberRecordsProcessed"]))
            if job["state"] in {"Failed", "Aborted"}:
                code = job_code(job.get("errorMessage"))
                message = f"Query job {job_id} of {subject} ended as {job['state']} ({code})."
                raise RequestRefusedError(message, code=code, remedy="Look at the job under Bulk Data Load Jobs.")
        self._give_up(job_id, subject)
        message = f"Query job {job_id} of {subject} took longer than {self._job_deadline_seconds:.0f} seconds."
        raise RequestRefusedError(message, code="JOB_TIMEOUT", remedy="Read a smaller window.")

    def resume(self, checkpoint: Checkpoint, columns: Sequence[str], *, subject: str) -> Iterator[Page]:
        """The pages after a checkpoint of this lane."""
        job = QueryJob(
            id=checkpoint["job_id"],
            subject=subject,
            total=checkpoint["total"],
            locator=checkpoint["locator"],
            pages=checkpoint["pages"],
            rows=checkpoint["rows"],
        )
        return self.pages(job, columns)

    def pages(self, job: QueryJob, columns: Sequence[str]) -> Iterator[Page]:
        """The rest of the job's result; raise CountMismatchError instead of the last page unless all rows arrived."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="salesforce-page") as background:
            coming = background.submit(self._download, job)
            try:
                is_last = False
                while not is_last:
                    with closing(_Body(coming.result())) as body:
                        following = _locator(body.download)
                        is_last = following is None
                        if not is_last:
                            coming = background.submit(self._download, job.after(0, following))
                        rows, download = self._counted_rows(job, body, columns)
                    job = job.after(rows.num_rows, following)
                    self._check_total(job)
                    yield _page(job, rows, download)
            finally:
                coming.add_done_callback(_discard)

    def _counted_rows(self, job: QueryJob, body: _Body, columns: Sequence[str]) -> tuple[pa.Table, Download]:
        """The rows of a downloaded page; fetched again while they are not as many as its header says."""
        for attempt in range(1, PAGE_ATTEMPTS + 1):
            with suppress(DamagedCsvError):
                rows = read_table(body.download.body, is_gzip=body.download.is_gzip, columns=columns)
                if _declared_rows(body.download) in {None, rows.num_rows}:
                    return rows, body.download
            if attempt < PAGE_ATTEMPTS:
                body.replace(self._download(job))
        message = (
            f"Page {job.pages + 1} of query job {job.id} of {job.subject} arrived damaged or with other than the "
            f"{_declared_rows(body.download)} rows it declares, {PAGE_ATTEMPTS} times."
        )
        raise CountMismatchError(message, remedy="Resume the reading; if it persists, start it anew.")

    def _download(self, job: QueryJob) -> Download:
        parameters = {"maxRecords": str(self._page_rows)}
        if job.locator is not None:
            parameters["locator"] = job.locator
        path = f"{QUERY_JOBS_PATH}/{job.id}/results"
        try:
            return self._client.download(
                path, subject=job.subject, parameters=parameters, headers={"Accept": "text/csv"}
            )
        except UnknownObjectError:
            raise self._gone(job.id, job.subject) from None

    def _job(self, job_id: str, subject: str) -> Mapping[str, Any]:
        try:
            job: Mapping[str, Any] = self._client.get(f"{QUERY_JOBS_PATH}/{job_id}", subject=subject)
        except UnknownObjectError:
            raise self._gone(job_id, subject) from None
        return job

    def _give_up(self, job_id: str, subject: str) -> None:
        # The time-out is what the user has to know; that the job could not be stopped besides is not.
        with suppress(SourceError):
            self._client.ask(
                Request(
                    method="PATCH",
                    path=f"{QUERY_JOBS_PATH}/{job_id}",
                    subject=subject,
                    document={"state": "Aborted"},
                    is_repeatable=False,
                )
            )

    def _gone(self, job_id: str, subject: str) -> RequestRefusedError:
        return job_gone(instance_name=self._client.instance_name, subject=f"query job {job_id} of {subject}")

    def _check_total(self, job: QueryJob) -> None:
        if job.locator is None and job.rows != job.total:
            message = f"Query job {job.id} of {job.subject} declared {job.total:,} rows and sent {job.rows:,}."
            raise CountMismatchError(message, remedy="Read the window again.")


class _Body:
    """The download of one page, replaced when it has to be fetched again, closed at the end."""

    def __init__(self, download: Download) -> None:
        self.download = download

    def replace(self, download: Download) -> None:
        self.close()
        self.download = download

    def close(self) -> None:
        self.download.body.close()


def _discard(download: Future[Download]) -> None:
    """Close a page that nobody will use."""
    if download.exception() is None:
        download.result().body.close()


def _page(job: QueryJob, rows: pa.Table, download: Download) -> Page:
    return Page(
        rows=rows,
        number=job.pages,
        declared_rows=_declared_rows(download),
        declared_total=job.total,
        checkpoint=job.checkpoint(),
        byte_count=download.byte_count,
        origin={"_lane": LANE, "_job_id": job.id},
    )


def _declared_rows(download: Download) -> int | None:
    declared = download.headers.get(_COUNT_HEADER)
    return int(declared) if declared is not None else None


def _locator(download: Download) -> str | None:
    """Where the next page starts; the last page says so by the text `null`."""
    locator = download.headers.get(_LOCATOR_HEADER)
    return None if locator in {None, "", "null"} else locator
