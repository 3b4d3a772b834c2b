"""What the answers of a target mean for the rows of a plan; pure.

Does not belong here: asking the target, and keeping what became of rows (state/writes.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.connectors.target import CHANGED_MEANWHILE, CLEAR, RESULT, Operation
from contact_sync.state.writes import OUTCOME, REFUSED, UNPROCESSED, WRITTEN
from contact_sync.sync.rows import Rows

_compute: Any = pc  # its stubs lack functions and overloads
AMBIGUOUS: Final = "AMBIGUOUS_OUTCOME"
"""The reply was lost, and what is in the record now tells neither that the write was made nor that it was not."""
UPLOAD_LOST: Final = "UPLOAD_LOST"
"""The rows of a job were not all received, so that the job was given up before it began."""
PASSING: Final = (
    *("UNABLE_TO_LOCK_ROW", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"),
    "INVALID_SESSION_ID",
)
"""Refusals that say nothing about the row: it may be sent again as it is. A session can end between a request and the
row in it.
"""
_SAYING_NOTHING: Final = arrow_values.texts([*PASSING, CHANGED_MEANWHILE])
_MEANWHILE: Final = arrow_values.text(CHANGED_MEANWHILE)
_NO: Final = arrow_values.flag(value=False)


def outcomes_of(results: pa.Table) -> pa.Table:
    """Results (RESULT) as outcomes (OUTCOME)."""
    is_coded = _compute.is_valid(results.column("code"))
    is_refused = _compute.and_not(is_coded, _compute.is_in(results.column("code"), value_set=_SAYING_NOTHING))
    is_left = _compute.or_(is_coded, _compute.is_null(results.column("record_id")))
    outcome = _compute.if_else(is_refused, REFUSED, _compute.if_else(is_left, UNPROCESSED, WRITTEN))
    columns = [results.column("key"), outcome, *(results.column(name) for name in RESULT.names[1:])]
    return pa.Table.from_arrays(columns, schema=OUTCOME)


def left_alone(intents: pa.Table, code: str) -> pa.Table:
    """Outcomes (OUTCOME) of rows that were not taken up, for this reason."""
    return _all_the_same(intents, UNPROCESSED, code, None)


def all_ambiguous(intents: pa.Table, reason: str) -> pa.Table:
    """Outcomes (OUTCOME) of rows that cannot be read any more."""
    return _all_the_same(intents, REFUSED, AMBIGUOUS, reason)


def may_be_sent_again(settled: pa.Table) -> pa.ChunkedArray[Any]:
    """The keys of rows that were not taken up for a reason that passes; not of those whose record has changed."""
    is_left = _compute.equal(settled.column("outcome"), UNPROCESSED)
    has_changed = _compute.fill_null(_compute.equal(settled.column("code"), _MEANWHILE), _NO)
    return settled.filter(_compute.and_not(is_left, has_changed)).column("row_key")


def fingerprints(rows: pa.Table, key: str) -> pa.StringArray:
    """For each row the names of the fields it writes and a hash of their values; a clear counts as no value."""
    names = sorted(name for name in rows.column_names if name != key)
    cells = [rows.column(name).to_pylist() for name in names]
    return arrow_values.texts(
        [fingerprint({name: text for name, text in zip(names, row, strict=True) if text is not None})
         for row in (zip(*cells, strict=True) if cells else [()] * rows.num_rows)]
    )  # fmt: skip


def fingerprint(values: Mapping[str, str | None]) -> str:
    """The names of fields and a hash of their values."""
    names = sorted(values)
    content = repr([None if values[name] == CLEAR else values[name] for name in names])
    return f"{','.join(names)}:{hashlib.sha256(content.encode()).hexdigest()}"


def times_seen_again(rows: Rows, found: pa.Table, *, user_id: str) -> dict[str, datetime]:
    """Row key -> time of the last change, of rows whose record was changed by us last and holds what the plan saw."""
    records = {record["key"]: record for record in found.to_pylist()}
    befores = rows.before.to_pylist() if rows.before is not None else []
    times: dict[str, datetime] = {}
    for key, before, cells in zip(
        rows.intents.column("row_key").to_pylist(), befores, rows.cells.to_pylist(), strict=True
    ):
        record = records.get(key)
        if record is not None and user_id and record["modified_by"] == user_id:
            written = [name for name in before if cells.get(name) is not None]
            if all(record.get(name) == before[name] for name in written):
                times[str(key)] = record["modified_at"]
    return times


def fields_of(prints: Iterable[Any]) -> list[str]:
    """The names of all fields in some fingerprints."""
    named = (str(one).partition(":")[0] for one in prints)
    return sorted({name for names in named for name in names.split(",") if name})


def outcomes_by_reading(
    intents: pa.Table, found: pa.Table, *, operation: Operation, began_at: datetime, user_id: str
) -> pa.Table:
    """What became of rows whose reply was lost, from what the target holds now (Target.find); never a guess.

    A record that holds what was to be written has been written; one that was not touched since the write began, or
    since it was seen, has not. One that we were the last to touch since then holds our values as the target made them.
    Everything else is ambiguous, and refused, so that a person looks: somebody else has changed it, and nobody knows
    what they saw.
    """
    records = {record["key"]: record for record in found.to_pylist()}
    rows = [
        _by_reading(intent, records.get(intent["row_key"]), operation, began_at, user_id)
        for intent in intents.to_pylist()
    ]
    return _outcomes(rows)


def _by_reading(
    intent: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    operation: Operation,
    began_at: datetime,
    user_id: str,
) -> dict[str, Any]:
    row_key = intent["row_key"]
    if operation is Operation.DELETE:
        return _row(row_key, "written" if record is None else "unprocessed")
    if record is None:
        return _row(row_key, "unprocessed")
    names = fields_of([intent["fingerprint"]])
    holds_it = fingerprint({name: record[name] for name in names}) == intent["fingerprint"]
    start = began_at.replace(microsecond=0)
    seen_at = intent["seen_at"]
    is_untouched = record["modified_at"] < start or (seen_at is not None and record["modified_at"] <= seen_at)
    if is_untouched and not holds_it:
        return _row(row_key, "unprocessed")
    is_ours = bool(user_id) and record["modified_by"] == user_id and record["modified_at"] >= start
    if holds_it or is_ours:
        is_created = record["created_by"] == user_id and record["created_at"] >= start
        return _row(row_key, "written", record_id=record["record_id"], is_created=is_created)
    message = "The reply was lost, and somebody else has changed the record since."
    return _row(row_key, "refused", record_id=record["record_id"], code=AMBIGUOUS, message=message)


def _row(row_key: str, outcome: str, **values: Any) -> dict[str, Any]:
    nothing = {"record_id": None, "is_created": False, "code": None, "message": None}
    return {"row_key": row_key, "outcome": outcome, **nothing, **values}


def _outcomes(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    texts = {name: arrow_values.texts([row[name] for row in rows]) for name in OUTCOME.names if name != "is_created"}
    columns: dict[str, Any] = {**texts, "is_created": arrow_values.flags([row["is_created"] for row in rows])}
    return pa.Table.from_arrays([columns[name] for name in OUTCOME.names], schema=OUTCOME)


def _all_the_same(intents: pa.Table, outcome: pa.Scalar[Any], code: str, message: str | None) -> pa.Table:
    texts = (arrow_values.text(one) for one in (None, code, message))
    record_id, codes, messages = (arrow_values.repeat(one, intents.num_rows) for one in texts)
    outcomes, is_created = (arrow_values.repeat(one, intents.num_rows) for one in (outcome, _NO))
    columns: list[Any] = [intents.column("row_key"), outcomes, record_id, is_created, codes, messages]
    return pa.Table.from_arrays(columns, schema=OUTCOME)
