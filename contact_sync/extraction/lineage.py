"""Adds lineage columns to a page and drops the rows bronze already holds, in SQL on an in-memory DuckDB.

A row is known when bronze has the same (record id, source time, row hash) of this instance. Does not belong here:
reading pages or writing files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any, Final

import duckdb
import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.extraction.known import KnownVersions
from contact_sync.lake.bronze import LINEAGE

_SEPARATOR: Final = "chr(31)"


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
        self._lineage = lineage
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        # A source time without a zone is UTC, wherever this machine is.
        self._database.execute("set TimeZone = 'UTC'")
        self._known = KnownVersions(self._database, known)
        self._texts: dict[str, Any] = {}
        self._common = self._one_row(
            "select $1 as _batch_id, $2::bigint as _sequence, $3::timestamptz as _extracted_at, "
            "$4::date as _partition_date, $5::timestamptz as _window_start, $6::timestamptz as _window_end, "
            "$7 as _watermark",
            lineage.batch_id,
            lineage.sequence,
            lineage.extracted_at,
            lineage.partition_date,
            lineage.window_start,
            lineage.window_end,
            lineage.watermark,
        )

    def of_page(self, rows: pa.Table, origin: dict[str, str]) -> pa.Table:
        """The page's new rows: its own columns, those of `origin` (such as `_file`), and LINEAGE."""
        if any(not name.startswith("_") for name in origin):
            message = f"columns of a page's origin start with an underscore: {sorted(origin)}"
            raise ValueError(message)
        # Otherwise the allocator keeps what the pages before this one took: 30 MB at the end of a long reading.
        pa.default_memory_pool().release_unused()
        stamps = self._stamps(rows)
        for name, value in origin.items():
            if value not in self._texts:
                self._texts[value] = self._one_row("select $1 as value", value).column("value")[0]
            rows = rows.append_column(name, pa.repeat(self._texts[value], rows.num_rows))
        for field in LINEAGE:
            rows = rows.append_column(field, self._lineage_column(field, rows, stamps))
        return self._known.new(rows)

    def close(self) -> None:
        """Free the memory."""
        self._known.close()
        self._database.close()
        pa.default_memory_pool().release_unused()

    def _lineage_column(
        self, field: pa.Field[Any], rows: pa.Table, stamps: pa.Table
    ) -> pa.ChunkedArray[Any] | pa.Array[Any]:
        if field.name == "_record_id":
            return rows.column(self._item.key).cast(field.type)
        if field.name in stamps.column_names:
            return stamps.column(field.name).cast(field.type)
        return pa.repeat(self._common.column(field.name).cast(field.type)[0], rows.num_rows)

    def _one_row(self, statement: str, *parameters: object) -> pa.Table:
        """Values as Arrow has them; made of Python's own, pyarrow would import pandas: 0.4 CPU seconds and 50 MB."""
        row: pa.Table = self._database.sql(statement, params=list(parameters)).to_arrow_table()
        return row

    def _stamps(self, rows: pa.Table) -> pa.Table:
        """The lineage columns that differ from row to row, but for the record id; only they come out of DuckDB."""
        self._database.register("page", rows)
        parameters = [self._lineage.is_deleted, self._lineage.seen_at]
        stamps: pa.Table = self._database.sql(_stamp_sql(self._item, rows), params=parameters).to_arrow_table()
        self._database.unregister("page")
        return stamps


def _stamp_sql(item: CatalogObject, rows: pa.Table) -> str:
    columns = rows.column_names
    version = f"try_cast({_name(item.cursor)} as timestamptz)" if item.cursor in columns else "null::timestamptz"
    deleted = f"coalesce(lower({_name(item.deleted)}) = 'true', false)" if item.deleted in columns else "false"
    return f"""
        select
            greatest({version}, $2::timestamptz) as _version_at,
            $1 or {deleted} as _is_deleted,
            {_hash_sql(rows)} as _row_hash
        from page
    """  # noqa: S608 -- names are quoted and come from the source's own description


def _hash_sql(rows: pa.Table) -> str:
    """The row's hash: MD5 of `presence US value US value ...`, the values that are not null in order of their columns.

    US is the unit separator; one inside a value is doubled. Presence is a number that says which columns are not null:
    the first 64 bits of the MD5 of their names, combined by exclusive or. So neither the order of the columns nor one
    that is empty or missing makes a difference, while a value in another column, or cut elsewhere, does.
    """
    names = sorted(name for name in rows.column_names if not name.startswith("_"))
    presence = ["0::bigint"]
    for name in names:
        given = f"({_name(name)} is not null)::bigint * " if rows.column(name).null_count else ""
        presence.append(f"{given}{_number(name)}")
    while len(presence) > 1:
        # In pairs, because DuckDB refuses expressions that are nested as deep as an object may have columns.
        pairs = zip_longest(presence[::2], presence[1::2], fillvalue="0::bigint")
        presence = [f"xor({left}, {right})" for left, right in pairs]
    values = [_value_sql(name, rows.column(name)) for name in names]
    return f"md5(concat_ws({_SEPARATOR}, {', '.join((*presence, *values))}))"


def _value_sql(name: str, column: pa.ChunkedArray[Any]) -> str:
    """A value as it is hashed. Looking for the separator in a whole column is as fast as reading memory."""
    buffers = [buffer for chunk in column.chunks for buffer in chunk.buffers()[2:] if buffer is not None]
    if any(re.search(b"\x1f", buffer) for buffer in buffers):
        return f"replace({_name(name)}, {_SEPARATOR}, {_SEPARATOR} || {_SEPARATOR})"
    return _name(name)


def _number(name: str) -> int:
    """64 bits that stand for a column, as a signed number."""
    return int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest()[:8], "big", signed=True)


def _name(column: str | None) -> str:
    return '"' + (column or "").replace('"', '""') + '"'
