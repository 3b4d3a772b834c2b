"""One Salesforce org as its API sees it: records, sessions, jobs, cursors, limits and counters.

State only; what a request does with it is in rest.py, bulk_query.py and bulk_ingest.py.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from contact_sync.simulator.salesforce.allowances import API_REQUESTS, Limits, Usage
from contact_sync.simulator.salesforce.cursors import Cursors
from contact_sync.simulator.salesforce.disturbances import Disturbances
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.few_records import few_records
from contact_sync.simulator.salesforce.ids import make_id, pod_of
from contact_sync.simulator.salesforce.jobs import INGEST_FILES, JOB_LIFETIME, IngestJob, QueryJob
from contact_sync.simulator.salesforce.more_objects import custom_objects, standard_objects
from contact_sync.simulator.salesforce.objects import OBJECTS, ORGANIZATION, USER
from contact_sync.simulator.salesforce.records import RecordWriter
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.sessions import Sessions
from contact_sync.simulator.salesforce.store import Store, timestamp

_FEW = 5
USERS = ("integration", "rep.one", "rep.two", "rep.three", "admin")


class Org:
    """Everything one org knows."""

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        clock: Callable[[], datetime],
        client_id: str | None = None,
        client_secret: str | None = None,
        page_size: int = 5_000,
        object_types: int = 0,
        features: Features | None = None,
    ) -> None:
        self.name = name
        self.page_size = page_size
        self.limits = Limits()
        self.usage = Usage(clock)
        self.disturbances = Disturbances()
        self.requests: Counter[str] = Counter()
        self.subrequests: Counter[str] = Counter()
        self.jobs: Counter[str] = Counter()
        self.client_names: Counter[tuple[str, str | None]] = Counter()
        shutil.rmtree(directory, ignore_errors=True)
        self.results = directory / "results"
        self.results.mkdir(parents=True)
        more = _more_objects(object_types)
        features = features or Features()
        objects = features.extend([*OBJECTS.values(), *more], pod=pod_of(name))
        self.store = Store(directory / "records.sqlite", instance=name, clock=clock, objects=objects)
        for schema in (self.store.schema.known(one.name) for one in more):
            self.store.load(schema.name, few_records(schema, instance=name, count=_FEW, as_of=clock()))
        features.load(self.store)
        self.features = features
        self.writer = RecordWriter(
            self.store,
            duplicate_rule=features.duplicate_rule,
            validation_rules=features.validation_rules,
            refusals=self.disturbances.rows,
        )
        self.organization_id = make_id(ORGANIZATION.key_prefix, pod_of(name), 1)
        self.user_ids = dict(zip(USERS, self.store.new_ids("User", len(USERS)), strict=True))
        self.sessions = Sessions(
            organization_id=self.organization_id,
            client_id=client_id or f"3MVG9{secrets.token_urlsafe(40)}",
            client_secret=client_secret or secrets.token_hex(32).upper(),
            integration_user_id=self.user_ids["integration"],
        )
        self.query_jobs: dict[str, QueryJob] = {}
        self.ingest_jobs: dict[str, IngestJob] = {}
        self.executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"salesforce-{name}-job")
        self.cursors = Cursors(self.store, directory / "cursors", pod=pod_of(name))
        self._job_number = 0
        self._forgetting = threading.Lock()
        self._load_itself()

    def close(self) -> None:
        """Wait for running jobs and close the records."""
        self.executor.shutdown(wait=True, cancel_futures=True)
        self.store.close()

    def new_job_id(self) -> str:
        """An id for a Bulk job."""
        self._job_number += 1
        return make_id("750", pod_of(self.name), self._job_number)

    def forget_old_jobs(self) -> None:
        """Drop the jobs whose seven days are over, with their results."""
        oldest = timestamp(self.store.clock() - JOB_LIFETIME)
        with self._forgetting:
            for job_id in (*_older(self.query_jobs, oldest), *_older(self.ingest_jobs, oldest)):
                self.forget_job(job_id)

    def forget_job(self, job_id: str) -> None:
        """Drop a job with its results."""
        self.query_jobs.pop(job_id, None)
        if (job := self.ingest_jobs.pop(job_id, None)) is not None:
            for kind in INGEST_FILES:
                job.file(self.results, kind).unlink(missing_ok=True)
        (self.results / job_id).unlink(missing_ok=True)

    def forget_everything(self) -> None:
        """Lose all jobs with their results, and all cursors."""
        with self._forgetting:
            for job_id in (*self.query_jobs, *self.ingest_jobs):
                self.forget_job(job_id)
        self.cursors.forget_all()

    def count_request(self, kind: str, times: int = 1) -> None:
        """Count requests of a kind against the daily allowance."""
        self.requests[kind] += times
        self.usage.note(API_REQUESTS, times)

    @property
    def api_usage(self) -> int:
        """Requests of the last 24 hours that count against the daily allowance."""
        return self.usage.of(API_REQUESTS)

    @property
    def usage_header(self) -> str:
        """`Sforce-Limit-Info`, with the form for one application where the org has such limits."""
        usage = f"api-usage={self.api_usage}/{self.limits.api_requests}"
        if self.limits.per_application is None:
            return usage
        return f"{usage}; per-app-api-usage={self.api_usage}/{self.limits.per_application}(appName=contact_sync)"

    def check_api_limit(self) -> None:
        """Refuse a request when the daily allowance is used up."""
        if self.api_usage > self.limits.api_requests:
            raise Fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def _load_itself(self) -> None:
        stamp = timestamp(self.store.clock())
        names = [f"{name}@{self.name}.example" for name in self.user_ids]
        created = [stamp] * len(names)
        self.store.load(
            USER.name,
            {
                "Id": list(self.user_ids.values()),
                "Username": names,
                "Name": [name.replace(".", " ").title() for name in self.user_ids],
                "Email": names,
                "IsActive": [1] * len(names),
                "CreatedDate": created,
                "LastModifiedDate": created,
                "SystemModstamp": created,
            },
        )
        self.store.load(
            ORGANIZATION.name,
            {
                "Id": [self.organization_id],
                "Name": [f"Contact Sync {self.name.title()}"],
                "IsSandbox": [1],
                "InstanceName": [f"SIM{pod_of(self.name)}"],
                "OrganizationType": ["Developer Edition"],
            },
        )
        for name, user_id in zip(names, self.user_ids.values(), strict=True):
            self.sessions.register_user(name, user_id)


def _older(jobs: Mapping[str, QueryJob | IngestJob], than: str) -> list[str]:
    """The ids of the jobs made before a time; jobs are kept in the order in which they were made."""
    return [job.id for job in takewhile(lambda one: one.created < than, list(jobs.values()))]


def _more_objects(object_types: int) -> list[ObjectSchema]:
    """Objects beside those of the population until there are so many types: standard ones first, then custom ones."""
    wanted = max(object_types - len(OBJECTS), 0)
    standard = list(standard_objects())[:wanted]
    return [*standard, *custom_objects(wanted - len(standard))]
