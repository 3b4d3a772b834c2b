"""Rows on their way to a target, and how they are cut into jobs. Does not belong here: sending them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows on their way, in one order: as the target takes them, and as the ledger notes them (INTENT)."""

    cells: pa.Table
    intents: pa.Table

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.intents.num_rows

    def filter(self, mask: Any) -> Rows:
        """Some of them."""
        return Rows(cells=self.cells.filter(mask), intents=self.intents.filter(mask))

    def slice(self, start: int, count: int) -> Rows:
        """Those from one place on."""
        return Rows(cells=self.cells.slice(start, count), intents=self.intents.slice(start, count))


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


def _joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts; a field that only some parts write is null in the others."""
    return Rows(
        cells=pa.concat_tables([part.cells for part in parts], promote_options="default"),
        intents=pa.concat_tables([part.intents for part in parts]),
    )
