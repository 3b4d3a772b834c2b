"""A source in memory that keeps account of its deletions, hides fields, computes some, and commits late."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Columns, Deletions, Field, Page, Records, Selection, Upcoming
from contact_sync_tests.unit.extraction.memory_source import NOON, MemorySource

CALCULATED = "Total"


@dataclass
class ReplicableSource(MemorySource):
    """Records by key, and what the source knows besides.

    clock: the source's own time. deleted_at: keys in its account of deletions, which goes back to `account_from` (None:
    it keeps none). held_back: how much of the latest time is not settled. not_described: fields that are hidden.
    """

    clock: datetime = NOON
    deleted_at: dict[str, datetime] = field(default_factory=dict)
    account_from: datetime | None = NOON - timedelta(days=15)
    held_back: timedelta = timedelta()
    not_described: set[str] = field(default_factory=set)
    prepared: list[Sequence[Upcoming]] = field(default_factory=list)

    def purge(self, key: str) -> None:
        """Delete a record without a trace."""
        del self.records[key]

    def delete(self, key: str) -> None:
        """Delete a record for good, which only the account tells."""
        self.purge(key)
        self.deleted_at[key] = self.clock

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """The columns that may be seen."""
        names = [name for name in self._columns() if name not in self.not_described]
        return tuple(Field(name=name, type="text", is_calculated=name == CALCULATED) for name in names)

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Windows page by page; columns and records too, in one or more pages."""
        if not isinstance(selection, Columns | Records):
            yield from super().read(item, selection, resume=resume)
            return
        self.reads.append((selection, resume))
        names = None
        rows = list(self.records.values())
        if isinstance(selection, Columns):
            names = ["Id", "ModifiedAt", "IsDeleted", *selection.names]
        else:
            rows = [one for one in rows if one["Id"] in selection.keys]
        pages = max(1, math.ceil(len(rows) / self.page_rows))
        for number in range(pages):
            table = self._table(rows[number * self.page_rows : (number + 1) * self.page_rows])
            yield Page(
                rows=table.select(names) if names else table,
                number=number + 1,
                declared_rows=None,
                declared_total=len(rows) + self.total_change,
                checkpoint=None if number + 1 == pages else {"rows": number},
                byte_count=0,
            )

    def prepare(self, upcoming: Sequence[Upcoming]) -> None:
        """Remember what was announced."""
        self.prepared.append(upcoming)

    def settled(self, item: CatalogObject) -> datetime | None:
        """Now, less what is held back."""
        return self.clock - self.held_back

    def deletions(self, item: CatalogObject, since: datetime) -> Deletions | None:
        """The account from `since` on."""
        if self.account_from is None:
            return None
        found = {key: at for key, at in self.deleted_at.items() if at >= since}
        return Deletions(
            rows=pa.table(
                {
                    item.key: pa.array(list(found), pa.string()),
                    item.cursor or "": pa.array([at.isoformat() for at in found.values()], pa.string()),
                }
            ),
            covered_until=self.clock,
            is_complete=self.account_from <= since,
        )

    def time(self) -> datetime:
        """The source's own time."""
        return self.clock

    def hidden(self, item: CatalogObject, names: Collection[str]) -> frozenset[str]:
        """The fields that still exist."""
        return frozenset(names) & self.not_described

    def _columns(self) -> list[str]:
        return [name for name in super()._columns() if name not in self.not_described]
