"""The lists of Bulk jobs, /jobs/query and /jobs/ingest, page by page, with the filters that the guide names.

Source: Bulk API 2.0 Developer Guide, "Get Information About All Query Jobs" and "... All Ingest Jobs". What a locator
looks like, whether it carries the filters (here the next address repeats them), and what a wrong filter is answered
with, they do not say. Does not belong here: a job on its own.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlencode

from contact_sync.simulator.salesforce.cursors import invalid_locator
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.jobs import IngestJob, Job, QueryJob
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.wire import Call, Reply, json_reply

JOBS_PER_PAGE = 1_000
_RESOURCES = {QueryJob.job_type: "query", IngestJob.job_type: "ingest"}
_FILTERS = {
    "isPkChunkingEnabled": ("true", "false"),
    "jobType": ("BigObjectIngest", "Classic", "V2Ingest", "V2Query"),
    "concurrencyMode": ("parallel", "serial"),
}


def page(org: Org, call: Call, *, job_type: str) -> Reply:
    """Up to 1,000 jobs; those of `job_type` unless another one is asked for."""
    org.forget_old_jobs()
    filters = _filters(call)
    wanted = filters.get("jobType", job_type)
    after = _read(call.query.get("queryLocator", ""))
    left = sorted((job for job in _jobs(org, wanted, filters) if _place(job) > after), key=_place)
    shown = left[:JOBS_PER_PAGE]
    is_done = len(left) == len(shown)
    following = None
    if not is_done:
        parameters = {**filters, "queryLocator": urlsafe_b64encode(_place(shown[-1]).encode()).decode()}
        following = (
            f"{call.base}/jobs/{'ingest' if job_type == IngestJob.job_type else 'query'}?{urlencode(parameters)}"
        )
    records = [job.information() for job in shown]
    return json_reply({"done": is_done, "records": records, "nextRecordsUrl": following})


def _filters(call: Call) -> dict[str, str]:
    found = {}
    for name, allowed in _FILTERS.items():
        asked = call.query.get(name, "")
        known = {one.lower(): one for one in allowed}
        if asked and asked.lower() not in known:
            raise Fault(400, "INVALID_REQUEST", f"{name} '{asked}' is not one of {', '.join(allowed)}")
        if asked:
            found[name] = known[asked.lower()]
    return found


def _jobs(org: Org, job_type: str, filters: dict[str, str]) -> list[Job]:
    """Jobs of Bulk API 2.0 are parallel and cut by the org itself: chunking can be chosen in Bulk API 1 only."""
    if filters.get("isPkChunkingEnabled") == "true" or filters.get("concurrencyMode") == "serial":
        return []
    every: list[Job] = [*org.query_jobs.values(), *org.ingest_jobs.values()]
    return [job for job in every if job.job_type == job_type]


def _place(job: Job) -> str:
    """Where a job is in the list: the order is indeterminate, so it is none that a client could want."""
    return job.id[::-1]


def _read(locator: str) -> str:
    """The place a locator stands for; nothing comes before the empty one."""
    try:
        return urlsafe_b64decode(locator.encode()).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise invalid_locator() from error
