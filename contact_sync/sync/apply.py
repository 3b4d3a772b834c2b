"""Applies a plan: exactly its rows, stage by stage, and accounts for each of them.

The first thing an application does is to settle what an earlier one left open. Does not belong here: what to write
(plan.py), and how rows are loaded (load.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, groupby
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.catalog import CatalogObject, Entity
from contact_sync.connectors.retry import Clock
from contact_sync.connectors.target import Operation, Target
from contact_sync.errors import StalePlanError
from contact_sync.state.writes import Lane, WriteLedger
from contact_sync.sync.lanes import Destination
from contact_sync.sync.load import OUTSIDE_HOURS, Loader, Tally, left_for_later
from contact_sync.sync.plan_table import Stage
from contact_sync.sync.planned_rows import lane_of, planned_rows
from contact_sync.sync.rows import gathered, in_jobs

_compute: Any = pc  # its stubs lack functions and overloads
_RECORD_ID: Final = "Id"
_LOOKED_UP_ROWS: Final = 250_000
_OPERATIONS: Final = {Stage.STAMP: Operation.UPDATE, Stage.UPDATE: Operation.UPDATE, Stage.CREATE: Operation.UPSERT}

AppliedListener = Callable[["StageReport"], None]


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What became of one stage: planned = written + refused + unprocessed + skipped (done by an earlier try).

    retried: how often a row was sent again. codes: why rows were refused or left alone, code -> rows.
    """

    entity: str
    stage: str
    instance: str
    planned: int
    written: int
    created: int
    refused: int
    unprocessed: int
    skipped: int
    retried: int
    codes: Mapping[str, int]

    @property
    def is_accounted_for(self) -> bool:
        """Whether every planned row is known to be one of the four."""
        return self.planned == self.written + self.refused + self.unprocessed + self.skipped


@dataclass(frozen=True, kw_only=True)
class ApplyReport:
    """What became of a plan. counts_before / counts_after: live records of each target object.

    recovered: what became of rows that an earlier application had sent and not settled; its stages skip them.
    """

    plan_id: str
    stages: tuple[StageReport, ...]
    recovered_jobs: int
    recovered: Tally
    counts_before: Mapping[str, int]
    counts_after: Mapping[str, int]

    @property
    def planned(self) -> int:
        """Rows of the plan."""
        return sum(stage.planned for stage in self.stages)

    @property
    def written(self) -> int:
        """Rows the target took."""
        return sum(stage.written for stage in self.stages) + self.recovered.written

    @property
    def refused(self) -> int:
        """Rows the target refused, or that could not be sent to it."""
        return sum(stage.refused for stage in self.stages) + self.recovered.refused

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "planned": self.planned, "written": self.written, "refused": self.refused}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Applies plans to one target org.

    objects: catalog objects by name, for the target's own object names. now: the time that hours are compared with.
    """

    target: Target
    instance: str
    ledger: WriteLedger
    entities: Mapping[str, Entity]
    objects: Mapping[str, CatalogObject]
    now: Callable[[], datetime] = _utc_now
    clock: Clock = field(default_factory=Clock)

    def apply(self, plan: Iterable[pa.Table], plan_id: str, *, listener: AppliedListener | None = None) -> ApplyReport:
        """Write the rows of a plan, in plan order, that were not written before; every row is accounted for."""
        loader = Loader(self.target, self.ledger, self.clock)
        recovered, jobs = self._recover(loader, plan_id)
        before = self._counts()
        reports: list[StageReport] = []
        of_plan = (_of_plan(rows, plan_id) for rows in plan)
        for (entity, stage), tables in groupby(_runs(of_plan), key=lambda run: run[0]):
            if any((report.entity, report.stage) == (entity, stage) for report in reports):
                raise StalePlanError(
                    f"Plan {plan_id} is not in order.", remedy="Make it again with `contact-sync plan`."
                )
            to = self._destination(plan_id, self.entities[entity], Stage(stage))
            # What a parent's rows were too late for, its children's wait for.
            is_late = any(OUTSIDE_HOURS in report.codes for report in reports)
            report = self._apply_stage(loader, self.entities[entity], to, (rows for _, rows in tables), is_late=is_late)
            reports.append(report)
            if listener is not None:
                listener(report)
        return ApplyReport(
            plan_id=plan_id,
            stages=tuple(reports),
            recovered_jobs=jobs,
            recovered=recovered,
            counts_before=before,
            counts_after=self._counts(),
        )

    def _apply_stage(
        self, loader: Loader, entity: Entity, to: Destination, tables: Iterable[pa.Table], *, is_late: bool
    ) -> StageReport:
        counts: Counter[str] = Counter()
        tally = Tally()
        count, tables = _counted(tables, entity.target.direct_rows + 1)
        lane = lane_of(entity, rows=count)
        with_before = lane is Lane.DIRECT and bool(to.follows)
        todo = self._todo(to, tables, counts)
        stage = Stage(to.stage)
        pieces = (planned_rows(rows, entity, stage, to.key, with_before=with_before) for rows in todo)
        for rows in in_jobs(pieces, entity.target.rows_per_job):
            is_late = is_late or not self._is_time_for(entity)
            tally += left_for_later(rows) if is_late else loader.load(to, rows, lane)
            del rows  # before the next ones are read
        return StageReport(
            entity=entity.name,
            stage=to.stage,
            instance=self.instance,
            planned=counts["planned"],
            skipped=counts["skipped"],
            **{name: getattr(tally, name) for name in Tally.__dataclass_fields__},
        )

    def _is_time_for(self, entity: Entity) -> bool:
        """Whether the hours of the entity's target, in which this application began, are not over yet."""
        return entity.target.hours is None or entity.target.hours.include(self.now())

    def _todo(self, to: Destination, tables: Iterable[pa.Table], counts: Counter[str]) -> Iterator[pa.Table]:
        """The rows of a stage that are not done yet; all of them are counted as `planned`, the others as `skipped`."""
        done = self.ledger.finished(to.plan_id, to.stage, to.object_name)
        # Each look into the keys that are done costs as much as there are, however few rows are looked for.
        for rows in gathered(tables, _LOOKED_UP_ROWS) if len(done) else tables:
            counts["planned"] += rows.num_rows
            todo = rows
            if len(done):
                todo = rows.filter(_compute.invert(_compute.is_in(rows.column("row_key"), value_set=done)))
            counts["skipped"] += rows.num_rows - todo.num_rows
            if todo.num_rows:
                yield todo

    def _recover(self, loader: Loader, plan_id: str) -> tuple[Tally, int]:
        """Settle the jobs that a crash left open: what became of their rows, and how many jobs there were.

        Raises StalePlanError if rows of another plan were among them: this one was made without knowing of them.
        """
        unsettled = [job for job in self.ledger.unsettled() if job.instance == self.instance]
        tallies = {job.job_number: loader.recover(job) for job in unsettled}
        others = {job.plan_id for job in unsettled if job.plan_id != plan_id and tallies[job.job_number] != Tally()}
        if others:
            raise StalePlanError(
                f"Writes of plan {', '.join(sorted(others))} were still open when plan {plan_id} was made; they are "
                "settled now. Nothing else was written.",
                remedy="Run `contact-sync run` to plan again.",
            )
        return sum(tallies.values(), Tally()), len(unsettled)

    def _destination(self, plan_id: str, entity: Entity, stage: Stage) -> Destination:
        return Destination(
            plan_id=plan_id,
            stage=stage.value,
            instance=self.instance,
            object_name=entity.target.object,
            target_object=self.objects[entity.target.object].object,
            operation=_OPERATIONS[stage],
            key=entity.target.external_id if stage is Stage.CREATE else _RECORD_ID,
            follows=(Stage.STAMP.value,) if stage is Stage.UPDATE else (),
        )

    def _counts(self) -> dict[str, int]:
        names = {entity.target.object for entity in self.entities.values()}
        return {name: self.target.count(self.objects[name].object) for name in sorted(names)}


def _of_plan(rows: pa.Table, plan_id: str) -> pa.Table:
    """The rows, if they are of this plan: another one may have been published since it was looked at."""
    if _compute.unique(rows.column("plan_id")).to_pylist() not in ([], [plan_id]):
        raise StalePlanError(
            f"Another plan has taken the place of {plan_id}; no row of it was written.",
            remedy="Look at the current plan with `contact-sync plan`.",
        )
    return rows


def _runs(plan: Iterable[pa.Table]) -> Iterator[tuple[tuple[str, str], pa.Table]]:
    """The plan cut where entity or stage change."""
    for rows in plan:
        start = 0
        while start < rows.num_rows:
            entity, stage = (rows.column(name)[start].as_py() for name in ("entity", "stage"))
            rest = rows.slice(start)
            is_same = _compute.and_(
                _compute.equal(rest.column("entity"), arrow_values.text(entity)),
                _compute.equal(rest.column("stage"), arrow_values.text(stage)),
            )
            end = _compute.index(is_same, arrow_values.flag(value=False)).as_py()
            count = rest.num_rows if end < 0 else end
            yield (entity, stage), rest.slice(0, count)
            start += count


def _counted(tables: Iterable[pa.Table], most: int) -> tuple[int, Iterator[pa.Table]]:
    """How many rows there are, counted no further than `most`, and all of them still."""
    rest = iter(tables)
    seen: list[pa.Table] = []
    while sum(table.num_rows for table in seen) < most and (table := next(rest, None)) is not None:
        seen.append(table)
    return sum(table.num_rows for table in seen), chain(seen, rest)
