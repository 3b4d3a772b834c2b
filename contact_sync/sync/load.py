"""Loads rows into a target: refuses what cannot be sent, chooses the lane, and sends again what only locks kept out.

Salesforce runs a job's batches of 10,000 rows side by side, so that rows with one parent lock each other out; the rows
of a smaller job are written one after the other. So what was locked is sent again in smaller and smaller jobs.
Does not belong here: where the rows come from (apply.py), and how a lane survives a crash (lanes.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.connectors.retry import Clock, Retry
from contact_sync.connectors.target import Operation, Target
from contact_sync.state.writes import WRITTEN, Lane, WriteJob, WriteLedger
from contact_sync.sync.lanes import BulkLane, Destination, DirectLane
from contact_sync.sync.outcomes import may_be_sent_again
from contact_sync.sync.rows import Rows

_compute: Any = pc  # its stubs lack functions and overloads
SMALLER_JOBS: Final = (10_000, 2_000, 200)
"""Rows of the jobs that try again; the first is the size of Salesforce's own batches, the last that of its chunks."""
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
        self._bulk, self._direct = BulkLane(target, ledger), DirectLane(target, ledger)
        self._retry = Retry(clock=clock or Clock(), first_delay_seconds=1.0)
        self._updated: list[tuple[str, pa.ChunkedArray[Any], datetime]] = []

    def load(self, to: Destination, rows: Rows, lane: Lane) -> Tally:
        """Write rows; every one is accounted for."""
        rows, tally = self._sendable(to, self._seen_since_our_own_writes(to, rows))
        sizes = [rows.count, *SMALLER_JOBS]
        for attempt, size in enumerate(sizes):
            if not rows.count:
                break
            if attempt:
                self._retry.clock.sleep(self._retry.delay(attempt))
                tally += Tally(retried=rows.count)
            settled = pa.concat_tables(self._send(to, rows, lane, max(size, math.ceil(rows.count / _MOST_JOBS))))
            again = may_be_sent_again(settled) if attempt + 1 < len(sizes) else _NOBODY
            self._note_updates(to, settled)
            is_over = _compute.invert(_compute.is_in(settled.column("row_key"), value_set=again))
            tally += _tally_of(settled.filter(is_over))
            rows = rows.filter(_compute.is_in(rows.intents.column("row_key"), value_set=again))
        return tally

    def recover(self, job: WriteJob, to: Destination) -> None:
        """Settle a job that a crash left open."""
        lane = self._bulk if job.lane == Lane.BULK else self._direct
        lane.recover(job, to)

    def _note_updates(self, to: Destination, settled: pa.Table) -> None:
        """Remember which records were updated until now: their change since they were seen is our own."""
        if to.operation is Operation.UPDATE:
            written = settled.filter(_compute.equal(settled.column("outcome"), WRITTEN)).column("row_key")
            self._updated.append((to.object_name, written, self._target.time()))

    def _seen_since_our_own_writes(self, to: Destination, rows: Rows) -> Rows:
        """The rows, those of records that we have updated ourselves as seen when we did."""
        self._updated = [one for one in self._updated if one[0] == to.object_name]
        seen_at = rows.intents.column("seen_at")
        for _, keys, time in self._updated:
            is_ours = _compute.is_in(rows.intents.column("row_key"), value_set=keys)
            seen_at = _compute.if_else(is_ours, arrow_values.moment(time), seen_at)
        place = rows.intents.schema.get_field_index("seen_at")
        return replace(rows, intents=rows.intents.set_column(place, "seen_at", seen_at))

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
