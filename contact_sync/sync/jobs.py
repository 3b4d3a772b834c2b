"""One write job from its note in the ledger to the outcome of each of its rows, so that a crash loses nothing.

Note its rows, create it, note its id, upload, wait, read back the result of every row, settle. Does not belong here:
which rows a job has (apply.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from contact_sync.catalog import CatalogObject, Entity
from contact_sync.connectors.base import JobState, Operation, Target, WriteResult
from contact_sync.errors import JOB_GONE, ActivationError, RequestRefusedError
from contact_sync.state.writes import Intent, Outcome, WriteJob, WriteLedger
from contact_sync.sync.plan import Stage

WAIT_SECONDS: Final = 1800.0
_RECORD_ID: Final = "Id"
_OPERATIONS: Final = {Stage.STAMP: Operation.UPDATE, Stage.UPDATE: Operation.UPDATE, Stage.CREATE: Operation.UPSERT}
_PASSING: Final = frozenset({"UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"})
"""Refusals that say nothing about the row: it is planned again as it is."""


@dataclass(frozen=True, kw_only=True)
class WriteJobs:
    """Runs jobs on one target org. objects: catalog objects by name, for the target's own object names."""

    target: Target
    instance: str
    ledger: WriteLedger
    entities: Mapping[str, Entity]
    objects: Mapping[str, CatalogObject]

    def run(self, plan_id: str, entity: Entity, stage: Stage, rows: pa.Table) -> list[Outcome]:
        """Write plan rows of one stage in one job; returns the outcome of each."""
        intents = [Intent(**row) for row in rows.select(["plan_row_id", "row_key", "value_hash"]).to_pylist()]
        number = self.ledger.plan_job(
            plan_id=plan_id,
            stage=stage.value,
            instance=self.instance,
            object_name=entity.target.object,
            intents=intents,
        )
        key = _key_column(entity, stage)
        target_object = self.objects[entity.target.object].object
        job_id = self.target.create_job(target_object, _OPERATIONS[stage], key=key)
        self.ledger.note(number, "created", job_id=job_id)
        self.target.upload(job_id, job_table(rows, key))
        self.ledger.note(number, "sent")
        return self._settle(
            WriteJob(
                job_number=number,
                plan_id=plan_id,
                stage=stage.value,
                instance=self.instance,
                object_name=entity.target.object,
                job_id=job_id,
                state="sent",
                row_count=rows.num_rows,
            )
        )

    def recover(self) -> int:
        """Settle the jobs that a crash left open; returns how many there were."""
        unsettled = [job for job in self.ledger.unsettled() if job.instance == self.instance]
        for job in unsettled:
            self._recover(job)
        return len(unsettled)

    def _recover(self, job: WriteJob) -> None:
        """Without an id nothing was sent; an open job is aborted; any other is waited for and read back."""
        if job.job_id is None:
            self.ledger.note(job.job_number, "dropped")
            return
        try:
            if self.target.job_state(job.job_id) is JobState.OPEN:
                self.target.abort(job.job_id)
                self.ledger.note(job.job_number, "dropped")
            else:
                self._settle(job)
        except RequestRefusedError as error:
            if error.code != JOB_GONE:
                raise
            # Nobody can tell any more; what it did not write differs still and is planned again.
            self.ledger.settle(job, [])

    def _settle(self, job: WriteJob) -> list[Outcome]:
        """Wait for a job's end and note the outcome of each of its rows."""
        job_id = job.job_id or ""
        state = self.target.wait(job_id, timeout_seconds=WAIT_SECONDS)
        if state in {JobState.OPEN, JobState.RUNNING}:
            raise ActivationError(
                f"Job {job_id} of stage {job.stage} has not ended after {WAIT_SECONDS:.0f} seconds.",
                remedy="Nothing is lost: the next apply reads its results.",
            )
        entity = next(entity for entity in self.entities.values() if entity.target.object == job.object_name)
        key = _key_column(entity, Stage(job.stage))
        outcomes = self.ledger.settle(job, map(_outcome, self.target.results(job_id, key=key)))
        if len(outcomes) != job.row_count:
            raise ActivationError(
                f"Job {job_id}: {job.row_count} rows were sent, {len(outcomes)} are accounted for.",
                remedy="Compare the job in the target's setup pages, then reconcile.",
            )
        return outcomes


def job_table(rows: pa.Table, key: str) -> pa.Table:
    """The rows of one job as text columns: the key column and every field any of them writes, absent cells null."""
    database = duckdb.connect(":memory:", config={"threads": 2})
    try:
        database.register("plan_rows", rows)
        found = database.execute("select distinct unnest(json_keys(after)) as field from plan_rows order by field")
        fields = [field for (field,) in found.fetchall() if field != key]
        cells = "".join(f""", after ->> '$."{field}"' as "{field}\"""" for field in fields)
        table: pa.Table = database.sql(f"""select row_key as "{key}"{cells} from plan_rows""").to_arrow_table()  # noqa: S608 -- catalog
    finally:
        database.close()
    return table


def _key_column(entity: Entity, stage: Stage) -> str:
    return entity.target.external_id if stage is Stage.CREATE else _RECORD_ID


def _outcome(result: WriteResult) -> Outcome:
    if result.refusal is not None and result.refusal.code not in _PASSING:
        return Outcome(row_key=result.key, outcome="refused", code=result.refusal.code, message=result.refusal.message)
    if result.is_written:
        return Outcome(row_key=result.key, outcome="written", record_id=result.record_id, is_created=result.is_created)
    return Outcome(row_key=result.key, outcome="unprocessed")
