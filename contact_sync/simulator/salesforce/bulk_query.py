"""Bulk API 2.0 query jobs: a job takes a snapshot into a file, pages are slices of that file.

So any page may be read again as long as the job exists, whatever is written in between.
"""

from __future__ import annotations

import csv
import gzip
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from contact_sync.simulator.salesforce.faults import Fault, not_found
from contact_sync.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, TERMINAL, QueryJob, choice
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.soql import Query, Statement, compile_query, parse
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_PAGES_PER_LISTING = 5
_ROWS_PER_FETCH = 5_000


def create(org: Org, call: Call) -> Reply:
    """Check the query, start the job and answer before it has run."""
    asked = call.json()
    operation = str(asked.get("operation", ""))
    if operation not in ("query", "queryAll"):
        raise Fault(400, "INVALIDOPERATION", f"Operation '{operation}' is not supported by query jobs")
    if org.jobs["query"] >= org.limits.bulk_query_jobs:
        message = f"Max bulk v2 query jobs ({org.limits.bulk_query_jobs}) per 24 hrs has been reached"
        raise Fault(400, "LIMIT_EXCEEDED", message)
    parsed = parse(str(asked.get("query", "")))
    job = QueryJob(
        org.new_job_id(),
        operation,
        call.version,
        _statement(org, parsed, include_deleted=operation == "queryAll"),
        call.user_id,
        org.store.now(),
        choice(asked, "columnDelimiter", DELIMITERS, "COMMA"),
        choice(asked, "lineEnding", LINE_ENDINGS, "LF"),
        is_chunkable=not parsed.order_by and parsed.limit is None,
    )
    org.query_jobs[job.id] = job
    org.jobs["query"] += 1
    body = _information(job)
    org.executor.submit(_run, org, job)
    return json_reply(body)


def show(org: Org, call: Call) -> Reply:
    """State and counts of a job."""
    job = _find(org, call)
    finished = {"numberRecordsProcessed": job.row_count, "retries": 0, "totalProcessingTime": 1}
    return json_reply({**_information(job), "isPkChunkingSupported": job.is_chunkable, **finished})


def list_jobs(org: Org, call: Call) -> Reply:  # noqa: ARG001 - every handler takes the call
    """All query jobs of the org, newest first."""
    org.forget_old_jobs()
    records = [_information(job) for job in reversed(org.query_jobs.values())]
    return json_reply({"done": True, "nextRecordsUrl": None, "records": records[:1_000]})


def change_state(org: Org, call: Call) -> Reply:
    """Abort a job that has not ended."""
    job = _find(org, call)
    if call.json().get("state") != "Aborted":
        raise Fault(400, "INVALIDJOBSTATE", "The only state a query job can be set to is Aborted")
    if job.state in TERMINAL:
        raise Fault(400, "INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
    job.state = "Aborted"
    return json_reply(_information(job))


def delete(org: Org, call: Call) -> Reply:
    """Forget an ended job and its result."""
    job = _find(org, call)
    if job.state not in TERMINAL:
        raise Fault(400, "API_ERROR", f"Cannot delete job in state {job.state}")
    del org.query_jobs[job.id]
    (org.results / job.id).unlink(missing_ok=True)
    return Reply(204)


def results(org: Org, call: Call) -> Reply:
    """One page of the result: a header row and whole records, with the locator of the next page."""
    job = _complete(org, call)
    start = _position(job, call.query.get("locator"))
    asked = call.query.get("maxRecords", str(org.page_size))
    if not asked.isdigit() or int(asked) < 1:
        raise Fault(400, "INVALID_REQUEST", "maxRecords must be a positive number")
    # What a client asks for is a maximum: the service may choose smaller pages.
    end = min(start + min(int(asked), org.page_size), job.row_count)
    sent_end = end - 1 if end > start and org.disturbances.take_short_page() else end
    with (org.results / job.id).open("rb") as file:
        file.seek(job.offsets[start])
        body = _header(job) + file.read(job.offsets[sent_end] - job.offsets[start])
    headers = {
        "Content-Type": "text/csv",
        "Sforce-NumberOfRecords": str(end - start),
        "Sforce-Locator": "null" if end >= job.row_count else _locator(end),
    }
    if "gzip" in call.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    if org.disturbances.take_cut_body():
        headers["Content-Length"] = str(len(body))
        body = body[: len(body) // 2]
    return Reply(200, body, headers)


def result_pages(org: Org, call: Call) -> Reply:
    """Addresses of the pages, so that they can be fetched side by side."""
    if not org.limits.result_pages:
        raise not_found()
    job = _complete(org, call)
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


def _statement(org: Org, parsed: Query, *, include_deleted: bool) -> Statement:
    statement = compile_query(parsed, org.store.schema, include_deleted=include_deleted, now=org.store.clock())
    if not statement.object.bulk:
        raise Fault(400, "INVALIDENTITY", f"Entity '{statement.object.name}' is not supported by the Bulk API.")
    if parsed.is_count or parsed.offset is not None:
        raise Fault(400, "API_ERROR", "Aggregate queries and OFFSET are not supported in Bulk Query")
    if any(not column.field.selectable for column in statement.columns):
        raise Fault(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
    return statement


def _run(org: Org, job: QueryJob) -> None:
    if job.state == "Aborted":
        return
    job.state = "InProgress"
    if org.disturbances.take_stuck_job():
        return
    failure = org.disturbances.take_job_failure()
    if failure is not None:
        job.state, job.error = "Failed", failure
        return
    try:
        _take_snapshot(org, job)
    except (sqlite3.Error, OSError) as error:
        job.state, job.error = "Failed", f"InternalServerError: {error}"


def _take_snapshot(org: Org, job: QueryJob) -> None:
    with (org.results / job.id).open("wb") as file:
        position = 0
        for lines in _lines(org, job):
            for line in lines:
                position += len(line)
                job.offsets.append(position)
            file.writelines(lines)
            if job.state == "Aborted":
                return
    if org.limits.rows_in_time is not None and job.row_count > org.limits.rows_in_time:
        job.state, job.error = "Failed", "InternalServerError : Retried more than fifteen times. Filter the query."
        return
    job.state = "JobComplete"


def _lines(org: Org, job: QueryJob) -> Iterator[list[bytes]]:
    flags = [at for at, column in enumerate(job.statement.columns) if column.field.type == "boolean"]
    with org.store.reading() as connection:
        found = connection.execute(job.statement.sql, job.statement.parameters)
        while rows := found.fetchmany(_ROWS_PER_FETCH):
            yield _csv(job, [_with_flags(row, flags) for row in rows])


def _with_flags(row: tuple[Cell, ...], flags: list[int]) -> list[Cell]:
    cells = list(row)
    for at in flags:
        cells[at] = None if cells[at] is None else "true" if cells[at] else "false"
    return cells


class _Lines(list[str]):
    """A list that csv.writer can write into: one item for each record."""

    write = list.append


def _csv(job: QueryJob, rows: list[list[Cell]]) -> list[bytes]:
    lines = _Lines()
    delimiter, ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
    csv.writer(lines, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return [line.encode() for line in lines]


def _header(job: QueryJob) -> bytes:
    return _csv(job, [[column.name for column in job.statement.columns]])[0]


def _information(job: QueryJob) -> dict[str, Any]:
    information: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.statement.object.name,
        "createdById": job.user_id,
        "createdDate": job.created.replace("Z", "+0000"),
        "systemModstamp": job.created.replace("Z", "+0000"),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "jobType": "V2Query",
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }
    if job.error:
        information["errorMessage"] = job.error
    return information


def _find(org: Org, call: Call) -> QueryJob:
    org.forget_old_jobs()
    job = org.query_jobs.get(call.path["job_id"])
    if job is None:
        raise not_found()
    return job


def _complete(org: Org, call: Call) -> QueryJob:
    job = _find(org, call)
    if job.version != call.version:
        raise Fault(409, "API_ERROR", f"The job was created with API version {job.version}")
    if job.state != "JobComplete":
        raise Fault(400, "INVALIDJOBSTATE", f"Job is not complete, its state is {job.state}")
    return job


def _locator(start: int) -> str:
    return f"MTAw{start:x}"


def _position(job: QueryJob, locator: str | None) -> int:
    if locator is None:
        return 0
    digits = locator.removeprefix("MTAw")
    if not re.fullmatch("[0-9a-f]+", digits) or int(digits, 16) > job.row_count:
        raise Fault(400, "INVALID_QUERY_LOCATOR", "The locator is not one of this job")
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
