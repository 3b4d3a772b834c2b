"""What a Bulk ingest job does: its rows written chunk by chunk, and what became of them in three result files.

Up to ten thousand rows are a batch; some batches of a job run side by side, so that rows of one parent that are spread
over them lock each other out. Here they do so in step: in each step every batch writes its next 200 rows, and nobody
lets go of a lock before the step is over. A job completes even when all its rows fail; only an upload that cannot be
read fails it. Does not belong here: requests about jobs (bulk_ingest.py), reading the upload (bulk_upload.py).
"""

from __future__ import annotations

import csv
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from contact_sync.simulator.salesforce.allowances import BULK_BATCHES
from contact_sync.simulator.salesforce.bulk_upload import Upload, UploadError, read_upload
from contact_sync.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, IngestJob
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.records import CHUNK, Saved, WriteOptions
from contact_sync.simulator.salesforce.row_locks import LockOwner

SIDE_BY_SIDE = 4
"""Batches of a job that run at the same time."""
_Cells = list[str]


def run(org: Org, job: IngestJob) -> None:
    """Do the job; of one that was aborted before, only say that none of its rows was processed."""
    if job.state != "Aborted":
        job.turn("InProgress", at=org.store.now())
        if org.disturbances.take_stuck_job():
            return
    failure = org.disturbances.take_job_failure()
    error = failure.message if failure is not None else None
    try:
        with job.file(org.results, "upload").open("rb") as file:
            uploaded = read_upload(
                file,
                org.store.schema,
                job.schema,
                operation=job.operation,
                delimiter=DELIMITERS[job.delimiter],
                line_ending=LINE_ENDINGS[job.line_ending],
            )
            with _Results(org.results, job, uploaded.columns) as results:
                _load(org, job, uploaded, results, most_rows=failure.after_rows if failure is not None else None)
    except UploadError as unreadable:
        error = str(unreadable)
    except (sqlite3.Error, OSError) as broken:
        error = f"InternalServerError : {type(broken).__name__}"
    job.file(org.results, "upload").unlink(missing_ok=True)
    if job.state == "InProgress":
        job.turn("Failed" if error else "JobComplete", at=org.store.now(), error=error)


class _Results:
    """The result files of a job; the order of their rows is not that of the upload: clients have to join by key."""

    def __init__(self, directory: Path, job: IngestJob, columns: Sequence[str]) -> None:
        self._open = ExitStack()
        self._order = random.Random(job.id)
        self._written: list[tuple[Saved, _Cells]] = []
        delimiter, ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
        self._writers = {}
        for listing, names in LISTINGS.items():
            file = self._open.enter_context(job.file(directory, listing).open("w", encoding="utf-8", newline=""))
            writer = csv.writer(file, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
            writer.writerow([*names, *columns])
            self._writers[listing] = writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shuffle()
        self._open.close()

    def add(self, saved: Sequence[Saved], cells: Sequence[_Cells]) -> None:
        """What became of some rows."""
        self._written += zip(saved, cells, strict=True)

    def leave(self, cells: Sequence[_Cells]) -> None:
        """Rows that were not processed."""
        self._writers["unprocessedrecords"].writerows(cells)

    def shuffle(self) -> None:
        """Write what was added since the last time."""
        self._order.shuffle(self._written)
        successful = ([one.id, str(one.created).lower(), *cells] for one, cells in self._written if one.error is None)
        failed = ([one.id, str(one.error), *cells] for one, cells in self._written if one.error is not None)
        self._writers["successfulresults"].writerows(successful)
        self._writers["failedresults"].writerows(failed)
        self._written.clear()


def _load(org: Org, job: IngestJob, uploaded: Upload, results: _Results, *, most_rows: int | None) -> None:
    """Write the rows of an upload, as long as the job is not aborted, and no more than so many if there is a limit."""
    batches = uploaded.batches(org.limits.batch_rows)
    left = most_rows
    while group := list(islice(batches, SIDE_BY_SIDE)):
        if job.state != "Aborted" and left != 0:
            org.jobs["ingest_batch"] += len(group)
            org.usage.note(BULK_BATCHES, len(group))
        for step in _steps(group):
            if job.state == "Aborted" or left == 0:
                for chunk in step:
                    results.leave(chunk)
                continue
            left = _step(org, job, uploaded, results, step, left=left)
        results.shuffle()


def _steps(group: Sequence[list[_Cells]]) -> Iterator[list[list[_Cells]]]:
    """The chunks that batches side by side write at the same time."""
    for start in range(0, max(map(len, group)), CHUNK):
        yield [batch[start : start + CHUNK] for batch in group if batch[start : start + CHUNK]]


def _step(
    org: Org, job: IngestJob, uploaded: Upload, results: _Results, step: Sequence[list[_Cells]], *, left: int | None
) -> int | None:
    owners = [LockOwner(job, part) for part, _ in enumerate(step)]
    try:
        for owner, cells in zip(owners, step, strict=True):
            done = cells if left is None else cells[:left]
            saved = _write(org, job, [uploaded.row(one) for one in done], owner)
            results.add(saved, done)
            results.leave(cells[len(done) :])
            job.processed += len(saved)
            job.failed += sum(1 for one in saved if one.error is not None)
            left = None if left is None else left - len(done)
    finally:
        org.writer.locks.release(*owners)
    return left


def _write(org: Org, job: IngestJob, rows: Sequence[dict[str, str | None]], owner: LockOwner) -> list[Saved]:
    name, user_id = job.schema.name, job.user_id
    options = WriteOptions(owner=owner, keeps_locks=True)
    if job.operation == "insert":
        return org.writer.insert(name, rows, user_id=user_id, options=options)
    if job.operation == "update":
        return org.writer.update(name, rows, user_id=user_id, options=options)
    if job.operation == "upsert":
        return org.writer.upsert(name, str(job.external_id), rows, user_id=user_id, options=options)
    with org.store.writing():
        saved = org.writer.delete(name, [str(row.get("Id") or "") for row in rows], user_id=user_id, options=options)
        if job.operation == "hardDelete":
            for one in saved:
                if one.error is None:
                    org.writer.hard_delete(name, str(one.id))
    return saved


LISTINGS = {
    "successfulresults": ("sf__Id", "sf__Created"),
    "failedresults": ("sf__Id", "sf__Error"),
    "unprocessedrecords": (),
}
"""Name of a result file in lower case -> what its rows hold before the columns of the upload."""
