"""What a Bulk query job does: its query's result as CSV in a file, taken in one go, so that pages are slices of it.

An attempt that takes too long or is interrupted is made again by the org itself; the documentation says how often, not
what becomes of the rows meanwhile, which here are not to be had. Does not belong here: requests about jobs.
"""

from __future__ import annotations

import csv
import sqlite3
from array import array
from collections.abc import Iterator

from contact_sync.simulator.salesforce.allowances import BULK_QUERY_BYTES
from contact_sync.simulator.salesforce.jobs import DELIMITERS, LINE_ENDINGS, QueryJob
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.store import Cell

MOST_RETRIES = 15
_GIVEN_UP = "InternalServerError : Retried more than fifteen times. Filter the query."
_ROWS_PER_FETCH = 5_000


def run(org: Org, job: QueryJob) -> None:
    """Do the job."""
    if job.state == "Aborted":
        return
    job.turn("InProgress", at=org.store.now())
    if org.disturbances.take_stuck_job():
        return
    failure = org.disturbances.take_job_failure()
    try:
        if failure is not None:
            _take_snapshot(org, job, most_rows=failure.after_rows)
            error: str | None = failure.message
        else:
            error = None if _comes_about(org, job) else _GIVEN_UP
    except (sqlite3.Error, OSError) as broken:
        error = f"InternalServerError : {type(broken).__name__}"
    if job.state == "InProgress":
        job.turn("Failed" if error else "JobComplete", at=org.store.now(), error=error)


def header(job: QueryJob) -> bytes:
    """The names of the columns, which every page begins with."""
    return _csv(job, [[column.name for column in job.statement.columns]])[0]


def _comes_about(org: Org, job: QueryJob) -> bool:
    """Whether one of the attempts that an org makes brings the whole result."""
    while not (is_whole := _attempt(org, job)) and job.retries < MOST_RETRIES:
        job.retries += 1
    return is_whole


def _attempt(org: Org, job: QueryJob) -> bool:
    if org.disturbances.take_interruption():
        return False
    if org.limits.rows_in_time is not None:
        with org.store.reading() as connection:
            count = f"select count(*) from ({job.statement.sql})"
            if connection.execute(count, job.statement.parameters).fetchone()[0] > org.limits.rows_in_time:
                return False
    _take_snapshot(org, job)
    org.usage.note(BULK_QUERY_BYTES, job.offsets[-1])
    return True


def _take_snapshot(org: Org, job: QueryJob, *, most_rows: int | None = None) -> None:
    job.offsets = array("Q", [0])
    with (org.results / job.id).open("wb") as file:
        for lines in _lines(org, job):
            for line in lines[: None if most_rows is None else most_rows - job.row_count]:
                job.offsets.append(job.offsets[-1] + len(line))
                file.write(line)
            if job.state == "Aborted" or job.row_count == most_rows:
                return


def _lines(org: Org, job: QueryJob) -> Iterator[list[bytes]]:
    flags = [at for at, column in enumerate(job.statement.columns) if column.field.type == "boolean"]
    with org.store.reading() as connection:
        found = connection.execute(job.statement.sql, job.statement.parameters)
        while rows := found.fetchmany(_ROWS_PER_FETCH):
            yield _csv(job, [_with_flags(row, flags) for row in rows])


def _with_flags(row: tuple[Cell, ...], flags: list[int]) -> list[Cell]:
    cells = list(row)
    for at in flags:
        cells[at] = None if cells[at] is None else "true" if cells[at] else "false"
    return cells


class _Lines(list[str]):
    """A list that csv.writer can write into: one item for each record."""

    write = list.append


def _csv(job: QueryJob, rows: list[list[Cell]]) -> list[bytes]:
    lines = _Lines()
    delimiter, ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
    csv.writer(lines, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows(rows)
    return [line.encode() for line in lines]
