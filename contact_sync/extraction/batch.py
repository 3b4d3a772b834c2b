"""Runs one batch: reads its pages, stages each, counts, and publishes all of them in one commit.

A page is staged and noted in the ledger before the next is read, so that a crash costs at most one page; nothing is
visible until the commit. Does not belong here: which batches there are (extract.py, upkeep.py), and protocols.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import pyarrow.compute as pc

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Page, Selection, Source, Window
from contact_sync.errors import CountMismatchError, FileRefusedError, LakeError, RequestRefusedError, StaleCommitError
from contact_sync.extraction import select
from contact_sync.extraction.lineage import BatchLineage, NewRows
from contact_sync.extraction.report import ExtractionReport, peak_rss_mb
from contact_sync.extraction.watermark import safe_up_to, saved_watermark
from contact_sync.lake.bronze import BronzeTable, Stage, StagedRows
from contact_sync.state.batches import Batch, BatchLedger, Reading, StagedPage


class Progress(Protocol):
    """Told after each page."""

    def __call__(self, *, rows: int, total: int | None, byte_count: int) -> None:
        """`rows` of `total` (if known) have been read so far."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """An object of an instance, with what it takes to extract it."""

    item: CatalogObject
    instance: str
    source: Source
    table: BronzeTable
    progress: Progress | None


@dataclass(frozen=True, kw_only=True)
class Content:
    """The pages of a batch: `read` yields those after a checkpoint; see BatchLineage for the other two."""

    read: Callable[[Checkpoint | None], Iterator[Page]]
    is_deleted: bool = False
    seen_at: datetime | None = None


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


class BatchRunner:
    """Opens and runs batches. `now` returns the time in UTC."""

    def __init__(self, *, ledger: BatchLedger, safety_lag: timedelta, now: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self.now = now
        self.safety_lag = safety_lag

    def open(self, task: Task, purpose: str, selection: Selection) -> Batch:
        """Note a new batch in the ledger before anything of it is read."""
        now = self.now()
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
        self.ledger.open(batch)
        return batch

    def run(
        self, task: Task, batch: Batch, *, is_resumed: bool = False, content: Content | None = None
    ) -> ExtractionReport:
        """Run a batch to its end; without content its pages are what the source has of its selection."""
        started = time.monotonic()
        staged = self.ledger.pages(batch.batch_id)
        tally = _Tally()
        for page in staged:
            tally.add(page)
        # A resumed batch may have been published before its ledger entry was closed.
        rows_new = task.table.batch_rows(batch.batch_id) if is_resumed else 0
        if not rows_new:
            try:
                self._stage(task, batch, content or _selected(task, batch), staged, tally)
                rows_new = self._publish(task, batch, staged_rows(staged))
            except FileRefusedError as error:
                return self._refused(task, batch, error, started)
            except StaleCommitError:
                raise
            except (CountMismatchError, RequestRefusedError, LakeError):
                # What was staged cannot be continued or published: the next run begins a new batch.
                self.ledger.finish(batch, "abandoned")
                raise
        self.ledger.finish(batch, "published" if rows_new else "empty", reading=self._reading(batch, tally))
        return replace(
            self.idle(task, batch.purpose),
            batch_id=batch.batch_id,
            seconds=_since(started),
            rows_read=tally.rows_read,
            rows_new=rows_new,
            rows_known=tally.rows_read - rows_new,
            declared_rows=tally.declared_total or 0,
            pages=tally.pages,
            bytes=tally.byte_count,
            sequence=batch.sequence if rows_new else None,
            is_resumed=is_resumed,
        )

    def idle(self, task: Task, purpose: str) -> ExtractionReport:
        """The report of nothing to do."""
        return ExtractionReport(
            object_name=task.item.name,
            instance=task.instance,
            batch_id="",
            purpose=purpose,
            seconds=0.0,
            peak_rss_mb=peak_rss_mb(),
            watermark=task.table.position(task.instance).watermark,
        )

    def _reading(self, batch: Batch, tally: _Tally) -> Reading | None:
        """How far this batch read; only a refresh says something about that."""
        if batch.purpose != select.REFRESH:
            return None
        window = _window(batch)
        return Reading(
            # By our clock, whatever the source's says: lateness compares it with our clock again.
            read_up_to=min(window.end, batch.started_at) if window else batch.started_at,
            safe_up_to=safe_up_to(window, self.safety_lag) if window else None,
            newest_version_at=tally.newest_version_at,
        )

    def _publish(self, task: Task, batch: Batch, staged: list[StagedRows]) -> int:
        """Publish what a batch staged, if it is anything, and count the rows."""
        if staged:
            self.ledger.still_held(batch)
            task.table.publish(batch.instance, batch.batch_id, batch.sequence, staged)
        return sum(one.row_count for one in staged)

    def _refused(self, task: Task, batch: Batch, error: FileRefusedError, started: float) -> ExtractionReport:
        """Keep the reason, so that this version of the file is not read again, and go on with the other files."""
        file = "@".join(next(iter(batch.selection["files"].items())))
        self.ledger.refuse_file(task.item.name, file, str(error))
        self.ledger.finish(batch, "abandoned")
        report = self.idle(task, batch.purpose)
        return replace(report, batch_id=batch.batch_id, seconds=_since(started), refused_files=(str(error),))

    def _stage(self, task: Task, batch: Batch, content: Content, staged: list[StagedPage], tally: _Tally) -> None:
        """Read and stage what is not staged yet, adding to `staged` and `tally`, and check the total."""
        if not staged or staged[-1].checkpoint is not None:
            self._read(task, batch, content, staged, tally)
        if tally.declared_total != tally.rows_read:
            raise CountMismatchError(
                f"{task.item.name}, instance {batch.instance}: {tally.rows_read} rows arrived, the source declared "
                f"{tally.declared_total}. Nothing was published.",
                remedy="Run the extraction again; if it repeats, the source cuts its answers.",
            )

    def _read(self, task: Task, batch: Batch, content: Content, staged: list[StagedPage], tally: _Tally) -> None:
        with ExitStack() as held:
            new_rows: NewRows | None = None
            stage = task.table.stage(_partition(batch))
            for page in content.read(staged[-1].checkpoint if staged else None):
                # Most increments of most objects are empty: nothing has to be known for them.
                if new_rows is None and page.rows.num_rows:
                    new_rows = held.enter_context(closing(self._new_rows(task, batch, content)))
                safe = _staged_page(task.item, batch, page, len(staged) + 1, stage=stage, new_rows=new_rows)
                self.ledger.add_page(batch, safe)
                staged.append(safe)
                tally.add(safe)
                if task.progress is not None:
                    task.progress(rows=tally.rows_read, total=tally.declared_total, byte_count=tally.byte_count)
                # Let go before the next page is made, so that there is one at a time.
                del page

    def _new_rows(self, task: Task, batch: Batch, content: Content) -> NewRows:
        window = _window(batch)
        lineage = self._lineage(batch, window, content, task.table)
        return NewRows(task.item, lineage, task.table.known_versions(batch.instance, window.start if window else None))

    def _lineage(self, batch: Batch, window: Window | None, content: Content, table: BronzeTable) -> BatchLineage:
        moves = batch.purpose == select.REFRESH and window is not None
        return BatchLineage(
            batch_id=batch.batch_id,
            sequence=batch.sequence,
            extracted_at=batch.started_at,
            partition_date=date.fromisoformat(batch.partition_date),
            window_start=window.start if window else None,
            window_end=window.end if window else None,
            watermark=saved_watermark(
                table.position(batch.instance).watermark, window if moves else None, self.safety_lag
            ),
            is_deleted=content.is_deleted,
            seen_at=content.seen_at,
        )


def staged_rows(pages: Sequence[StagedPage]) -> list[StagedRows]:
    """What was staged of the pages that brought something new."""
    return [StagedRows(**page.file) for page in pages if page.file is not None]


def _staged_page(
    item: CatalogObject, batch: Batch, page: Page, number: int, *, stage: Stage, new_rows: NewRows | None
) -> StagedPage:
    """Check, stamp and stage one page, as number `number` of its batch."""
    if page.declared_rows is not None and page.declared_rows != page.rows.num_rows:
        raise CountMismatchError(
            f"{item.name}, instance {batch.instance}: page {number} has {page.rows.num_rows} rows, the source "
            f"declared {page.declared_rows}. Nothing was published.",
            remedy="Run the extraction again; if it repeats, the source cuts its answers.",
        )
    rows = new_rows.of_page(page.rows, dict(page.origin)) if new_rows is not None else page.rows
    file = None
    if rows.num_rows:
        file = asdict(stage.write(rows, file_name=f"{batch.batch_id}-{batch.attempt}-{number:05d}"))
    return StagedPage(
        number=number,
        rows_read=page.rows.num_rows,
        declared_total=page.declared_total,
        byte_count=page.byte_count,
        checkpoint=dict(page.checkpoint) if page.checkpoint is not None else None,
        file=file,
        newest_version_at=_newest(item, page),
    )


def _partition(batch: Batch) -> dict[str, str]:
    return {"_instance": batch.instance, "_month": f"{batch.started_at:%Y-%m}"}


def _selected(task: Task, batch: Batch) -> Content:
    """What the source has of a batch's selection."""
    selection = select.from_json(batch.selection)
    return Content(read=lambda checkpoint: task.source.read(task.item, selection, resume=checkpoint))


def _window(batch: Batch) -> Window | None:
    selection = select.from_json(batch.selection) if "window" in batch.selection else None
    return selection if isinstance(selection, Window) else None


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


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
