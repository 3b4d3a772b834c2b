"""Requests about Bulk API 2.0 query jobs; what a job does is in bulk_snapshot.py.

A page is a slice of the job's result file, so any may be read again as long as the job exists, whatever is written in
between.
"""

from __future__ import annotations

import gzip
import re
from typing import Any

from contact_sync.simulator.salesforce import bulk_snapshot, job_list
from contact_sync.simulator.salesforce.allowances import BULK_QUERY_BYTES, BULK_QUERY_JOBS
from contact_sync.simulator.salesforce.cursors import invalid_locator
from contact_sync.simulator.salesforce.faults import Fault, not_found
from contact_sync.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, TERMINAL, QueryJob, choice
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.soql import Query, Statement, compile_query, parse
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_PAGES_PER_LISTING = 5


def create(org: Org, call: Call) -> Reply:
    """Check the query, start the job and answer before it has run."""
    asked = call.json()
    operation = str(asked.get("operation", ""))
    if operation not in ("query", "queryAll"):
        raise Fault(400, "INVALIDOPERATION", f"Operation '{operation}' is not supported by query jobs")
    _check_allowances(org)
    parsed = parse(str(asked.get("query", "")))
    include_deleted = operation == "queryAll"
    statement = _statement(org, parsed, include_deleted=include_deleted)
    job = QueryJob(
        id=org.new_job_id(),
        object_name=statement.object.name,
        operation=operation,
        version=call.version,
        user_id=call.user_id,
        created=org.store.now(),
        delimiter=choice(asked, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=choice(asked, "lineEnding", LINE_ENDINGS, "LF"),
        statement=statement,
        is_chunkable=not parsed.order_by and parsed.limit is None,
    )
    org.query_jobs[job.id] = job
    org.jobs["query"] += 1
    org.usage.note(BULK_QUERY_JOBS)
    body = job.information()
    org.executor.submit(bulk_snapshot.run, org, job)
    return json_reply(body)


def show(org: Org, call: Call) -> Reply:
    """State and counts of a job."""
    job = _find(org, call)
    # The state is looked at first, so that the counts beside it are not older.
    information = job.information()
    progress = {
        "isPkChunkingSupported": job.is_chunkable,
        "retries": job.retries,
        "totalProcessingTime": job.processing_milliseconds,
        "numberRecordsProcessed": job.row_count,
    }
    return json_reply({**information, **progress})


def list_jobs(org: Org, call: Call) -> Reply:
    """Query jobs of the org, page by page; those of Bulk API 1 would be among them."""
    return job_list.page(org, call, job_type=QueryJob.job_type)


def change_state(org: Org, call: Call) -> Reply:
    """Abort a job that has not ended."""
    job = _find(org, call)
    if call.json().get("state") != "Aborted":
        raise Fault(400, "INVALIDJOBSTATE", "The only state a query job can be set to is Aborted")
    if job.state in TERMINAL:
        raise Fault(400, "INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
    job.turn("Aborted", at=org.store.now())
    return json_reply(job.information())


def delete(org: Org, call: Call) -> Reply:
    """Forget an ended job and its result."""
    job = _find(org, call)
    if job.state not in TERMINAL:
        raise Fault(400, "API_ERROR", f"Cannot delete job in state {job.state}")
    del org.query_jobs[job.id]
    (org.results / job.id).unlink(missing_ok=True)
    return Reply(204)


def results(org: Org, call: Call) -> Reply:
    """One page of the result: a header row and whole records, with the locator of the next page.

    204 for a job that is not complete, as newer guides say; that of version 48.0 shows a 412, JOB_NOT_COMPLETE.
    """
    job = _of_same_version(org, call)
    if job.state != "JobComplete":
        return Reply(204)
    start = _position(job, call.query.get("locator"))
    asked = call.query.get("maxRecords", str(org.page_size))
    if not asked.isdigit() or int(asked) < 1:
        raise Fault(400, "INVALID_REQUEST", "maxRecords must be a positive number")
    # What a client asks for is a maximum: the service may choose smaller pages.
    end = min(start + min(int(asked), org.page_size), job.row_count)
    body = bulk_snapshot.header(job) + _records(org, job, start, end)
    headers = {
        "Content-Type": "text/csv",
        "Sforce-NumberOfRecords": str(end - start),
        "Sforce-Locator": "null" if end >= job.row_count else _locator(end),
    }
    if "gzip" in call.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return Reply(200, body, headers)


def result_pages(org: Org, call: Call) -> Reply:
    """Addresses of the pages, so that they can be fetched side by side."""
    if not org.limits.result_pages:
        raise not_found()
    job = _of_same_version(org, call)
    if job.state != "JobComplete":
        raise Fault(400, "INVALIDJOBSTATE", f"Job is not complete, its state is {job.state}")
    first = _position(job, call.query.get("locator"))
    address = f"{call.base}/jobs/query/{job.id}"
    starts = list(range(first, max(job.row_count, 1), org.page_size))
    listed, left = starts[:_PAGES_PER_LISTING], starts[_PAGES_PER_LISTING:]
    page: dict[str, Any] = {
        "resultPages": [
            {"resultUrl": f"{address}/results?locator={_locator(start)}&maxRecords={org.page_size}"} for start in listed
        ],
        "done": not left,
    }
    if left:
        page["nextRecordUrl"] = f"{address}/resultPages?locator={_locator(left[0])}"
    return json_reply(page)


def _check_allowances(org: Org) -> None:
    if org.usage.of(BULK_QUERY_JOBS) >= org.limits.bulk_query_jobs:
        message = f"Max bulk v2 query jobs ({org.limits.bulk_query_jobs}) per 24 hrs has been reached"
        raise Fault(400, "LIMIT_EXCEEDED", message)
    kilobytes = 1_024 * org.limits.bulk_query_megabytes
    if org.usage.of(BULK_QUERY_BYTES) >= 1_024 * kilobytes:
        message = f"Max bulk v2 query result size stored ({kilobytes}) kb per 24 hrs has been exceeded"
        raise Fault(400, "LIMIT_EXCEEDED", message)


def _statement(org: Org, parsed: Query, *, include_deleted: bool) -> Statement:
    statement = compile_query(parsed, org.store.schema, include_deleted=include_deleted, now=org.store.clock())
    if not statement.object.bulk:
        raise Fault(400, "INVALIDENTITY", f"Entity '{statement.object.name}' is not supported by the Bulk API.")
    if parsed.is_count or parsed.offset is not None:
        raise Fault(400, "API_ERROR", "Aggregate queries and OFFSET are not supported in Bulk Query")
    if any(not column.field.selectable for column in statement.columns):
        raise Fault(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
    return statement


def _records(org: Org, job: QueryJob, start: int, end: int) -> bytes:
    try:
        with (org.results / job.id).open("rb") as file:
            file.seek(job.offsets[start])
            return file.read(job.offsets[end] - job.offsets[start])
    except FileNotFoundError as error:
        # Deleted or forgotten since it was found.
        raise not_found() from error


def _find(org: Org, call: Call) -> QueryJob:
    org.forget_old_jobs()
    job = org.query_jobs.get(call.path["job_id"])
    if job is None:
        raise not_found()
    return job


def _of_same_version(org: Org, call: Call) -> QueryJob:
    job = _find(org, call)
    if job.version != call.version:
        raise Fault(409, "API_ERROR", f"The job was created with API version {job.version}")
    return job


def _locator(start: int) -> str:
    return f"MTAw{start:x}"


def _position(job: QueryJob, locator: str | None) -> int:
    if locator is None:
        return 0
    digits = locator.removeprefix("MTAw")
    if not re.fullmatch("[0-9a-f]+", digits) or int(digits, 16) > job.row_count:
        raise invalid_locator()
    return int(digits, 16)


ENDPOINTS = (
    Endpoint("bulk_query_create", "POST", "/jobs/query", create),
    Endpoint("bulk_query_list", "GET", "/jobs/query", list_jobs),
    Endpoint("bulk_query_state", "GET", "/jobs/query/{job_id}", show),
    Endpoint("bulk_query_change", "PATCH", "/jobs/query/{job_id}", change_state),
    Endpoint("bulk_query_delete", "DELETE", "/jobs/query/{job_id}", delete),
    Endpoint("bulk_query_results", "GET", "/jobs/query/{job_id}/results", results),
    Endpoint("bulk_query_result_pages", "GET", "/jobs/query/{job_id}/resultPages", result_pages),
)
