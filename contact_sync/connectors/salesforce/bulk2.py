"""The Bulk lane: Bulk API 2.0 query jobs, their rows counted against what Salesforce declares.

Belongs here: the job, how far it was read, and the pages of a reading that are made of its result. Does not belong
here: fetching the result (result_pages.py), when this lane is taken (router.py), and ingest jobs (writer.py).
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from contact_sync.connectors.base import Checkpoint, Page
from contact_sync.connectors.retry import polls
from contact_sync.connectors.salesforce.faults import job_code, job_gone
from contact_sync.connectors.salesforce.http import Request, SalesforceClient
from contact_sync.connectors.salesforce.result_pages import QUERY_JOBS_PATH, ResultPages
from contact_sync.errors import CountMismatchError, RequestRefusedError, SourceError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contact_sync.connectors.salesforce.result_pages import Address, ResultPage

LANE: Final = "bulk"
PAGE_ROWS: Final = 50_000
"""Rows asked for in a page where Salesforce lists none of its own; 50 million rows still are only 1,000 requests."""
PAGES_AHEAD: Final = 2


@dataclass(frozen=True, kw_only=True)
class QueryJob:
    """A finished query job and how far its result has been read.

    pages, rows: how many were read, the page at `locator` not included in `pages`. rows_of_page: rows of that page that
    were read. No locator means the first page.
    """

    id: str
    subject: str
    total: int
    locator: str | None = None
    pages: int = 0
    rows: int = 0
    rows_of_page: int = 0

    def after(self, rows: int) -> QueryJob:
        """The same job with so many more rows of the page at the locator read."""
        return replace(self, rows=self.rows + rows, rows_of_page=self.rows_of_page + rows)

    def turned(self, locator: str | None, *, page_rows: int) -> QueryJob:
        """The same job at its next page; `page_rows` are those of the page that is left behind."""
        return replace(self, locator=locator, pages=self.pages + 1, rows_of_page=self.rows_of_page - page_rows)

    def checkpoint(self) -> Checkpoint:
        """What `resume` needs to continue here."""
        return {
            "lane": LANE,
            "job_id": self.id,
            "locator": self.locator,
            "total": self.total,
            "pages": self.pages,
            "rows": self.rows,
            "rows_of_page": self.rows_of_page,
        }


class BulkQuery:
    """Creates queryAll jobs, waits for them and reads their results; deleted records are included."""

    def __init__(
        self,
        client: SalesforceClient,
        *,
        job_deadline_seconds: float,
        page_rows: int = PAGE_ROWS,
        pages_ahead: int = PAGES_AHEAD,
    ) -> None:
        self._client = client
        self._job_deadline_seconds = job_deadline_seconds
        self._page_rows = page_rows
        self._pages_ahead = pages_ahead

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
            rows_of_page=checkpoint["rows_of_page"],
        )
        return self.pages(job, columns)

    def pages(self, job: QueryJob, columns: Sequence[str]) -> Iterator[Page]:
        """The rest of the job's result; raise CountMismatchError instead of the last page unless all rows arrived.

        A large page of Salesforce is yielded in parts, its blocks; the reading can continue after each.
        """
        source = ResultPages(self._client, job.id, columns, subject=job.subject, page_rows=self._page_rows)
        found = source.in_order(
            job.locator,
            number=job.pages + 1,
            pages_ahead=self._pages_ahead,
            is_listed=job.total > self._page_rows,
        )
        # Left to the garbage collector it would end in any thread, and wait there for threads of its own, for ever if
        # the collector came amid their end.
        with closing(found):
            yield from self._parts(job, columns, source, found)

    def _parts(
        self,
        job: QueryJob,
        columns: Sequence[str],
        source: ResultPages,
        found: Iterator[tuple[ResultPage, Address | None]],
    ) -> Iterator[Page]:
        for page, following in found:
            page_rows = page.content.records
            if following is not None and job.rows_of_page >= page_rows:
                job = job.turned(following.locator, page_rows=page_rows)
                continue
            for rows in _or_none(source.tables(page, skip=job.rows_of_page), columns):
                is_whole = rows.num_rows == page_rows
                job = job.after(rows.num_rows)
                is_last = job.rows_of_page == page_rows and following is None
                if following is not None and job.rows_of_page == page_rows:
                    job = job.turned(following.locator, page_rows=page_rows)
                if is_last:
                    self._check_total(job)
                yield Page(
                    rows=rows,
                    number=page.address.number,
                    declared_rows=page.declared_rows if is_whole else None,
                    declared_total=job.total,
                    checkpoint=None if is_last else job.checkpoint(),
                    byte_count=page.byte_count * rows.num_rows // max(page_rows, 1),
                    origin={"_lane": LANE, "_job_id": job.id},
                )
                # What was yielded is the caller's: kept here too, two pages would be in memory while the next is made.
                del rows

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
        if job.rows != job.total:
            message = f"Query job {job.id} of {job.subject} declared {job.total:,} rows and sent {job.rows:,}."
            raise CountMismatchError(message, remedy="Read the window again.")


def _or_none(tables: Iterator[pa.Table], columns: Sequence[str]) -> Iterator[pa.Table]:
    """The tables, or one without rows if there is none."""
    none = pa.Table.from_batches([], pa.schema([(name, pa.string()) for name in columns]))
    yield next(tables, none)
    yield from tables
