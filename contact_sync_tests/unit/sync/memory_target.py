"""A target in memory that keeps the promises of the port: a job has no effect before it is started, and keeps its
results; and a bench on which plans are applied to it.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import CLEAR, JobState, Operation, Refusal, WriteResult
from contact_sync.errors import RequestRefusedError
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import WriteLedger
from contact_sync.sync.apply import Applier, ApplyReport
from contact_sync.sync.jobs import WriteJobs
from contact_sync.sync.plan import PLAN_SCHEMA
from contact_sync_tests.unit.sync.two_sides import CATALOG

EXTERNAL_ID = "Contact_Sync_Key__c"
OBJECTS = {
    f"salesforce__{name.lower()}": CatalogObject(
        source="salesforce",
        connector="salesforce",
        object=name,
        description="",
        owner="x",
        key="Id",
        cursor="SystemModstamp",
    )
    for name in ("Account", "Contact")
}
Write = tuple[str, str, dict[str, str]]
"""(stage, row key, values) of one row of a plan."""


@dataclass
class Job:
    """A job, its rows and what became of them."""

    object_name: str
    operation: Operation
    key: str
    state: JobState = JobState.OPEN
    rows: list[dict[str, str | None]] = field(default_factory=list)
    results: list[WriteResult] = field(default_factory=list)


class MemoryTarget:
    """Records by id; see Target. `refusals`: row key -> code; `lost`: row keys left unprocessed the first time."""

    def __init__(self, seed: int = 0) -> None:
        self.records: dict[str, dict[str, str | None]] = {}
        self.writes: Counter[str] = Counter()
        self.jobs: dict[str, Job] = {}
        self.refusals: dict[str, str] = {}
        self.lost: set[str] = set()
        self.forgotten: set[str] = set()
        self._random = random.Random(seed)

    def create_job(self, object_name: str, operation: Operation, *, key: str) -> str:
        """An open job."""
        job_id = f"750{len(self.jobs)}"
        self.jobs[job_id] = Job(object_name, operation, key)
        return job_id

    def upload(self, job_id: str, rows: pa.Table) -> None:
        """Rows first, then the start: a crash can come between."""
        self.send(job_id, rows)
        self.start(job_id)

    def send(self, job_id: str, rows: pa.Table) -> None:
        """Take the rows; nothing happens yet."""
        self.jobs[job_id].rows = rows.to_pylist()

    def start(self, job_id: str) -> None:
        """Do it."""
        job = self.jobs[job_id]
        job.results = [self._write(job, row) for row in job.rows]
        self._random.shuffle(job.results)
        job.state = JobState.FINISHED

    def wait(self, job_id: str, *, timeout_seconds: float) -> JobState:
        """Jobs end at once."""
        return self.job_state(job_id)

    def job_state(self, job_id: str) -> JobState:
        """Where it stands; JOB_GONE if it was forgotten."""
        if job_id in self.forgotten:
            raise RequestRefusedError(f"core does not keep job {job_id} any more.", code="JOB_GONE")
        return self.jobs[job_id].state

    def abort(self, job_id: str) -> None:
        """Give it up."""
        self.jobs[job_id].state = JobState.ABORTED

    def results(self, job_id: str, *, key: str) -> Iterator[WriteResult]:
        """In no order."""
        assert key == self.jobs[job_id].key
        yield from self.jobs[job_id].results

    def count(self, object_name: str) -> int:
        """All records are of the one object that is asked for."""
        return len(self.records)

    def _write(self, job: Job, row: dict[str, str | None]) -> WriteResult:
        key = row[job.key] or ""
        if key in self.lost:
            self.lost.remove(key)
            return WriteResult(key=key, record_id=None, is_created=False, refusal=None)
        if key in self.refusals:
            refusal = Refusal(code=self.refusals[key], message=f"value {row} is not wanted")
            return WriteResult(key=key, record_id=None, is_created=False, refusal=refusal)
        record_id = key
        if job.operation is Operation.UPSERT:
            known = [one for one, values in self.records.items() if values.get(job.key) == key]
            record_id = known[0] if known else f"new-{key}"
        is_created = record_id not in self.records
        record = self.records.setdefault(record_id, {})
        record |= {name: None if value == CLEAR else value for name, value in row.items() if value is not None}
        self.writes[record_id] += 1
        return WriteResult(key=key, record_id=record_id, is_created=is_created, refusal=None)


class ApplyBench:
    """Plans applied to a target in memory, with a real ledger."""

    def __init__(self, seed: int = 0) -> None:
        self.target = MemoryTarget(seed)
        self.database = StateDatabase("sqlite://")
        self.ledger = WriteLedger(self.database)

    def apply(self, rows: pa.Table, plan_id: str = "plan-1") -> ApplyReport:
        """Apply plan rows, as a new process does."""
        applier = Applier(
            WriteJobs(
                target=self.target, instance="core", ledger=self.ledger, entities=CATALOG.entities, objects=OBJECTS
            )
        )
        return applier.apply(rows, plan_id)

    def close(self) -> None:
        """Give the connection back."""
        self.database.close()


def plan_of(*writes: Write, plan_id: str = "plan-1", entity: str = "contact") -> pa.Table:
    """Rows of a plan."""
    rows: list[dict[str, Any]] = [
        {
            "plan_id": plan_id,
            "plan_row_id": f"{plan_id}/{entity}/{stage}/{row_key}",
            "entity": entity,
            "stage": stage,
            "object_name": f"salesforce__{entity}",
            "instance": "core",
            "golden_key": row_key,
            "record_id": None if stage == "create" else row_key,
            "row_key": row_key,
            "before": "{}",
            "after": json.dumps(after, sort_keys=True),
            "value_hash": str(sorted(after.items())),
        }
        for stage, row_key, after in writes
    ]
    return pa.Table.from_pylist(rows, PLAN_SCHEMA)
