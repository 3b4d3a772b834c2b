"""Extracts an object from an instance: which batches that takes, interrupted ones first, and then the upkeep.

Does not belong here: how a batch is run (batch.py), protocols (connectors/), file formats (lake/), or Dagster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import FileListing, Files, Replicable, Source
from contact_sync.errors import JOB_GONE, RequestRefusedError
from contact_sync.extraction import schema, select
from contact_sync.extraction.batch import BatchRunner, Progress, Task, staged_rows
from contact_sync.extraction.report import ExtractionReport, combined
from contact_sync.extraction.schema import SchemaChange
from contact_sync.extraction.upkeep import Upkeep
from contact_sync.extraction.watermark import window_start
from contact_sync.lake.bronze import OpenTable
from contact_sync.state.batches import Batch, BatchLedger, Reading
from contact_sync.state.schemas import SchemaLedger, SchemaVersion
from contact_sync.state.upkeep import UpkeepLedger


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """What extraction keeps in the operational database."""

    batches: BatchLedger
    schemas: SchemaLedger
    upkeep: UpkeepLedger


class Extractor:
    """Extracts objects into the tables that `bronze` opens. `now` returns the time in UTC."""

    def __init__(
        self, *, bronze: OpenTable, ledgers: Ledgers, safety_lag: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._bronze = bronze
        self._ledger = ledgers.batches
        self._schemas = ledgers.schemas
        self._now = now
        self._runner = BatchRunner(ledger=ledgers.batches, safety_lag=safety_lag, now=now)
        self._upkeep = Upkeep(self._runner, schemas=ledgers.schemas, ledger=ledgers.upkeep)

    def run(
        self,
        item: CatalogObject,
        instance: str,
        source: Source,
        *,
        days: select.Days | None = None,
        progress: Progress | None = None,
    ) -> ExtractionReport:
        """Extract an object from an instance; finishes an interrupted batch first. Raises the error tree only."""
        table = self._bronze(item.name)
        task = Task(item=item, instance=instance, source=source, table=table, progress=progress)
        is_first = table.position(instance).sequence == 0
        version, change = self._observe(task)
        begun_at = min(self._now(), source.time()) if isinstance(source, Replicable) else self._now()
        reports = list(self._batches(task, days))
        if not reports:
            reports = [self._nothing(task)]
        main = reports[-1]
        if main.purpose == select.REFRESH and isinstance(source, Replicable):
            reports += self._upkeep.run(task, source, version, is_first=is_first, begun_at=begun_at)
        changes = {kind: names for kind, names in asdict(change).items() if names}
        return replace(combined(reports, main=main), schema=changes)

    def _observe(self, task: Task) -> tuple[SchemaVersion, SchemaChange]:
        """The newest version of the object's schema, and what changed since the last one."""
        name, instance, source = task.item.name, task.instance, task.source
        fields = source.fields(task.item)
        before = self._schemas.current(name, instance)
        if before is None:
            is_filled = task.table.position(instance).sequence > 0
            columns = set(task.table.columns) if is_filled else None
            first = schema.first_version(fields, self._now(), known_columns=columns)
            self._schemas.add(name, instance, first)
            return first, SchemaChange()
        gone = schema.missing(before, fields)
        hidden = source.hidden(task.item, gone) if gone and isinstance(source, Replicable) else frozenset()
        change = schema.change(before, fields, hidden)
        if not change:
            return before, change
        version = schema.next_version(before, fields, change, self._now())
        self._schemas.add(name, instance, version)
        return version, change

    def _batches(self, task: Task, days: select.Days | None) -> Iterator[ExtractionReport]:
        """Run the interrupted batches, if there are any, and then the new ones, each opened when its turn comes."""
        for batch in self._interrupted(task, select.REFRESH):
            yield self._finish(task, batch, is_resumed=True)
        if isinstance(task.source, FileListing):
            unseen = select.unseen(task.source.versions(task.item), self._files_seen(task))
            for key, etag in sorted(unseen.versions.items()):
                yield self._runner.run(task, self._runner.open(task, select.REFRESH, Files(versions={key: etag})))
            return
        plan = self._plan(task, days)
        if plan.purpose == select.BACKFILL:
            for batch in self._interrupted(task, select.BACKFILL):
                yield self._finish(task, batch, is_resumed=True)
                if select.from_json(batch.selection) == plan.window:
                    return
        yield self._finish(task, self._runner.open(task, plan.purpose, plan.window))

    def _finish(self, task: Task, batch: Batch, *, is_resumed: bool = False) -> ExtractionReport:
        """Run a batch to its end; begun anew, once, where the source has forgotten how far it was read."""
        try:
            return self._runner.run(task, batch, is_resumed=is_resumed)
        except RequestRefusedError as error:
            if error.code != JOB_GONE:
                raise
        return self._runner.run(task, self._runner.open(task, batch.purpose, select.from_json(batch.selection)))

    def _interrupted(self, task: Task, purpose: str) -> Iterator[Batch]:
        """Open batches that can still be finished, each taken over when its turn comes; the others are abandoned."""
        while (batch := self._ledger.take_over(task.item.name, task.instance, purpose)) is not None:
            task.table.refresh()
            if self._can_be_finished(task, batch):
                yield batch
            else:
                self._ledger.finish(batch, "abandoned")

    def _can_be_finished(self, task: Task, batch: Batch) -> bool:
        """Whether a batch is published already, or neither overtaken nor short of a page; files are read whole."""
        if task.table.batch_rows(batch.batch_id):
            return True
        is_overtaken = task.table.position(batch.instance).sequence >= batch.sequence
        if is_overtaken or isinstance(task.source, FileListing):
            return False
        return not task.table.lost(staged_rows(self._ledger.pages(batch.batch_id)))

    def _files_seen(self, task: Task) -> set[str]:
        """The file versions that were published, brought nothing new, or were refused."""
        name, sequence = task.item.name, task.table.position(task.instance).sequence
        empty = self._ledger.files_without_news(name, task.instance, sequence=sequence)
        return task.table.distinct("_file", task.instance) | empty | set(self._ledger.refused_files(name))

    def _plan(self, task: Task, days: select.Days | None) -> select.Plan:
        watermark = task.table.position(task.instance).watermark
        start = window_start(watermark, self._ledger.reading(task.item.name, task.instance))
        # Asked before anything is read: a change that becomes visible in between is older than what is asked later.
        settled = task.source.settled(task.item) if isinstance(task.source, Replicable) else None
        return select.plan_window(days=days, watermark=start, now=self._now(), settled=settled)

    def _nothing(self, task: Task) -> ExtractionReport:
        """A listing without new files: nothing was opened, but it was looked."""
        self._ledger.note_reading(task.item.name, task.instance, Reading(read_up_to=self._now()))
        return self._runner.idle(task, select.REFRESH)
