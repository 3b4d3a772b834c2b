"""A target in memory that keeps the promises of the port: a job has no effect before it is started, and keeps its
results; and a bench on which plans are applied to it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from contact_sync.catalog import CatalogObject, Entity
from contact_sync.connectors.retry import Clock
from contact_sync.connectors.salesforce import kept
from contact_sync.connectors.target import (
    CHANGED_MEANWHILE,
    CLEAR,
    PRESENT,
    REPLY_LOST,
    RESULT,
    JobState,
    JobStatus,
    Operation,
    Prepared,
)
from contact_sync.errors import RequestRefusedError
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import Lane, WriteLedger
from contact_sync.sync.apply import Applier, ApplyReport
from contact_sync.sync.plan_table import Stage, after, before, plan_schema, written_fields
from contact_sync_tests.unit.sync.small_catalog import CATALOG

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
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


@dataclass(frozen=True)
class Result:
    """What became of one row; see RESULT."""

    key: str
    record_id: str | None = None
    is_created: bool = False
    code: str | None = None
    message: str | None = None


@dataclass
class Job:
    """A job, its rows and what became of them."""

    object_name: str
    operation: Operation
    key: str
    state: JobState = JobState.OPEN
    rows: list[dict[str, str | None]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    created_at: datetime = NOW


class MemoryTarget:
    """Records by id; see Target.

    refusals: row key -> code, for ever; passing: row key -> how often it is locked before it is taken; lost: row keys
    left unprocessed the first time. lost_replies: how many of the next writes at once have their effect, but no reply;
    lost_requests: how many have neither.
    """

    def __init__(self, seed: int = 0) -> None:
        self.records: dict[str, dict[str, str | None]] = {}
        self.writes: Counter[str] = Counter()
        self.modified: dict[str, tuple[datetime, str]] = {}
        self.jobs: dict[str, Job] = {}
        self.refusals: dict[str, str] = {}
        self.passing: Counter[str] = Counter()
        self.lost: set[str] = set()
        self.forgotten: set[str] = set()
        self.hopeless: set[str] = set()
        self.lost_replies = self.lost_requests = 0
        self.direct_calls: list[tuple[Operation, int]] = []
        self.most_rows = 1_000_000
        self.now = NOW
        self._random = random.Random(seed)

    def prepare(self, object_name: str, rows: pa.Table, *, key: str) -> Prepared:
        """Every field is text."""
        return kept.prepare(rows, {}, key=key)

    def rows_that_fit(self, rows: pa.Table) -> int:
        """So many."""
        return min(rows.num_rows, self.most_rows)

    def create_job(self, object_name: str, operation: Operation, *, key: str) -> str:
        """An open job."""
        job_id = f"750{len(self.jobs)}"
        self.jobs[job_id] = Job(object_name, operation, key)
        return job_id

    def orphans(self, object_name: str, operation: Operation, since: datetime) -> tuple[str, ...]:
        """Open jobs of that kind."""
        return tuple(
            name
            for name, job in self.jobs.items()
            if (job.object_name, job.operation, job.state) == (object_name, operation, JobState.OPEN)
            and job.created_at >= since
        )

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
        is_hopeless = job.operation.value in self.hopeless
        job.results = [Result(row[job.key] or "") if is_hopeless else self._write(job, row) for row in job.rows]
        self._random.shuffle(job.results)
        job.state = JobState.FAILED if is_hopeless else JobState.FINISHED

    def wait(self, job_id: str, *, timeout_seconds: float) -> JobStatus:
        """Jobs end at once."""
        return self.job_status(job_id)

    def job_status(self, job_id: str) -> JobStatus:
        """Where it stands; JOB_GONE if it was forgotten."""
        if job_id in self.forgotten:
            raise RequestRefusedError(f"core does not keep job {job_id} any more.", code="JOB_GONE")
        job = self.jobs[job_id]
        return JobStatus(
            state=job.state,
            code="InvalidBatch" if job.state is JobState.FAILED else "",
            is_hopeless=job.state is JobState.FAILED,
            processed=sum(one.record_id is not None or one.code is not None for one in job.results),
            refused=sum(one.code is not None for one in job.results),
        )

    def abort(self, job_id: str) -> None:
        """Give it up."""
        self.jobs[job_id].state = JobState.ABORTED

    def results(self, job_id: str, *, key: str) -> Iterator[pa.Table]:
        """In no order."""
        assert key == self.jobs[job_id].key
        yield results_table(self.jobs[job_id].results)

    def write(
        self, object_name: str, operation: Operation, rows: pa.Table, *, key: str, unchanged_since: Any = None
    ) -> pa.Table:
        """Write at once, unless the record has changed since."""
        self.direct_calls.append((operation, rows.num_rows))
        if self.lost_requests:
            self.lost_requests -= 1
            return results_table([Result(str(one), code=REPLY_LOST, message="") for one in rows[key].to_pylist()])
        job = Job(object_name, operation, key)
        times = unchanged_since.to_pylist() if unchanged_since is not None else [None] * rows.num_rows
        results = [
            Result(row[key], code=CHANGED_MEANWHILE, message="")
            if time is not None and self.modified.get(row[key], (time, ""))[0] > time
            else self._write(job, row)
            for row, time in zip(rows.to_pylist(), times, strict=True)
        ]
        if self.lost_replies:
            self.lost_replies -= 1
            results = [Result(one.key, code=REPLY_LOST, message="") for one in results]
        return results_table(results)

    def find(self, object_name: str, keys: Collection[str], *, key: str, fields: Collection[str]) -> pa.Table:
        """Records by id or by the value of a field."""
        named = {(one if key == "Id" else str(values.get(key))): one for one, values in self.records.items()}
        rows = []
        for name in sorted(set(keys) & named.keys()):
            modified_at, modified_by = self.modified.get(named[name], (NOW - timedelta(days=1), "user"))
            is_new = named[name].startswith("new-")
            present = [name, named[name], modified_at if is_new else NOW - timedelta(days=9)]
            present += [modified_by if is_new else "user", modified_at, modified_by]
            rows.append(present + [self.records[named[name]].get(one) for one in fields])
        schema = pa.schema([*PRESENT, *(pa.field(name, pa.string()) for name in fields)])
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        return pa.table([pa.array(one, kind.type) for one, kind in zip(columns, schema, strict=True)], schema=schema)

    def time(self) -> datetime:
        """The time that a test has set."""
        return self.now

    def user_id(self) -> str:
        """Us."""
        return "us"

    def count(self, object_name: str) -> int:
        """All records are of the one object that is asked for."""
        return len(self.records)

    def close(self) -> None:
        """There is nothing to give back."""

    def _write(self, job: Job, row: dict[str, str | None]) -> Result:
        key = row[job.key] or ""
        if key in self.lost:
            self.lost.remove(key)
            return Result(key)
        if self.passing[key]:
            self.passing[key] -= 1
            return Result(key, code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access")
        if key in self.refusals:
            return Result(key, code=self.refusals[key], message=f"value {row} is not wanted")
        record_id = key
        if job.operation is Operation.UPSERT:
            known = [one for one, values in self.records.items() if values.get(job.key) == key]
            record_id = known[0] if known else f"new-{key}"
        is_created = record_id not in self.records
        record = self.records.setdefault(record_id, {})
        record |= {name: None if value == CLEAR else value for name, value in row.items() if value is not None}
        self.writes[record_id] += 1
        self.modified[record_id] = (self.now, "us")
        return Result(key, record_id, is_created)


def results_table(results: Sequence[Result]) -> pa.Table:
    """A table of RESULT."""
    return pa.Table.from_pylist([vars(one) for one in results], RESULT)


class ApplyBench:
    """Plans applied to a target in memory, with a real ledger.

    lane: what writes are made by, whatever their number; None leaves it to the rows' number.
    """

    def __init__(self, seed: int = 0, lane: Lane | None = Lane.BULK, **target_rules: Any) -> None:
        self.target = MemoryTarget(seed)
        self.database = StateDatabase("sqlite://")
        self.ledger = WriteLedger(self.database)
        self.slept: list[float] = []
        self.entities = ruled(lane, **target_rules)

    def apply(self, rows: pa.Table, plan_id: str = "plan-1") -> ApplyReport:
        """Apply plan rows, as a new process does."""
        applier = Applier(
            target=self.target,
            instance="core",
            ledger=self.ledger,
            entities=self.entities,
            objects=OBJECTS,
            now=lambda: self.target.now,
            clock=Clock(sleep=self.slept.append),
        )
        place = rows.schema.get_field_index("plan_id")
        named = rows.set_column(place, "plan_id", pa.array([plan_id] * rows.num_rows, pa.string()))
        return applier.apply([named], plan_id)

    def finished(self, plan_id: str = "plan-1") -> set[str]:
        """The plan rows that are done."""
        return {
            f"{plan_id}/{name}/{stage}/{key}"
            for name, entity in self.entities.items()
            for stage in Stage
            for key in self.ledger.finished(plan_id, stage.value, entity.target.object).to_pylist()
        }

    def close(self) -> None:
        """Give the connection back."""
        self.database.close()


def ruled(lane: Lane | None, **target_rules: Any) -> dict[str, Entity]:
    """The entities with rules for their targets, so that all rows take one lane."""
    rules = {Lane.BULK: {"direct_rows": 0}, Lane.DIRECT: {"strict": True}, None: {}}[lane] | target_rules
    return {
        name: entity.model_copy(update={"target": entity.target.model_copy(update=rules)})
        for name, entity in CATALOG.entities.items()
    }


def plan_of(
    *writes: Write,
    plan_id: str = "plan-1",
    entity: str = "contact",
    seen_at: datetime = NOW,
    seen: Mapping[str, Mapping[str, str]] | None = None,
) -> pa.Table:
    """Rows of a plan. seen: row key -> field -> the value that the plan saw there."""
    parent = "Account.Contact_Sync_Key__c"
    golden_fields = {field: name for name, field in written_fields(CATALOG.entities[entity]).items()}
    assert {name for _, _, values in writes for name in values} <= {*golden_fields, EXTERNAL_ID, parent}
    rows: list[dict[str, Any]] = [
        {
            "plan_id": plan_id,
            "plan_row_id": f"{plan_id}/{entity}/{stage}/{row_key}",
            "entity": entity,
            "stage": stage,
            "object_name": f"salesforce__{entity}",
            "instance": "core",
            "golden_key": values.get(EXTERNAL_ID, row_key),
            "record_id": None if stage == "create" else row_key,
            "row_key": row_key,
            "value_hash": str(sorted(values.items())),
            "parent_key": values.get(parent),
            "seen_at": None if stage == "create" else seen_at,
            **{after(name): values.get(field) for field, name in golden_fields.items()},
            **{before(name): (seen or {}).get(row_key, {}).get(field) for field, name in golden_fields.items()},
        }
        for stage, row_key, values in sorted(writes, key=lambda write: list(Stage).index(Stage(write[0])))
    ]
    return pa.Table.from_pylist(rows, plan_schema(CATALOG.entities.values()))
