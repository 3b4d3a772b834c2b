"""Bulk API 2.0 ingest jobs: life cycle and results; reading and checking the uploaded CSV is in bulk_upload.py.

A job completes even when all its rows fail; only an upload that cannot be read fails the job.
"""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from collections.abc import Sequence
from typing import Any

from contact_sync.simulator.salesforce import job_list
from contact_sync.simulator.salesforce.allowances import BULK_BATCHES
from contact_sync.simulator.salesforce.bulk_upload import Upload, UploadError, read_upload
from contact_sync.simulator.salesforce.faults import Fault, not_found, unknown_object
from contact_sync.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, TERMINAL, IngestJob, choice
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_OPERATIONS = ("insert", "update", "upsert", "delete")
_MAX_UPLOAD = 150_000_000
_ROWS_PER_BATCH = 10_000


def create(org: Org, call: Call) -> Reply:
    """Open a job; the CSV comes with a request of its own."""
    asked = call.json()
    schema = org.store.schema.visible(str(asked.get("object", "")))
    if schema is None or not schema.deletable:
        raise unknown_object(str(asked.get("object", "")))
    operation = str(asked.get("operation", ""))
    if operation not in _OPERATIONS:
        raise Fault(400, "INVALIDOPERATION", f"Operation '{operation}' is not one of {', '.join(_OPERATIONS)}")
    job = IngestJob(
        id=org.new_job_id(),
        object_name=schema.name,
        operation=operation,
        version=call.version,
        user_id=call.user_id,
        created=org.store.now(),
        delimiter=choice(asked, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=choice(asked, "lineEnding", LINE_ENDINGS, "LF"),
        schema=schema,
        external_id=_external_id(schema, operation, asked),
    )
    org.ingest_jobs[job.id] = job
    org.jobs["ingest"] += 1
    return json_reply(_information(job))


def upload(org: Org, call: Call) -> Reply:
    """Take the CSV of a job; a job takes exactly one."""
    job = _find(org, call)
    if job.state != "Open":
        raise Fault(400, "INVALIDJOBSTATE", f"Data cannot be uploaded to a job in state {job.state}")
    if job.content is not None:
        raise Fault(400, "CLIENT_INPUT_ERROR", "Found multiple contents for the job")
    if len(call.body) > _MAX_UPLOAD:
        raise Fault(413, "REQUEST_ENTITY_TOO_LARGE", f"An upload can hold at most {_MAX_UPLOAD} bytes")
    job.content = call.body
    return Reply(201)


def change_state(org: Org, call: Call) -> Reply:
    """Close the upload, which starts the work, or abort the job."""
    job = _find(org, call)
    asked = str(call.json().get("state", ""))
    if asked not in ("UploadComplete", "Aborted"):
        raise Fault(400, "INVALIDJOBSTATE", f"A job cannot be set to state '{asked}'")
    if job.state in TERMINAL or (asked == "UploadComplete" and job.state != "Open"):
        raise Fault(400, "INVALIDJOBSTATE", f"Setting a job in state {job.state} to {asked} is not allowed")
    if asked == "UploadComplete" and job.content is None:
        raise Fault(400, "INVALIDJOBSTATE", "Upload job data before closing the job")
    job.turn(asked, at=org.store.now())
    body = _information(job)
    if asked == "UploadComplete":
        org.executor.submit(_run, org, job)
    return json_reply(body)


def show(org: Org, call: Call) -> Reply:
    """State and counts of a job."""
    return json_reply(_information(_find(org, call)))


def list_jobs(org: Org, call: Call) -> Reply:
    """Ingest jobs of the org, page by page."""
    return job_list.page(org, call, job_type=IngestJob.job_type)


def delete(org: Org, call: Call) -> Reply:
    """Forget an ended job."""
    job = _find(org, call)
    if job.state not in TERMINAL:
        raise Fault(400, "API_ERROR", f"Cannot delete job in state {job.state}")
    del org.ingest_jobs[job.id]
    return Reply(204)


def results(org: Org, call: Call) -> Reply:
    """One of the three result files; the name is taken in any case."""
    job = _find(org, call)
    listing = _LISTINGS.get(call.path["listing"].lower())
    if listing is None:
        raise not_found()
    body = listing(job, job.upload) if job.upload else ""
    return Reply(200, body.encode(), {"Content-Type": "text/csv"})


def _successful(job: IngestJob, uploaded: Upload) -> str:
    rows = [
        [saved.id, "true" if saved.created else "false", *cells]
        for saved, cells in zip(job.saved, uploaded.cells, strict=False)
        if saved.error is None
    ]
    return _listing(job, ["sf__Id", "sf__Created", *uploaded.columns], rows)


def _failed(job: IngestJob, uploaded: Upload) -> str:
    rows = [
        [saved.id, str(saved.error), *cells]
        for saved, cells in zip(job.saved, uploaded.cells, strict=False)
        if saved.error is not None
    ]
    return _listing(job, ["sf__Id", "sf__Error", *uploaded.columns], rows)


def _unprocessed(job: IngestJob, uploaded: Upload) -> str:
    return _listing(job, uploaded.columns, [list(cells) for cells in uploaded.cells[len(job.saved) :]])


def _listing(job: IngestJob, columns: Sequence[str], rows: list[list[str | None]]) -> str:
    # The order of results is not that of the upload: clients have to join by key.
    random.Random(job.id).shuffle(rows)
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter=DELIMITERS[job.delimiter], lineterminator=LINE_ENDINGS[job.line_ending], quoting=csv.QUOTE_ALL
    )
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _run(org: Org, job: IngestJob) -> None:
    if job.state == "Aborted":
        return
    job.turn("InProgress", at=org.store.now())
    failure = org.disturbances.take_job_failure()
    error = failure.message if failure is not None else None
    try:
        job.upload = read_upload(
            job.content or b"",
            org.store.schema,
            job.schema,
            operation=job.operation,
            delimiter=DELIMITERS[job.delimiter],
            line_ending=LINE_ENDINGS[job.line_ending],
        )
        _write(org, job, job.upload, most_rows=failure.after_rows if failure is not None else None)
    except UploadError as unreadable:
        error = str(unreadable)
    except sqlite3.Error as broken:
        error = f"InternalServerError : {broken}"
    finally:
        job.content = None
    if job.state == "InProgress":
        job.turn("Failed" if error else "JobComplete", at=org.store.now(), error=error)


def _write(org: Org, job: IngestJob, uploaded: Upload, *, most_rows: int | None) -> None:
    end = len(uploaded.cells) if most_rows is None else min(most_rows, len(uploaded.cells))
    for start in range(0, end, _ROWS_PER_BATCH):
        if job.state == "Aborted":
            return
        rows = uploaded.rows(start, min(start + _ROWS_PER_BATCH, end))
        org.jobs["ingest_batch"] += 1
        org.usage.note(BULK_BATCHES)
        if job.operation == "insert":
            saved = org.writer.insert(job.schema.name, rows, user_id=job.user_id)
        elif job.operation == "update":
            saved = org.writer.update(job.schema.name, rows, user_id=job.user_id)
        elif job.operation == "upsert":
            key = str(job.external_id)
            saved = org.writer.upsert(job.schema.name, key, rows, user_id=job.user_id)
        else:
            ids = [str(row.get("Id") or "") for row in rows]
            saved = org.writer.delete(job.schema.name, ids, user_id=job.user_id)
        job.saved += saved


def _external_id(schema: ObjectSchema, operation: str, asked: dict[str, Any]) -> str | None:
    name = asked.get("externalIdFieldName")
    if operation != "upsert":
        return None
    field = schema.find(str(name or ""))
    if field is None or not (field.external_id or field.name == "Id"):
        message = f"Field name provided, {name} does not match an External ID for {schema.name}"
        raise Fault(400, "INVALIDJOB", f"InvalidJob : {message}")
    return field.name


def _information(job: IngestJob) -> dict[str, Any]:
    return {
        **job.information(),
        "externalIdFieldName": job.external_id,
        "contentUrl": f"services/data/v{job.version}/jobs/ingest/{job.id}/batches",
        "numberRecordsProcessed": len(job.saved),
        "numberRecordsFailed": sum(1 for saved in job.saved if saved.error is not None),
        "retries": job.retries,
        "totalProcessingTime": job.processing_milliseconds,
        "apiActiveProcessingTime": job.processing_milliseconds,
        "apexProcessingTime": 0,
    }


def _find(org: Org, call: Call) -> IngestJob:
    org.forget_old_jobs()
    job = org.ingest_jobs.get(call.path["job_id"])
    if job is None:
        raise not_found()
    return job


_LISTINGS = {"successfulresults": _successful, "failedresults": _failed, "unprocessedrecords": _unprocessed}

ENDPOINTS = (
    Endpoint("bulk_ingest_create", "POST", "/jobs/ingest", create, is_write=True),
    Endpoint("bulk_ingest_list", "GET", "/jobs/ingest", list_jobs),
    Endpoint("bulk_ingest_state", "GET", "/jobs/ingest/{job_id}", show),
    Endpoint("bulk_ingest_change", "PATCH", "/jobs/ingest/{job_id}", change_state, is_write=True),
    Endpoint("bulk_ingest_delete", "DELETE", "/jobs/ingest/{job_id}", delete, is_write=True),
    Endpoint("bulk_ingest_upload", "PUT", "/jobs/ingest/{job_id}/batches", upload, is_write=True),
    Endpoint("bulk_ingest_results", "GET", "/jobs/ingest/{job_id}/{listing}", results),
)
