"""Runs extractions: opens or resumes a batch, reads page by page, counts, and publishes in one commit.

A page is staged and noted in the ledger before the next is read, so that a crash costs at most one page; nothing is
visible until the commit. Does not belong here: protocols (connectors/), file formats (lake/), or Dagster.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import pyarrow.compute as pc

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import FileListing, Files, Page, Selection, Source, Window
from contact_sync.errors import CountMismatchError, FileRefusedError, LakeError, RequestRefusedError
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
        table = BronzeTable(self._location, item.name)
        reports = [
            self._run_batch(item, source, table, batch, progress, is_resumed=is_resumed)
            for batch, is_resumed in self._batches(item, instance, source, table, days)
        ]
        return combined(reports) if reports else self._nothing(item, instance, table)

    def _batches(
        self, item: CatalogObject, instance: str, source: Source, table: BronzeTable, days: select.Days | None
    ) -> Iterator[tuple[Batch, bool]]:
        """The interrupted batch, if there is one, and then the new ones, each opened when its turn comes."""
        interrupted = self._ledger.take_over(item.name, instance, select.REFRESH)
        if isinstance(source, FileListing):
            if interrupted is not None:
                self._ledger.finish(interrupted, "abandoned")
            seen = table.distinct("_file", instance) | set(self._ledger.refused_files(item.name))
            for key, etag in sorted(select.unseen(source.versions(item), seen).versions.items()):
                yield self._open(item, instance, table, select.REFRESH, Files(versions={key: etag})), False
            return
        if interrupted is not None:
            yield interrupted, True
        start = window_start(
            table.position(instance).watermark, self._ledger.reading(item.name, instance), self._safety_lag
        )
        plan = select.plan_window(days=days, watermark=start, now=self._now())
        if plan.purpose == select.BACKFILL:
            same = self._ledger.take_over(item.name, instance, select.BACKFILL)
            if same is not None and select.from_json(same.selection) == plan.window:
                yield same, True
                return
            if same is not None:
                self._ledger.finish(same, "abandoned")
        yield self._open(item, instance, table, plan.purpose, plan.window), False

    def _open(
        self, item: CatalogObject, instance: str, table: BronzeTable, purpose: str, selection: Selection
    ) -> Batch:
        now = self._now()
        batch = Batch(
            batch_id=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}",
            object_name=item.name,
            instance=instance,
            purpose=purpose,
            selection=select.to_json(selection),
            partition_date=_partition_date(selection, now).isoformat(),
            sequence=table.position(instance).sequence + 1,
            attempt=1,
            started_at=now,
        )
        self._ledger.open(batch)
        return batch

    def _run_batch(
        self,
        item: CatalogObject,
        source: Source,
        table: BronzeTable,
        batch: Batch,
        progress: Progress | None,
        *,
        is_resumed: bool,
    ) -> ExtractionReport:
        started = time.monotonic()
        tally = _Tally()
        try:
            files = [] if self._is_published(table, batch) else self._stage(item, source, table, batch, tally, progress)
        except FileRefusedError as error:
            file = "@".join(next(iter(batch.selection["files"].items())))
            self._ledger.refuse_file(item.name, file, str(error))
            self._ledger.finish(batch, "abandoned")
            return self._report(batch, table, _Tally(), 0, started, is_resumed=is_resumed, refused_files=(str(error),))
        except (CountMismatchError, RequestRefusedError):
            # What was staged cannot be continued: the next run begins a new batch.
            self._ledger.finish(batch, "abandoned")
            raise
        if files:
            self._ledger.still_held(batch)
            table.publish(batch.instance, batch.batch_id, batch.sequence, files)
        rows_new = sum(file.row_count for file in files)
        self._ledger.finish(batch, "published" if files else "empty", reading=_reading(batch, tally))
        return self._report(batch, table, tally, rows_new, started, is_resumed=is_resumed)

    def _is_published(self, table: BronzeTable, batch: Batch) -> bool:
        """Whether a resumed batch had been published before its ledger entry was closed."""
        if table.position(batch.instance).sequence < batch.sequence:
            return False
        if table.batch_rows(batch.batch_id):
            return True
        self._ledger.finish(batch, "abandoned")
        raise LakeError(
            f"{batch.object_name}, instance {batch.instance}: batch {batch.batch_id} was overtaken by another one.",
            remedy="Nothing is lost; run the extraction again.",
        )

    def _stage(
        self,
        item: CatalogObject,
        source: Source,
        table: BronzeTable,
        batch: Batch,
        tally: _Tally,
        progress: Progress | None,
    ) -> list[StagedFile]:
        staged = self._ledger.pages(batch.batch_id)
        for page in staged:
            tally.add(page)
        if not staged or staged[-1].checkpoint is not None:
            selection = select.from_json(batch.selection)
            since = selection.start if isinstance(selection, Window) else None
            lineage = self._lineage(batch, selection, table)
            new_rows = NewRows(item, lineage, table.known_versions(batch.instance, since))
            resume = staged[-1].checkpoint if staged else None
            try:
                for page in source.read(item, selection, resume=resume):
                    staged.append(self._stage_page(item, batch, page, len(staged) + 1, new_rows, tally))
                    self._ledger.add_page(batch, staged[-1])
                    tally.add(staged[-1])
                    if progress is not None:
                        progress(rows=tally.rows_read, total=tally.declared_total, byte_count=tally.byte_count)
            finally:
                new_rows.close()
        if tally.declared_total != tally.rows_read:
            raise CountMismatchError(
                f"{item.name}, instance {batch.instance}: {tally.rows_read} rows arrived, the source declared "
                f"{tally.declared_total}. Nothing was published.",
                remedy="Run the extraction again; if it repeats, the source cuts its answers.",
            )
        return [StagedFile(**page.file) for page in staged if page.file is not None]

    def _stage_page(
        self, item: CatalogObject, batch: Batch, page: Page, number: int, new_rows: NewRows, tally: _Tally
    ) -> StagedPage:
        if page.declared_rows is not None and page.declared_rows != page.rows.num_rows:
            raise CountMismatchError(
                f"{item.name}, instance {batch.instance}: page {number} has {page.rows.num_rows} rows, the source "
                f"declared {page.declared_rows}. Nothing was published.",
                remedy="Run the extraction again; if it repeats, the source cuts its answers.",
            )
        tally.newest_version_at = _newest(item, page, tally.newest_version_at)
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

    def _nothing(self, item: CatalogObject, instance: str, table: BronzeTable) -> ExtractionReport:
        """A listing without new files: nothing was opened, but it was looked."""
        now = self._now()
        self._ledger.note_reading(item.name, instance, Reading(read_up_to=now))
        batch = self._unopened(item, instance, now)
        return self._report(batch, table, _Tally(), 0, time.monotonic(), is_resumed=False)

    @staticmethod
    def _unopened(item: CatalogObject, instance: str, now: datetime) -> Batch:
        return Batch(
            batch_id="",
            object_name=item.name,
            instance=instance,
            purpose=select.REFRESH,
            selection={},
            partition_date=now.date().isoformat(),
            sequence=0,
            attempt=0,
            started_at=now,
        )


def _partition_date(selection: Selection, now: datetime) -> date:
    if isinstance(selection, Window) and selection.end < now:
        return (selection.end - timedelta(microseconds=1)).date()
    return now.date()


def _newest(item: CatalogObject, page: Page, newest: datetime | None) -> datetime | None:
    """The greatest source time seen so far; ISO text of one format sorts like time."""
    if item.cursor not in page.rows.column_names or page.rows.num_rows == 0:
        return newest
    text: Any = pc.max(page.rows.column(item.cursor)).as_py()
    if text is None:
        return newest
    found = datetime.fromisoformat(text)
    return found if newest is None or found > newest else newest


def _reading(batch: Batch, tally: _Tally) -> Reading | None:
    """How far this batch read; a backfill says nothing about that."""
    if batch.purpose != select.REFRESH:
        return None
    selection = select.from_json(batch.selection)
    read_up_to = selection.end if isinstance(selection, Window) else batch.started_at
    return Reading(read_up_to=read_up_to, newest_version_at=tally.newest_version_at)
