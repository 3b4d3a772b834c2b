"""Applies a plan: exactly its rows, stage by stage, and accounts for each of them.

The first thing an application does is to settle what an earlier one left open. Does not belong here: what to write
(plan.py) and how a job survives a crash (jobs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.catalog import Entity
from contact_sync.state.writes import Outcome
from contact_sync.sync.jobs import WriteJobs
from contact_sync.sync.plan import ENTITY_ORDER, Stage

ROWS_PER_JOB: Final = 50_000

AppliedListener = Callable[["StageReport"], None]


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What became of one stage: planned = written + refused + unprocessed + skipped (done by an earlier try)."""

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
    """Applies plans to the target org of its jobs."""

    def __init__(self, jobs: WriteJobs) -> None:
        self._jobs = jobs

    def apply(self, plan_rows: pa.Table, plan_id: str, *, listener: AppliedListener | None = None) -> ApplyReport:
        """Write the rows of a plan that were not written before; every row is accounted for."""
        recovered = self._jobs.recover()
        before = self._counts()
        done = self._jobs.ledger.finished_rows(plan_id)
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

    def _stages(self, rows: pa.Table) -> Iterator[tuple[Entity, Stage, pa.Table]]:
        for name in ENTITY_ORDER:
            for stage in Stage:
                chosen = rows.filter((pc.field("entity") == name) & (pc.field("stage") == stage.value))
                if chosen.num_rows:
                    yield self._jobs.entities[name], stage, chosen

    def _apply_stage(self, plan_id: str, entity: Entity, stage: Stage, rows: pa.Table, done: set[str]) -> StageReport:
        todo = rows.filter(~pc.field("plan_row_id").isin(sorted(done))) if done else rows
        report = StageReport(
            entity=entity.name,
            stage=stage.value,
            instance=self._jobs.instance,
            planned=rows.num_rows,
            written=0,
            created=0,
            refused=0,
            unprocessed=0,
            skipped=rows.num_rows - todo.num_rows,
            refused_codes={},
        )
        for start in range(0, todo.num_rows, ROWS_PER_JOB):
            outcomes = self._jobs.run(plan_id, entity, stage, todo.slice(start, ROWS_PER_JOB))
            report = _added(report, outcomes)
        return report

    def _counts(self) -> dict[str, int]:
        names = {entity.target.object for entity in self._jobs.entities.values()}
        return {name: self._jobs.target.count(self._jobs.objects[name].object) for name in sorted(names)}


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
