"""The rows that targets refused, as a table of the operational database: kept, counted, released.

Functions that work within a transaction of the ledger of writes (writes.py). Does not belong here: when a refusal holds
no longer (sync/passed_refusals.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from contact_sync import arrow_values
from contact_sync.state.database import REFUSED_WRITE

_compute: Any = pc  # its stubs lack functions and overloads
_COLUMNS: Final = ("object_name", "instance", "row_key", "stage", "value_hash", "code")
_CHUNK: Final = 5_000
"""A database takes only so many parameters in one statement."""


@dataclass(frozen=True, kw_only=True)
class RefusalCount:
    """How many rows of a stage are refused with a code, and since when the oldest of them."""

    object_name: str
    instance: str
    stage: str
    code: str
    rows: int
    oldest: datetime


def replace_refusals(
    connection: sa.Connection, place: Mapping[str, str], *, ended: pa.ChunkedArray[Any], refused: pa.Table
) -> None:
    """Forget the refusals of rows that have ended now (row keys), and keep those of the rows that were refused.

    place: `object_name`, `instance` and `stage`. refused: `row_key`, `value_hash`, `code` and `message`.
    """
    _forget(connection, place, ended)
    now = datetime.now(UTC)
    rows = refused.select(["row_key", "value_hash", "code", "message"]).to_pylist()
    for part in _parts(rows):
        connection.execute(sa.insert(REFUSED_WRITE), [{**place, **row, "refused_at": now} for row in part])


def all_refusals(connection: sa.Connection) -> pa.Table:
    """Every refusal: object_name, instance, row_key, stage, value_hash, code."""
    rows = connection.execute(sa.select(*(REFUSED_WRITE.c[name] for name in _COLUMNS))).fetchall()
    values = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    return pa.table({name: arrow_values.texts(column) for name, column in zip(_COLUMNS, values, strict=True)})


def still_refused(connection: sa.Connection, stage: str, object_name: str, rows: pa.Table) -> pa.Array[Any]:
    """The keys of those rows (`row_key`, `value_hash`) whose refusal is kept, for these very values."""
    query = sa.select(REFUSED_WRITE.c.row_key, REFUSED_WRITE.c.value_hash).where(
        REFUSED_WRITE.c.stage == stage, REFUSED_WRITE.c.object_name == object_name
    )
    kept = arrow_values.texts([f"{row.row_key}\n{row.value_hash}" for row in connection.execute(query)])
    named = _compute.binary_join_element_wise(rows.column("row_key"), rows.column("value_hash"), "\n")
    return rows.column("row_key").filter(_compute.is_in(named, value_set=kept)).combine_chunks()


def count_refusals(connection: sa.Connection) -> list[RefusalCount]:
    """Refusals by object, instance, stage and code, in this order."""
    by = [REFUSED_WRITE.c[name] for name in ("object_name", "instance", "stage", "code")]
    numbers = (sa.func.count().label("rows"), sa.func.min(REFUSED_WRITE.c.refused_at).label("oldest"))
    rows = connection.execute(sa.select(*by, *numbers).group_by(*by).order_by(*by))
    return [RefusalCount(**row) for row in rows.mappings()]


def release_refusals(
    connection: sa.Connection,
    codes: Collection[str],
    *,
    object_name: str | None,
    instance: str | None,
    refused_before: datetime | None,
) -> int:
    """Forget refusals with these codes, of one object or instance only, or older than a time; returns how many."""
    conditions: list[sa.ColumnElement[bool]] = [REFUSED_WRITE.c.code.in_(codes)]
    if object_name is not None:
        conditions.append(REFUSED_WRITE.c.object_name == object_name)
    if instance is not None:
        conditions.append(REFUSED_WRITE.c.instance == instance)
    if refused_before is not None:
        conditions.append(REFUSED_WRITE.c.refused_at < refused_before)
    return connection.execute(sa.delete(REFUSED_WRITE).where(*conditions)).rowcount


def _forget(connection: sa.Connection, place: Mapping[str, str], ended: pa.ChunkedArray[Any]) -> None:
    """Forget the refusals of these rows; the work grows with their number, not with that of the refusals kept."""
    of_object = [REFUSED_WRITE.c[name] == place[name] for name in ("object_name", "instance")]
    # Mostly there are fewer refusals than the job has rows, or none; then the rows need not be asked for.
    query = sa.select(REFUSED_WRITE.c.row_key).where(*of_object).limit(len(ended))
    some = arrow_values.texts(connection.execute(query).scalars().all())
    if not len(some):
        return
    stale = ended if len(some) == len(ended) else ended.filter(_compute.is_in(ended, value_set=some))
    for part in _parts(stale.to_pylist()):
        is_stale = REFUSED_WRITE.c.row_key.in_(part) & (REFUSED_WRITE.c.stage == place["stage"])
        connection.execute(sa.delete(REFUSED_WRITE).where(*of_object, is_stale))


def _parts(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
