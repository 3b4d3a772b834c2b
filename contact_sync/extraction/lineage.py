"""Adds lineage columns to a page and drops the rows bronze already holds.

A row is known when bronze has the same (record id, source time, row hash) of this instance. Does not belong here:
reading pages or writing files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.catalog import CatalogObject
from contact_sync.extraction.known import KnownVersions
from contact_sync.extraction.row_hash import row_hashes
from contact_sync.extraction.source_times import source_times
from contact_sync.lake.bronze import LINEAGE

_Column: TypeAlias = "pa.ChunkedArray[Any] | pa.Array[Any]"
_NUMBER: Final = pa.int64()
_TRUE: Final = arrow_values.text("true")
_NO: Final = arrow_values.flag(value=False)


@dataclass(frozen=True, kw_only=True)
class BatchLineage:
    """What all rows of a batch have in common.

    is_deleted: every row is evidence that its record is gone. seen_at: source time at which every record was seen
    alive, although bronze has evidence of its end; its version is no older.
    """

    batch_id: str
    sequence: int
    extracted_at: datetime
    partition_date: date
    window_start: datetime | None
    window_end: datetime | None
    watermark: str
    is_deleted: bool = False
    seen_at: datetime | None = None


class NewRows:
    """Stamps pages of one batch and keeps only rows that bronze lacks."""

    def __init__(self, item: CatalogObject, lineage: BatchLineage, known: Iterable[pa.RecordBatch]) -> None:
        self._item = item
        self._is_deleted = lineage.is_deleted
        self._seen_at = arrow_values.moment(lineage.seen_at)
        self._common = {
            "_batch_id": arrow_values.text(lineage.batch_id),
            "_sequence": arrow_values.integer(lineage.sequence),
            "_extracted_at": arrow_values.moment(lineage.extracted_at),
            "_partition_date": arrow_values.day(lineage.partition_date),
            "_window_start": arrow_values.moment(lineage.window_start),
            "_window_end": arrow_values.moment(lineage.window_end),
            "_watermark": arrow_values.text(lineage.watermark),
        }
        self._known = KnownVersions(known)

    def of_page(self, rows: pa.Table, origin: dict[str, str]) -> pa.Table:
        """The page's new rows: its own columns, those of `origin` (such as `_file`), and LINEAGE."""
        if any(not name.startswith("_") for name in origin):
            message = f"columns of a page's origin start with an underscore: {sorted(origin)}"
            raise ValueError(message)
        own = self._own(rows)
        for name, value in origin.items():
            rows = rows.append_column(name, arrow_values.repeat(arrow_values.text(value), rows.num_rows))
        for field in LINEAGE:
            column = own.get(field.name)
            if column is None:
                column = arrow_values.repeat(self._common[field.name], rows.num_rows)
            rows = rows.append_column(field, column)
        return self._known.new(rows)

    def close(self) -> None:
        """Free the memory."""
        self._known.close()

    def _own(self, rows: pa.Table) -> dict[str, _Column]:
        """The lineage columns that differ from row to row."""
        return {
            "_record_id": rows.column(self._item.key),
            "_version_at": self._version_at(rows),
            "_is_deleted": self._deleted(rows),
            "_row_hash": row_hashes(rows),
        }

    def _version_at(self, rows: pa.Table) -> _Column:
        if self._item.cursor not in rows.column_names:
            return arrow_values.repeat(self._seen_at, rows.num_rows)
        times = source_times(rows.column(self._item.cursor))
        # As numbers: Arrow has no greatest of times with a zone.
        newest: Any = pc.max_element_wise(times.cast(_NUMBER), self._seen_at.cast(_NUMBER)).cast(times.type)
        return cast("_Column", newest)

    def _deleted(self, rows: pa.Table) -> _Column:
        if self._is_deleted or self._item.deleted not in rows.column_names:
            return arrow_values.repeat(arrow_values.flag(value=self._is_deleted), rows.num_rows)
        is_deleted: Any = pc.fill_null(pc.equal(pc.utf8_lower(rows.column(self._item.deleted)), _TRUE), _NO)
        return cast("_Column", is_deleted)
