"""Applies a plan: exactly its rows, stage by stage, in jobs that a crash cannot lose.

For each job: note its rows, create it, note its id, upload, wait, read back the result of every row, settle. The first
thing an application does is to settle what an earlier one left open. Does not belong here: what to write (plan.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.catalog import CatalogObject, Entity
from contact_sync.connectors.base import JobState, Operation, Target, WriteResult
from contact_sync.errors import ActivationError
from contact_sync.state.writes import Intent, Outcome, WriteJob, WriteLedger
from contact_sync.sync.plan import ENTITY_ORDER, Stage

ROWS_PER_JOB: Final = 50_000
WAIT_SECONDS: Final = 1800.0
_RECORD_ID: Final = "Id"
_OPERATIONS: Final = {Stage.STAMP: Operation.UPDATE, Stage.UPDATE: Operation.UPDATE, Stage.CREATE: Operation.UPSERT}

AppliedListener = Callable[["StageReport"], None]


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What became of one stage: planned = written + refused + unprocessed + skipped (already done by an earlier try)."""

    entity: str
    stage: str
    instance: str
    planned: int
    written: int
    created: int
    refused: int
    unprocessed: int
    skipped: int
    refused_codes: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class ApplyReport:
    """What became of a plan. counts_before / counts_after: live records of each target object."""

    plan_id: str
    stages: tuple[StageReport, ...]
    recovered_jobs: int
    counts_before: Mapping[str, int]
    counts_after: Mapping[str, int]

    @property
    def planned(self) -> int:
        """Rows of the plan."""
        return sum(stage.planned for stage in self.stages)

    @property
    def written(self) -> int:
        """Rows the target took."""
        return sum(stage.written for stage in self.stages)

    @property
    def refused(self) -> int:
        """Rows the target refused."""
        return sum(stage.refused for stage in self.stages)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "planned": self.planned, "written": self.written, "refused": self.refused}


class Applier:
    """Applies plans to one target org. objects: catalog objects by name, for the target's own object names."""

    def __init__(
        self,
        *,
        target: Target,
        instance: str,
        ledger: WriteLedger,
        entities: Mapping[str, Entity],
        objects: Mapping[str, CatalogObject],
    ) -> None:
        self._target = target
        self._instance = instance
        self._ledger = ledger
        self._entities = entities
        self._objects = objects

    def apply(self, plan_rows: pa.Table, plan_id: str, *, listener: AppliedListener | None = None) -> ApplyReport:
        """Write the rows of a plan that were not written before; every row is accounted for."""
        recovered = self.recover()
        before = self._counts()
        done = self._ledger.finished_rows(plan_id)
        reports = []
        for entity, stage, rows in self._stages(plan_rows):
            report = self._apply_stage(plan_id, entity, stage, rows, done)
            reports.append(report)
            if listener is not None:
                listener(report)
        return ApplyReport(
            plan_id=plan_id,
            stages=tuple(reports),
            recovered_jobs=recovered,
            counts_before=before,
            counts_after=self._counts(),
        )

    def recover(self) -> int:
        """Settle the jobs an earlier application left open; returns how many there were."""
        unsettled = [job for job in self._ledger.unsettled() if job.instance == self._instance]
        for job in unsettled:
            self._recover_job(job)
        return len(unsettled)

    def _recover_job(self, job: WriteJob) -> None:
        """Without an id nothing was sent; an open job is aborted; any other is waited for and read back."""
        if job.job_id is None:
            self._ledger.note(job.job_number, "dropped")
        elif self._target.job_state(job.job_id) is JobState.OPEN:
            self._target.abort(job.job_id)
            self._ledger.note(job.job_number, "dropped")
        else:
            self._settle(job)

    def _stages(self, rows: pa.Table) -> Iterator[tuple[Entity, Stage, pa.Table]]:
        for name in ENTITY_ORDER:
            for stage in Stage:
                chosen = rows.filter((pc.field("entity") == name) & (pc.field("stage") == stage.value))
                if chosen.num_rows:
                    yield self._entities[name], stage, chosen

    def _apply_stage(self, plan_id: str, entity: Entity, stage: Stage, rows: pa.Table, done: set[str]) -> StageReport:
        todo = rows.filter(~pc.field("plan_row_id").isin(sorted(done))) if done else rows
        report = StageReport(
            entity=entity.name,
            stage=stage.value,
            instance=self._instance,
            planned=rows.num_rows,
            written=0,
            created=0,
            refused=0,
            unprocessed=0,
            skipped=rows.num_rows - todo.num_rows,
            refused_codes={},
        )
        for start in range(0, todo.num_rows, ROWS_PER_JOB):
            results = self._run_job(plan_id, entity, stage, todo.slice(start, ROWS_PER_JOB))
            report = _added(report, results)
        return report

    def _run_job(self, plan_id: str, entity: Entity, stage: Stage, rows: pa.Table) -> list[Outcome]:
        key = _key_column(entity, stage)
        intents = [Intent(**row) for row in rows.select(["plan_row_id", "row_key", "value_hash"]).to_pylist()]
        number = self._ledger.plan_job(
            plan_id=plan_id,
            stage=stage.value,
            instance=self._instance,
            object_name=entity.target.object,
            intents=intents,
        )
        target_object = self._objects[entity.target.object].object
        job_id = self._target.create_job(target_object, _OPERATIONS[stage], key=key)
        self._ledger.note(number, "created", job_id=job_id)
        self._target.upload(job_id, job_table(rows, key))
        self._ledger.note(number, "sent")
        return self._settle(
            WriteJob(
                job_number=number,
                plan_id=plan_id,
                stage=stage.value,
                instance=self._instance,
                object_name=entity.target.object,
                job_id=job_id,
                state="sent",
                row_count=rows.num_rows,
            )
        )

    def _settle(self, job: WriteJob) -> list[Outcome]:
        """Wait for a job's end and note the outcome of each of its rows."""
        job_id = job.job_id or ""
        state = self._target.wait(job_id, timeout_seconds=WAIT_SECONDS)
        if state in {JobState.OPEN, JobState.RUNNING}:
            raise ActivationError(
                f"Job {job_id} of stage {job.stage} has not ended after {WAIT_SECONDS:.0f} seconds.",
                remedy="Nothing is lost: the next apply reads its results.",
            )
        entity = next(entity for entity in self._entities.values() if entity.target.object == job.object_name)
        key = _key_column(entity, Stage(job.stage))
        outcomes = [_outcome(result) for result in self._target.results(job_id, key=key)]
        counts = self._ledger.settle(job, outcomes)
        if sum(counts.values()) != job.row_count or len(outcomes) > job.row_count:
            raise ActivationError(
                f"Job {job_id}: {job.row_count} rows were sent, {sum(counts.values())} are accounted for.",
                remedy="Compare the job in the target's setup pages, then reconcile.",
            )
        return outcomes

    def _counts(self) -> dict[str, int]:
        names = {entity.target.object for entity in self._entities.values()}
        return {name: self._target.count(self._objects[name].object) for name in sorted(names)}


def job_table(rows: pa.Table, key: str) -> pa.Table:
    """The rows of one job as text columns: the key column and every field any of them writes, absent cells null."""
    database = duckdb.connect(":memory:", config={"threads": 2})
    try:
        database.register("plan_rows", rows)
        found = database.execute("select distinct unnest(json_keys(after)) as field from plan_rows order by field")
        fields = [field for (field,) in found.fetchall() if field != key]
        cells = ", ".join(f"""after ->> '$."{field}"' as "{field}\"""" for field in fields)
        return database.sql(f"""select row_key as "{key}", {cells} from plan_rows""").to_arrow_table()  # noqa: S608 -- catalog
    finally:
        database.close()


def _key_column(entity: Entity, stage: Stage) -> str:
    return entity.target.external_id if stage is Stage.CREATE else _RECORD_ID


def _outcome(result: WriteResult) -> Outcome:
    if result.refusal is not None:
        return Outcome(row_key=result.key, outcome="refused", code=result.refusal.code, message=result.refusal.message)
    if result.record_id is None:
        return Outcome(row_key=result.key, outcome="unprocessed")
    return Outcome(row_key=result.key, outcome="written", record_id=result.record_id, is_created=result.is_created)


def _added(report: StageReport, outcomes: list[Outcome]) -> StageReport:
    codes = dict(report.refused_codes)
    for outcome in outcomes:
        if outcome.outcome == "refused":
            codes[outcome.code] = codes.get(outcome.code, 0) + 1
    return replace(
        report,
        written=report.written + sum(outcome.outcome == "written" for outcome in outcomes),
        created=report.created + sum(outcome.is_created for outcome in outcomes),
        refused=report.refused + sum(outcome.outcome == "refused" for outcome in outcomes),
        unprocessed=report.unprocessed + sum(outcome.outcome == "unprocessed" for outcome in outcomes),
        refused_codes=codes,
    )
