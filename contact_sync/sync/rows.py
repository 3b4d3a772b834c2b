"""Rows on their way to a target, and how they are cut into jobs. Does not belong here: sending them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from contact_sync import arrow_values


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows on their way, in one order: as the target takes them, and as the ledger notes them (INTENT).

    before: what the plan saw in the fields of the target; kept only where a write depends on it.
    """

    cells: pa.Table
    intents: pa.Table
    before: pa.Table | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.intents.num_rows

    def filter(self, mask: Any) -> Rows:
        """Some of them."""
        before = None if self.before is None else self.before.filter(mask)
        return Rows(cells=self.cells.filter(mask), intents=self.intents.filter(mask), before=before)

    def slice(self, start: int, count: int) -> Rows:
        """Those from one place on."""
        before = None if self.before is None else self.before.slice(start, count)
        return Rows(cells=self.cells.slice(start, count), intents=self.intents.slice(start, count), before=before)

    def seen_again(self, times: Mapping[str, datetime]) -> Rows:
        """The rows, some of them seen at later times: row key -> time."""
        keys, seen_at = (self.intents.column(name).to_pylist() for name in ("row_key", "seen_at"))
        moments = [times.get(str(key), time) for key, time in zip(keys, seen_at, strict=True)]
        place = self.intents.schema.get_field_index("seen_at")
        return replace(self, intents=self.intents.set_column(place, "seen_at", arrow_values.moments(moments)))


def in_jobs(pieces: Iterable[Rows], size: int) -> Iterator[Rows]:
    """The same rows in parts of `size` rows, and a smaller last one; no more than two parts are held at a time."""
    held: list[Rows] = []
    count = 0
    for piece in pieces:
        start = 0
        while start < piece.count:
            part = piece.slice(start, size - count)
            held.append(part)
            start, count = start + part.count, count + part.count
            if count == size:
                yield _joined(held)
                held, count = [], 0
    if held:
        yield _joined(held)


def gathered(tables: Iterable[pa.Table], count: int) -> Iterator[pa.Table]:
    """The same rows in tables of at least `count` rows, but for the last one."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(one.num_rows for one in held) >= count:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts; a field that only some parts write is null in the others."""
    before = [part.before for part in parts if part.before is not None]
    return Rows(
        before=pa.concat_tables(before) if before else None,
        cells=pa.concat_tables([part.cells for part in parts], promote_options="default"),
        intents=pa.concat_tables([part.intents for part in parts]),
    )
