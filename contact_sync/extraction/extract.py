"""Runs extractions: opens or resumes a batch, reads page by page, counts, and publishes in one commit.

A page is staged and noted in the ledger before the next is read, so that a crash costs at most one page; nothing is
visible until the commit. Does not belong here: protocols (connectors/), file formats (lake/), or Dagster.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pyarrow.compute as pc

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import FileListing, Files, Page, Selection, Source, Window
from contact_sync.errors import CountMismatchError, FileRefusedError, RequestRefusedError
from contact_sync.extraction import select
from contact_sync.extraction.lineage import BatchLineage, NewRows
from contact_sync.extraction.report import ExtractionReport, combined, peak_rss_mb
from contact_sync.extraction.watermark import saved_watermark, window_start
from contact_sync.lake.bronze import BronzeTable, StagedFile
from contact_sync.lake.location import LakeLocation
from contact_sync.lake.stage import stage_page
from contact_sync.state.batches import Batch, BatchLedger, Reading, StagedPage


class Progress(Protocol):
    """Told after each page."""

    def __call__(self, *, rows: int, total: int | None, byte_count: int) -> None:
        """`rows` of `total` (if known) have been read so far."""


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What one call of `run` works with."""

    item: CatalogObject
    instance: str
    source: Source
    table: BronzeTable
    progress: Progress | None


@dataclass
class _Tally:
    """What a running batch has counted so far."""

    rows_read: int = 0
    pages: int = 0
    byte_count: int = 0
    declared_total: int | None = None
    newest_version_at: datetime | None = None

    def add(self, page: StagedPage) -> None:
        """Count a staged page."""
        self.rows_read += page.rows_read
        self.pages += 1
        self.byte_count += page.byte_count
        self.declared_total = page.declared_total if page.declared_total is not None else self.declared_total
        times = [time for time in (self.newest_version_at, page.newest_version_at) if time is not None]
        self.newest_version_at = max(times, default=None)


class Extractor:
    """Extracts objects into one lake. `now` returns the time in UTC."""

    def __init__(
        self, *, location: LakeLocation, ledger: BatchLedger, safety_lag: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._location = location
        self._ledger = ledger
        self._safety_lag = safety_lag
        self._now = now

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
        task = _Task(
            item=item,
            instance=instance,
            source=source,
            table=BronzeTable(self._location, item.name),
            progress=progress,
        )
        reports = [
            self._run_batch(task, batch, is_resumed=is_resumed) for batch, is_resumed in self._batches(task, days)
        ]
        return combined(reports) if reports else self._nothing(task)

    def _batches(self, task: _Task, days: select.Days | None) -> Iterator[tuple[Batch, bool]]:
        """The interrupted batches, if there are any, and then the new ones, each opened when its turn comes."""
        for batch in self._interrupted(task, select.REFRESH):
            yield batch, True
        if isinstance(task.source, FileListing):
            unseen = select.unseen(task.source.versions(task.item), self._files_seen(task))
            for key, etag in sorted(unseen.versions.items()):
                yield self._open(task, select.REFRESH, Files(versions={key: etag})), False
            return
        plan = self._plan(task, days)
        if plan.purpose == select.BACKFILL:
            for batch in self._interrupted(task, select.BACKFILL):
                yield batch, True
                if select.from_json(batch.selection) == plan.window:
                    return
        yield self._open(task, plan.purpose, plan.window), False

    def _interrupted(self, task: _Task, purpose: str) -> Iterator[Batch]:
        """Open batches that can still be finished, each taken over when its turn comes; the others are abandoned."""
        while (batch := self._ledger.take_over(task.item.name, task.instance, purpose)) is not None:
            task.table.refresh()
            if self._can_be_finished(task, batch):
                yield batch
            else:
                self._ledger.finish(batch, "abandoned")

    def _can_be_finished(self, task: _Task, batch: Batch) -> bool:
        """Whether a batch is published already, or neither overtaken nor short of a page; files are read whole."""
        if task.table.batch_rows(batch.batch_id):
            return True
        is_overtaken = task.table.position(batch.instance).sequence >= batch.sequence
        if is_overtaken or isinstance(task.source, FileListing):
            return False
        return not task.table.lost(_files(self._ledger.pages(batch.batch_id)))

    def _files_seen(self, task: _Task) -> set[str]:
        """The file versions that were published, brought nothing new, or were refused."""
        name, sequence = task.item.name, task.table.position(task.instance).sequence
        empty = self._ledger.files_without_news(name, task.instance, sequence=sequence)
        return task.table.distinct("_file", task.instance) | empty | set(self._ledger.refused_files(name))

    def _plan(self, task: _Task, days: select.Days | None) -> select.Plan:
        watermark = task.table.position(task.instance).watermark
        start = window_start(watermark, self._ledger.reading(task.item.name, task.instance), self._safety_lag)
        return select.plan_window(days=days, watermark=start, now=self._now())

    def _open(self, task: _Task, purpose: str, selection: Selection) -> Batch:
        now = self._now()
        batch = Batch(
            batch_id=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}",
            object_name=task.item.name,
            instance=task.instance,
            purpose=purpose,
            selection=select.to_json(selection),
            partition_date=_partition_date(selection, now).isoformat(),
            sequence=task.table.position(task.instance).sequence + 1,
            attempt=1,
            started_at=now,
        )
        self._ledger.open(batch)
        return batch

    def _run_batch(self, task: _Task, batch: Batch, *, is_resumed: bool) -> ExtractionReport:
        started = time.monotonic()
        staged = self._ledger.pages(batch.batch_id)
        tally = _Tally()
        for page in staged:
            tally.add(page)
        # A resumed batch may have been published before its ledger entry was closed.
        rows_new = task.table.batch_rows(batch.batch_id) if is_resumed else 0
        if not rows_new:
            try:
                self._stage(task, batch, staged, tally)
            except FileRefusedError as error:
                return self._refused(task, batch, error, started)
            except (CountMismatchError, RequestRefusedError):
                # What was staged cannot be continued: the next run begins a new batch.
                self._ledger.finish(batch, "abandoned")
                raise
            rows_new = self._publish(task, batch, _files(staged))
        self._ledger.finish(batch, "published" if rows_new else "empty", reading=_reading(batch, tally))
        return self._report(batch, task.table, tally, rows_new, started, is_resumed=is_resumed)

    def _publish(self, task: _Task, batch: Batch, files: list[StagedFile]) -> int:
        """Publish a batch's files, if it has any, and count their rows."""
        if files:
            self._ledger.still_held(batch)
            task.table.publish(batch.instance, batch.batch_id, batch.sequence, files)
        return sum(file.row_count for file in files)

    def _refused(self, task: _Task, batch: Batch, error: FileRefusedError, started: float) -> ExtractionReport:
        """Keep the reason, so that this version of the file is not read again, and go on with the other files."""
        file = "@".join(next(iter(batch.selection["files"].items())))
        self._ledger.refuse_file(task.item.name, file, str(error))
        self._ledger.finish(batch, "abandoned")
        return self._report(batch, task.table, _Tally(), 0, started, is_resumed=False, refused_files=(str(error),))

    def _stage(self, task: _Task, batch: Batch, staged: list[StagedPage], tally: _Tally) -> None:
        """Read and stage what is not staged yet, adding to `staged` and `tally`, and check the total."""
        if not staged or staged[-1].checkpoint is not None:
            self._read(task, batch, staged, tally)
        if tally.declared_total != tally.rows_read:
            raise CountMismatchError(
                f"{task.item.name}, instance {batch.instance}: {tally.rows_read} rows arrived, the source declared "
                f"{tally.declared_total}. Nothing was published.",
                remedy="Run the extraction again; if it repeats, the source cuts its answers.",
            )

    def _read(self, task: _Task, batch: Batch, staged: list[StagedPage], tally: _Tally) -> None:
        selection = select.from_json(batch.selection)
        since = selection.start if isinstance(selection, Window) else None
        lineage = self._lineage(batch, selection, task.table)
        resume = staged[-1].checkpoint if staged else None
        with closing(NewRows(task.item, lineage, task.table.known_versions(batch.instance, since))) as new_rows:
            for page in task.source.read(task.item, selection, resume=resume):
                safe = self._stage_page(task.item, batch, page, len(staged) + 1, new_rows)
                self._ledger.add_page(batch, safe)
                staged.append(safe)
                tally.add(safe)
                if task.progress is not None:
                    task.progress(rows=tally.rows_read, total=tally.declared_total, byte_count=tally.byte_count)

    def _stage_page(self, item: CatalogObject, batch: Batch, page: Page, number: int, new_rows: NewRows) -> StagedPage:
        if page.declared_rows is not None and page.declared_rows != page.rows.num_rows:
            raise CountMismatchError(
                f"{item.name}, instance {batch.instance}: page {number} has {page.rows.num_rows} rows, the source "
                f"declared {page.declared_rows}. Nothing was published.",
                remedy="Run the extraction again; if it repeats, the source cuts its answers.",
            )
        rows = new_rows.of_page(page.rows, dict(page.origin))
        file = None
        if rows.num_rows:
            partition = {"_instance": batch.instance, "_month": f"{batch.started_at:%Y-%m}"}
            name = f"{batch.batch_id}-{batch.attempt}-{number:05d}"
            file = asdict(stage_page(self._location, item.name, rows, partition=partition, file_name=name))
        return StagedPage(
            number=number,
            rows_read=page.rows.num_rows,
            declared_total=page.declared_total,
            byte_count=page.byte_count,
            checkpoint=dict(page.checkpoint) if page.checkpoint is not None else None,
            file=file,
            newest_version_at=_newest(item, page),
        )

    def _lineage(self, batch: Batch, selection: Selection, table: BronzeTable) -> BatchLineage:
        window = selection if isinstance(selection, Window) else None
        moves = batch.purpose == select.REFRESH and window is not None
        return BatchLineage(
            batch_id=batch.batch_id,
            sequence=batch.sequence,
            extracted_at=batch.started_at,
            partition_date=date.fromisoformat(batch.partition_date),
            window_start=window.start if window else None,
            window_end=window.end if window else None,
            watermark=saved_watermark(
                table.position(batch.instance).watermark, window.end if moves and window else None, self._safety_lag
            ),
        )

    def _report(
        self,
        batch: Batch,
        table: BronzeTable,
        tally: _Tally,
        rows_new: int,
        started: float,
        *,
        is_resumed: bool,
        refused_files: tuple[str, ...] = (),
    ) -> ExtractionReport:
        return ExtractionReport(
            object_name=batch.object_name,
            instance=batch.instance,
            batch_id=batch.batch_id,
            purpose=batch.purpose,
            rows_read=tally.rows_read,
            rows_new=rows_new,
            rows_known=tally.rows_read - rows_new,
            declared_rows=tally.declared_total or 0,
            pages=tally.pages,
            bytes=tally.byte_count,
            seconds=round(time.monotonic() - started, 3),
            peak_rss_mb=peak_rss_mb(),
            watermark=table.position(batch.instance).watermark,
            sequence=batch.sequence if rows_new else None,
            is_resumed=is_resumed,
            refused_files=refused_files,
        )

    def _nothing(self, task: _Task) -> ExtractionReport:
        """A listing without new files: nothing was opened, but it was looked."""
        now = self._now()
        self._ledger.note_reading(task.item.name, task.instance, Reading(read_up_to=now))
        unopened = Batch(
            batch_id="",
            object_name=task.item.name,
            instance=task.instance,
            purpose=select.REFRESH,
            selection={},
            partition_date=now.date().isoformat(),
            sequence=0,
            attempt=0,
            started_at=now,
        )
        return self._report(unopened, task.table, _Tally(), 0, time.monotonic(), is_resumed=False)


def _files(pages: Sequence[StagedPage]) -> list[StagedFile]:
    return [StagedFile(**page.file) for page in pages if page.file is not None]


def _partition_date(selection: Selection, now: datetime) -> date:
    if isinstance(selection, Window) and selection.end < now:
        return (selection.end - timedelta(microseconds=1)).date()
    return now.date()


def _newest(item: CatalogObject, page: Page) -> datetime | None:
    """The greatest source time of a page; ISO text of one format sorts like time, and without a zone it is UTC."""
    if item.cursor not in page.rows.column_names:
        return None
    text: str | None = pc.max(page.rows.column(item.cursor)).as_py()
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _reading(batch: Batch, tally: _Tally) -> Reading | None:
    """How far this batch read; a backfill says nothing about that."""
    if batch.purpose != select.REFRESH:
        return None
    selection = select.from_json(batch.selection)
    read_up_to = selection.end if isinstance(selection, Window) else batch.started_at
    return Reading(read_up_to=read_up_to, newest_version_at=tally.newest_version_at)
