"""A source whose records are in memory, and the bench to extract from it and to look at bronze.

It keeps the promises of a keyset reader: a window in order of (time, key), pages that can be continued after.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Field, Health, Page, Selection, Window
from contact_sync.extraction.extract import Extractor, Ledgers
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.select import Days
from contact_sync.lake.database import LakeDatabase
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.location import LakeLocation
from contact_sync.lake.postgres import PostgresBronzeTable
from contact_sync.state.batches import BatchLedger
from contact_sync.state.database import StateDatabase
from contact_sync.state.schemas import SchemaLedger
from contact_sync.state.upkeep import UpkeepLedger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LAG = timedelta(minutes=5)
CONTACT = CatalogObject(
    source="crm",
    connector="memory",
    object="Contact",
    description="People.",
    owner="team:test",
    key="Id",
    cursor="ModifiedAt",
    deleted="IsDeleted",
)


def record(key: int | str, at: datetime, **values: str | None) -> dict[str, str | None]:
    """A record as the source would send it."""
    return {"Id": str(key), "ModifiedAt": at.isoformat(), "IsDeleted": "false", **values}


@dataclass
class MemorySource:
    """Records by key. The two `_change`s are added to what is declared; `missing` keys are counted but not sent."""

    records: dict[str, dict[str, str | None]] = field(default_factory=dict)
    page_rows: int = 2
    total_change: int = 0
    page_change: int = 0
    reads: list[tuple[Selection, Checkpoint | None]] = field(default_factory=list)

    def put(self, *records: dict[str, str | None]) -> None:
        """Insert or change records."""
        self.records |= {str(one["Id"]): one for one in records}

    def check(self) -> Health:
        """It is always there."""
        return Health(identity="memory", description="records in memory")

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """The columns of the records."""
        return tuple(Field(name=name, type="text") for name in self._columns())

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Yield a window page by page."""
        assert isinstance(selection, Window)
        self.reads.append((selection, resume))
        done = int(resume["rows"]) if resume else 0
        rows = self._selected(selection, (resume["time"], resume["key"]) if resume else None)
        total = done + len(rows)
        pages = max(1, math.ceil(len(rows) / self.page_rows))
        for number in range(pages):
            part = rows[number * self.page_rows : (number + 1) * self.page_rows]
            done += len(part)
            last = {"time": part[-1]["ModifiedAt"], "key": part[-1]["Id"], "rows": done} if part else None
            yield Page(
                rows=self._table(part),
                number=number + 1,
                declared_rows=len(part) + self.page_change,
                declared_total=total + self.total_change,
                checkpoint=last if number + 1 < pages else None,
                byte_count=100 * len(part),
            )

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Whether a record is newer."""
        return any(since is None or _time(one) > since for one in self.records.values())

    def close(self) -> None:
        """Nothing is open."""

    def _selected(self, window: Window, after: tuple[str, str] | None) -> list[dict[str, str | None]]:
        order = sorted(self.records.values(), key=lambda one: (str(one["ModifiedAt"]), str(one["Id"])))
        inside = [one for one in order if (window.start is None or _time(one) >= window.start)]
        inside = [one for one in inside if _time(one) < window.end]
        return [one for one in inside if after is None or (str(one["ModifiedAt"]), str(one["Id"])) > after]

    def _columns(self) -> list[str]:
        return list(dict.fromkeys(name for one in self.records.values() for name in one)) or ["Id", "ModifiedAt"]

    def _table(self, rows: Sequence[dict[str, str | None]]) -> pa.Table:
        return pa.table({name: pa.array([one.get(name) for one in rows], pa.string()) for name in self._columns()})


def _time(one: dict[str, str | None]) -> datetime:
    return datetime.fromisoformat(str(one["ModifiedAt"]))


@dataclass
class Bench:
    """An extractor with a lake and a ledger of its own, and a clock that is set by hand."""

    home: Path
    now: datetime = NOON
    item: CatalogObject = CONTACT
    lake_database: LakeDatabase | None = None

    def __post_init__(self) -> None:
        self.location = LakeLocation(root=str(self.home / "lake"))
        self.database = StateDatabase(f"sqlite:///{self.home / 'state.sqlite'}")
        self.ledger = BatchLedger(self.database)
        self.schemas = SchemaLedger(self.database)
        self.upkeep = UpkeepLedger(self.database)
        self.ledgers = Ledgers(batches=self.ledger, schemas=self.schemas, upkeep=self.upkeep)
        self.extractor = self.make_extractor(LAG)

    def make_extractor(self, safety_lag: timedelta) -> Extractor:
        """An extractor into the bench's lake, wherever that is when it is used."""
        return Extractor(
            bronze=self.open_table,
            ledgers=self.ledgers,
            safety_lag=safety_lag,
            now=lambda: self.now,
        )

    def open_table(self, name: str) -> Any:
        """A bronze table, in the database if the bench has one."""
        if self.lake_database is not None:
            return PostgresBronzeTable(self.lake_database, name)
        return DeltaBronzeTable(self.location, name)

    def run(self, source: Any, *, days: Days | None = None, instance: str = "core") -> ExtractionReport:
        """Extract once."""
        return self.extractor.run(self.item, instance, source, days=days)

    def later(self, **change: float) -> None:
        """Move the clock on."""
        self.now += timedelta(**change)

    @property
    def table(self) -> Any:
        """The bronze table as it is now."""
        return self.open_table(self.item.name)

    def rows(self, *columns: str) -> list[dict[str, Any]]:
        """Bronze, sorted; without columns everything that does not depend on when and by which batch it was read."""
        table = self.table
        if not table.exists:
            return []
        changing = {"_batch_id", "_sequence", "_extracted_at", "_watermark"}
        names = columns or [name for name in table.columns if name not in changing]
        parts = [table.scan(instance, list(names)).read_all() for instance in table.sequences()]
        found = [row for part in parts for row in part.to_pylist()]
        return sorted(found, key=lambda row: [str(row[name]) for name in names])

    def versions(self) -> list[tuple[str, datetime]]:
        """(record id, source time) of every row of bronze."""
        return [(row["_record_id"], row["_version_at"]) for row in self.rows("_record_id", "_version_at")]

    def states(self) -> list[str]:
        """State of every batch in the ledger, oldest first."""
        with self.database.transaction() as connection:
            return list(connection.exec_driver_sql("select state from batch order by started_at, rowid").scalars())

    def close(self) -> None:
        """Give the database connections back."""
        self.database.close()
