"""Requests about Bulk API 2.0 ingest jobs: their life cycle, their upload and their results.

What a job does is in bulk_load.py, reading and checking the uploaded CSV in bulk_upload.py. Assignment rules are taken
note of and have no effect.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contact_sync.simulator.salesforce import job_list
from contact_sync.simulator.salesforce.bulk_load import LISTINGS, run
from contact_sync.simulator.salesforce.faults import Fault, not_found, unknown_object
from contact_sync.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, TERMINAL, IngestJob, choice
from contact_sync.simulator.salesforce.multipart import parts
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_MOST_CHARACTERS_OF_PART = 100_000
_NO_HARD_DELETE = (
    "hardDelete operation requires special user profile permission, please contact your system administrator"
)


def create(org: Org, call: Call) -> Reply:
    """Open a job, to which the CSV comes with a request of its own; with a part for it, it is closed at once."""
    content_type = call.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/form-data"):
        return json_reply(_information(_opened(org, call, call.json())))
    found = parts(call.body, content_type)
    if not {"job", "content"} <= found.keys():
        raise Fault(400, "INVALID_REQUEST", "A multipart request has a part named job and one named content")
    if len(found["content"].decode("utf-8", "replace")) > _MOST_CHARACTERS_OF_PART:
        raise Fault(400, "INVALID_REQUEST", f"The content can have at most {_MOST_CHARACTERS_OF_PART} characters")
    job = _opened(org, call, replace(call, body=found["job"]).json())
    job.file(org.results, "upload").write_bytes(found["content"])
    job.turn("UploadComplete", at=org.store.now())
    body = _information(job)
    job.work = org.executor.submit(run, org, job)
    return json_reply(body)


def _opened(org: Org, call: Call, asked: dict[str, Any]) -> IngestJob:
    schema = org.store.schema.visible(str(asked.get("object", "")))
    if schema is None or not schema.deletable:
        raise unknown_object(str(asked.get("object", "")))
    operation = str(asked.get("operation", ""))
    if operation not in _OPERATIONS:
        raise Fault(400, "INVALIDOPERATION", f"Operation '{operation}' is not one of {', '.join(_OPERATIONS)}")
    if operation == "hardDelete" and not org.features.hard_delete:
        raise Fault(400, "FEATURENOTENABLED", _NO_HARD_DELETE)
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
        assignment_rule_id=asked.get("assignmentRuleId"),
    )
    org.ingest_jobs[job.id] = job
    org.jobs["ingest"] += 1
    return job


def upload(org: Org, call: Call) -> Reply:
    """Take the CSV of a job; a job takes exactly one."""
    job = _find(org, call)
    if job.state != "Open":
        raise Fault(400, "INVALIDJOBSTATE", f"Data cannot be uploaded to a job in state {job.state}")
    file = job.file(org.results, "upload")
    if file.exists():
        raise Fault(400, "CLIENT_INPUT_ERROR", "Found multiple contents for the job")
    if len(call.body) > org.limits.upload_bytes * 3 // 4:
        message = f"An upload can hold at most {org.limits.upload_bytes} bytes after base64, which adds a third"
        raise Fault(413, "REQUEST_ENTITY_TOO_LARGE", message)
    file.write_bytes(call.body)
    return Reply(201)


def change_state(org: Org, call: Call) -> Reply:
    """Close the upload, which starts the work, or abort the job."""
    job = _find(org, call)
    asked = str(call.json().get("state", ""))
    if asked not in ("UploadComplete", "Aborted"):
        raise Fault(400, "INVALIDJOBSTATE", f"A job cannot be set to state '{asked}'")
    if job.state in TERMINAL or (asked == "UploadComplete" and job.state != "Open"):
        raise Fault(400, "INVALIDJOBSTATE", f"Setting a job in state {job.state} to {asked} is not allowed")
    if asked == "UploadComplete" and not job.file(org.results, "upload").exists():
        raise Fault(400, "INVALIDJOBSTATE", "Upload job data before closing the job")
    job.turn(asked, at=org.store.now())
    body = _information(job)
    if job.file(org.results, "upload").exists() and (job.work is None or job.work.done()):
        job.work = org.executor.submit(run, org, job)
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
    org.forget_job(job.id)
    return Reply(204)


def results(org: Org, call: Call) -> Reply:
    """One of the three result files; the name is taken in any case."""
    job = _find(org, call)
    listing = call.path["listing"].lower()
    if listing not in LISTINGS:
        raise not_found()
    if job.state not in TERMINAL:
        return Reply(200, b"", {"Content-Type": "text/csv"})
    if job.work is not None:
        job.work.result()
    file = job.file(org.results, listing)
    body = file.read_bytes() if file.exists() else b""
    return Reply(200, body, {"Content-Type": "text/csv"})


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
        **({"assignmentRuleId": job.assignment_rule_id} if job.assignment_rule_id else {}),
        "externalIdFieldName": job.external_id,
        "contentUrl": f"services/data/v{job.version}/jobs/ingest/{job.id}/batches",
        "numberRecordsProcessed": job.processed,
        "numberRecordsFailed": job.failed,
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


ENDPOINTS = (
    Endpoint("bulk_ingest_create", "POST", "/jobs/ingest", create, is_write=True),
    Endpoint("bulk_ingest_list", "GET", "/jobs/ingest", list_jobs),
    Endpoint("bulk_ingest_state", "GET", "/jobs/ingest/{job_id}", show),
    Endpoint("bulk_ingest_change", "PATCH", "/jobs/ingest/{job_id}", change_state, is_write=True),
    Endpoint("bulk_ingest_delete", "DELETE", "/jobs/ingest/{job_id}", delete, is_write=True),
    Endpoint("bulk_ingest_upload", "PUT", "/jobs/ingest/{job_id}/batches", upload, is_write=True),
    Endpoint("bulk_ingest_results", "GET", "/jobs/ingest/{job_id}/{listing}", results),
)
