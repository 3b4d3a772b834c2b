"""Keeps bronze complete where windows of changes cannot: deletions, sweeps of the keys, new and calculated fields.

- Deletions: what the source says is gone, each time.
- Sweep: all keys, now and then, and whenever the source does not remember its deletions far enough back.
- Columns: a new field, or those whose values change without moving the cursor, read alone and put into the rows held.

What differs becomes a batch of its own, without moving the watermark; repeating any of it changes nothing. Does not
belong here: the comparison itself (comparison.py), or how a batch is run (batch.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Columns, Deletions, Page, Records, Replicable, Selection
from contact_sync.errors import CountMismatchError, VanishedRecordsError
from contact_sync.extraction import select
from contact_sync.extraction.batch import BatchRunner, Content, Task
from contact_sync.extraction.comparison import Comparison
from contact_sync.extraction.report import ExtractionReport
from contact_sync.state.schemas import SchemaLedger, SchemaVersion
from contact_sync.state.upkeep import Care, UpkeepLedger

SAFE_TO_VANISH: Final = 100
"""So many records may vanish between two sweeps of an object however small it is."""


class Upkeep:
    """Does the upkeep of one object of one instance that is due."""

    def __init__(self, runner: BatchRunner, *, schemas: SchemaLedger, ledger: UpkeepLedger) -> None:
        self._runner = runner
        self._schemas = schemas
        self._ledger = ledger

    def run(
        self, task: Task, source: Replicable, version: SchemaVersion, *, is_first: bool, begun_at: datetime
    ) -> Iterator[ExtractionReport]:
        """Do what is due; a report for each kind of upkeep that looked at anything.

        is_first: bronze held nothing before this extraction. begun_at: source time when it began.
        """
        task = replace(task, progress=None)
        self._abandon_interrupted(task)
        if not task.table.position(task.instance).sequence:
            return
        if is_first:
            self._note(task, {Care.DELETIONS: begun_at, Care.SWEEP: begun_at, Care.CALCULATED: begun_at})
            return
        done = self._ledger.done(task.item.name, task.instance)
        account = source.deletions(task.item, done[Care.DELETIONS]) if Care.DELETIONS in done else None
        if account is not None:
            yield from self._deletions(task, account)
        is_gap = Care.DELETIONS not in done or (account is not None and not account.is_complete)
        if is_gap or self._is_due(done, Care.SWEEP, task.item.sweep_hours):
            yield from self._sweep(task, source)
        yield from self._columns(task, version, is_due=self._is_due(done, Care.CALCULATED, task.item.calculated_hours))

    def _is_due(self, done: Mapping[Care, datetime], care: Care, hours: float) -> bool:
        return care not in done or self._runner.now() - done[care] >= timedelta(hours=hours)

    def _deletions(self, task: Task, account: Deletions) -> Iterator[ExtractionReport]:
        """Evidence from the source's own account of deletions."""
        if account.rows.num_rows:
            with closing(Comparison(task.item, task.table, task.instance)) as comparison:
                comparison.add(account.rows)
                comparison.hold()
                evidence = comparison.deleted()
            yield self._publish(task, evidence, checked=account.rows.num_rows)
        if account.is_complete:
            self._note(task, {Care.DELETIONS: account.covered_until})

    def _sweep(self, task: Task, source: Replicable) -> Iterator[ExtractionReport]:
        """Every key at the source against every record held: what vanished, what was missed, what came back."""
        started = self._runner.now()
        with closing(Comparison(task.item, task.table, task.instance)) as comparison:
            seen_at = source.time()
            self._read(task, Columns(), comparison)
            alive = comparison.hold()
            vanished = comparison.vanished(seen_at)
            watermark = task.table.position(task.instance).watermark or seen_at
            absent, returned = comparison.absent(watermark), comparison.returned()
            checked = comparison.seen_count
        _refuse_if_unsafe(task, vanished=vanished.num_rows, alive=alive)
        yield self._publish(task, vanished, checked=checked)
        if absent:
            yield self._read_again(task, absent)
        if returned:
            yield self._read_again(task, returned, seen_at=seen_at)
        self._note(task, {Care.SWEEP: started, Care.DELETIONS: seen_at})

    def _columns(self, task: Task, version: SchemaVersion, *, is_due: bool) -> Iterator[ExtractionReport]:
        """Fields that are new, and if it is time those that change by themselves, read alone for all records."""
        started = self._runner.now()
        names = tuple(dict.fromkeys([*version.unread, *(_changing(task.item, version) if is_due else ())]))
        if names:
            yield self._complete(task, names)
        if version.unread:
            self._schemas.note_read(task.item.name, task.instance, version)
        if is_due:
            self._note(task, {Care.CALCULATED: started})

    def _complete(self, task: Task, names: tuple[str, ...]) -> ExtractionReport:
        """Read these fields alone, and publish the rows held that they change, whole."""
        selection = Columns(names=names)
        with closing(Comparison(task.item, task.table, task.instance, names)) as comparison:
            self._read(task, selection, comparison)
            comparison.hold()
            changed, checked = comparison.changed(), comparison.seen_count
            report = self._runner.idle(task, select.UPKEEP)
            if changed:
                pages = _pages(comparison.completed(), total=changed)
                report = self._run(task, selection, Content(read=lambda _: pages))
            return replace(report, rows_checked=checked)

    def _read(self, task: Task, selection: Columns, comparison: Comparison) -> None:
        total, rows = None, 0
        for page in task.source.read(task.item, selection):
            comparison.add(page.rows)
            rows += page.rows.num_rows
            total = page.declared_total if page.declared_total is not None else total
        if rows != total:
            raise CountMismatchError(
                f"{task.item.name}, instance {task.instance}: {rows} records arrived to be compared, the source "
                f"declared {total}. Nothing was published.",
                remedy="Run the extraction again; if it repeats, the source cuts its answers.",
            )

    def _read_again(self, task: Task, keys: Sequence[str], *, seen_at: datetime | None = None) -> ExtractionReport:
        """Read records whole by their keys."""
        selection = Records(keys=tuple(keys))
        content = Content(read=lambda _: task.source.read(task.item, selection), seen_at=seen_at)
        return self._run(task, selection, content)

    def _publish(self, task: Task, evidence: pa.Table, *, checked: int) -> ExtractionReport:
        """Publish evidence of deletions, if there is any."""
        if not evidence.num_rows:
            return replace(self._runner.idle(task, select.UPKEEP), rows_checked=checked)
        pages = _pages([evidence], total=evidence.num_rows)
        report = self._run(task, Columns(), Content(read=lambda _: pages, is_deleted=True))
        return replace(report, rows_checked=checked, rows_deleted=report.rows_new)

    def _run(self, task: Task, selection: Selection, content: Content) -> ExtractionReport:
        return self._runner.run(task, self._runner.open(task, select.UPKEEP, selection), content=content)

    def _abandon_interrupted(self, task: Task) -> None:
        """What a crash left is begun anew, since nothing of it says that it is done; if published, it is closed."""
        ledger = self._runner.ledger
        while (batch := ledger.take_over(task.item.name, task.instance, select.UPKEEP)) is not None:
            task.table.refresh()
            ledger.finish(batch, "published" if task.table.batch_rows(batch.batch_id) else "abandoned")

    def _note(self, task: Task, times: Mapping[Care, datetime]) -> None:
        self._ledger.note(task.item.name, task.instance, times)


def _changing(item: CatalogObject, version: SchemaVersion) -> list[str]:
    """The fields that are read and whose values can change although the cursor stays."""
    return [
        name
        for name, field in version.fields.items()
        if (field["is_calculated"] or name in item.also_calculated)
        and not field["left_out"]
        and (item.columns is None or name in item.columns)
    ]


def _refuse_if_unsafe(task: Task, *, vanished: int, alive: int) -> None:
    """Many records that vanish at once are more often hidden than deleted."""
    allowed = max(SAFE_TO_VANISH, int(alive * task.item.max_vanished_fraction))
    if vanished > allowed:
        raise VanishedRecordsError(
            f"{task.item.name}, instance {task.instance}: {vanished:,} of {alive:,} records are gone at the source; "
            f"{allowed:,} may be at once. They were left as they are.",
            remedy="Check that our user may still see them; if they are really gone, raise the object's "
            "max_vanished_fraction in the catalog for one run.",
        )


def _pages(tables: Iterable[pa.Table], *, total: int) -> Iterator[Page]:
    """Tables that were made here as pages; what is declared was counted apart from them."""
    for number, table in enumerate(tables, start=1):
        yield Page(
            rows=table,
            number=number,
            declared_rows=None,
            declared_total=total,
            checkpoint=None,
            byte_count=table.nbytes,
        )
