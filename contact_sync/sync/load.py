"""Loads rows into a target: refuses what cannot be sent, chooses the lane, and sends again what only locks kept out.

Salesforce runs a job's batches of 10,000 rows side by side, so that rows with one parent lock each other out; the rows
of a smaller job are written one after the other. So what was locked is sent again in smaller and smaller jobs.
Does not belong here: where the rows come from (apply.py), and how a lane survives a crash (lanes.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.connectors.retry import Clock, Retry
from contact_sync.connectors.target import Target
from contact_sync.state.writes import Lane, WriteJob, WriteLedger
from contact_sync.sync.lanes import BulkLane, Destination, DirectLane
from contact_sync.sync.outcomes import may_be_sent_again, times_seen_again
from contact_sync.sync.rows import Rows

_compute: Any = pc  # its stubs lack functions and overloads
SMALLER_JOBS: Final = (10_000, 2_000, 200)
"""Rows of the jobs that try again; the first is the size of Salesforce's own batches, the last that of its chunks."""
OUTSIDE_HOURS: Final = "OUTSIDE_HOURS"
"""The hours in which the target may be written were over before the row's turn came."""
_MOST_JOBS: Final = 20
_NOBODY: Final = arrow_values.texts([])


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of rows: written + refused + unprocessed. codes: why not, code -> rows; retried: sent again."""

    written: int = 0
    created: int = 0
    refused: int = 0
    unprocessed: int = 0
    retried: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        codes = {code: self.codes.get(code, 0) + other.codes.get(code, 0) for code in {*self.codes, *other.codes}}
        numbers = ("written", "created", "refused", "unprocessed", "retried")
        return Tally(codes=codes, **{name: getattr(self, name) + getattr(other, name) for name in numbers})


class Loader:
    """Loads into one target, and keeps account in one ledger."""

    def __init__(self, target: Target, ledger: WriteLedger, clock: Clock | None = None) -> None:
        self._target = target
        self._ledger = ledger
        self._retry = Retry(clock=clock or Clock(), first_delay_seconds=1.0)
        self._bulk = BulkLane(target, ledger, self._retry.clock)
        self._direct = DirectLane(target, ledger, self._retry.clock)

    def load(self, to: Destination, rows: Rows, lane: Lane) -> Tally:
        """Write rows; every one is accounted for."""
        rows, tally = self._sendable(to, rows)
        if lane is Lane.DIRECT and to.follows:
            rows = self._seen_after_our_own_writes(to, rows)
        sizes = [rows.count, *SMALLER_JOBS]
        for attempt, size in enumerate(sizes):
            if not rows.count:
                break
            if attempt:
                self._retry.clock.sleep(self._retry.delay(attempt))
                tally += Tally(retried=rows.count)
            settled = pa.concat_tables(self._send(to, rows, lane, max(size, math.ceil(rows.count / _MOST_JOBS))))
            again = may_be_sent_again(settled) if attempt + 1 < len(sizes) else _NOBODY
            if not len(again):
                return tally + _tally_of(settled)
            is_over = _compute.invert(_compute.is_in(settled.column("row_key"), value_set=again))
            tally += _tally_of(settled.filter(is_over))
            rows = rows.filter(_compute.is_in(rows.intents.column("row_key"), value_set=again))
        return tally

    def recover(self, job: WriteJob) -> Tally:
        """Settle a job that a crash left open; what became of its rows, as far as they were sent."""
        lane = self._bulk if job.lane == Lane.BULK else self._direct
        settled = lane.recover(job)
        return Tally() if settled is None else _tally_of(settled)

    def _seen_after_our_own_writes(self, to: Destination, rows: Rows) -> Rows:
        """The rows, those of records that an earlier stage of the plan has written as they are seen now.

        A record that we were the last to change and that holds, in the fields to be written, what the plan saw there,
        has been changed by nobody else in between as far as this write is concerned. For any other nothing is learned:
        its write will find it changed.
        """
        keys = rows.intents.column("row_key")
        finished = [self._ledger.finished(to.plan_id, stage, to.object_name) for stage in to.follows]
        ours = rows.filter(_compute.is_in(keys, value_set=pa.concat_arrays([_NOBODY, *finished])))
        if not ours.count:
            return rows
        fields = [name for name in ours.cells.column_names if name != to.key]
        wanted = [str(key) for key in ours.intents.column("row_key").to_pylist()]
        found = self._target.find(to.target_object, wanted, key=to.key, fields=fields)
        times = times_seen_again(ours, found, user_id=self._target.user_id())
        return rows.seen_again(times)

    def _sendable(self, to: Destination, rows: Rows) -> tuple[Rows, Tally]:
        """The rows that can be sent; the others are refused, and kept as refusals of the target are."""
        prepared = self._target.prepare(to.target_object, rows.cells, key=to.key)
        refused = prepared.refused
        if not refused.num_rows:
            return replace(rows, cells=prepared.rows), Tally()
        is_refused = _compute.is_in(rows.intents.column("row_key"), value_set=refused.column("key"))
        hashes = rows.intents.column("value_hash").take(
            _compute.index_in(refused.column("key"), value_set=rows.intents.column("row_key"))
        )
        columns = [refused.column("key"), hashes, refused.column("code"), refused.column("message")]
        kept = pa.table(columns, names=["row_key", "value_hash", "code", "message"])
        self._ledger.keep_refusals(
            stage=to.stage, instance=to.instance, object_name=to.object_name, refused=_one_of_each(kept)
        )
        sendable = replace(rows.filter(_compute.invert(is_refused)), cells=prepared.rows)
        return sendable, Tally(refused=refused.num_rows, codes=_counts(refused.column("code")))

    def _send(self, to: Destination, rows: Rows, lane: Lane, size: int) -> Iterator[pa.Table]:
        start = 0
        while start < rows.count:
            part = rows.slice(start, size)
            if lane is Lane.DIRECT:
                yield self._direct.write(to, part)
            else:
                # A row that no file could hold is sent by itself, and refused by the org.
                part = part.slice(0, max(self._target.rows_that_fit(part.cells), 1))
                yield self._bulk.write(to, part)
                pa.default_memory_pool().release_unused()
            start += part.count


def left_for_later(rows: Rows) -> Tally:
    """What became of rows that are not sent, because the hours of their target are over."""
    return Tally(unprocessed=rows.count, codes={OUTSIDE_HOURS: rows.count})


def _tally_of(settled: pa.Table) -> Tally:
    outcomes = _counts(settled.column("outcome"))
    return Tally(
        written=outcomes.get("written", 0),
        created=int(_compute.sum(settled.column("is_created")).as_py() or 0),
        refused=outcomes.get("refused", 0),
        unprocessed=outcomes.get("unprocessed", 0),
        codes=_counts(settled.column("code")),
    )


def _counts(values: pa.ChunkedArray[Any]) -> dict[str, int]:
    """value -> how many of it there are; nulls are not counted."""
    counted = _compute.value_counts(values.drop_null())
    return {str(one["values"]): int(one["counts"]) for one in counted.to_pylist()}


def _one_of_each(refused: pa.Table) -> pa.Table:
    """One row for each key: rows with the same key were refused for that."""
    keys = refused.column("row_key")
    first = _compute.index_in(_compute.unique(keys), value_set=keys)
    return refused.take(first)
