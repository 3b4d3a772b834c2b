"""Adds lineage columns to a page and drops the rows bronze already holds, in SQL on an in-memory DuckDB.

A row is known when bronze has the same (record id, source time, row hash) of this instance. Does not belong here:
reading pages or writing files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.lake.bronze import LINEAGE

_FIELD_SEPARATOR = "chr(31)"
_FINGERPRINT = f"md5_number(concat_ws({_FIELD_SEPARATOR}, _record_id, epoch_us(_version_at), _row_hash))"


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
        self._database = duckdb.connect(":memory:", config={"threads": 2})
        # A source time without a zone is UTC, wherever this machine is.
        self._database.execute("set TimeZone = 'UTC'")
        # Sixteen bytes a version: a full reading compares with everything that bronze holds.
        self._database.execute("create table known (fingerprint uhugeint)")
        self._has_known = False
        for batch in known:
            if batch.num_rows:
                self._has_known = True
                self._database.register("known_batch", pa.Table.from_batches([batch]))
                self._database.execute(f"insert into known select {_FINGERPRINT} from known_batch")  # noqa: S608 -- ours

    def of_page(self, rows: pa.Table, origin: dict[str, str]) -> pa.Table:
        """The page's new rows: its own columns, those of `origin` (such as `_file`), and LINEAGE."""
        if any(not name.startswith("_") for name in origin):
            message = f"columns of a page's origin start with an underscore: {sorted(origin)}"
            raise ValueError(message)
        for name, value in origin.items():
            rows = rows.append_column(name, pa.array([value] * rows.num_rows, pa.string()))
        self._database.register("page", rows)
        parameters = [
            self._lineage.batch_id,
            self._lineage.sequence,
            self._lineage.extracted_at,
            self._lineage.partition_date,
            self._lineage.window_start,
            self._lineage.window_end,
            self._lineage.watermark,
            self._lineage.is_deleted,
            self._lineage.seen_at,
        ]
        statement = _stamp_sql(self._item, rows.column_names, is_compared=self._has_known)
        result: pa.Table = self._database.sql(statement, params=parameters).to_arrow_table()
        self._database.unregister("page")
        fields = [
            LINEAGE.field(name) if name in LINEAGE.names else field
            for name, field in zip(result.column_names, result.schema, strict=True)
        ]
        return result.cast(pa.schema(fields))

    def close(self) -> None:
        """Free the memory."""
        self._database.close()


def _stamp_sql(item: CatalogObject, columns: list[str], *, is_compared: bool) -> str:
    version = f"try_cast({_name(item.cursor)} as timestamptz)" if item.cursor in columns else "null::timestamptz"
    deleted = f"coalesce(lower({_name(item.deleted)}) = 'true', false)" if item.deleted in columns else "false"
    hashed = ", ".join(f"'{name}=' || {_name(name)}" for name in sorted(columns) if not name.startswith("_"))
    unknown = f" where not exists (select 1 from known where fingerprint = {_FINGERPRINT})"  # noqa: S608 -- ours
    return f"""
        with stamped as (
            select
                page.*,
                $1 as _batch_id,
                $2::bigint as _sequence,
                $3::timestamptz as _extracted_at,
                $4::date as _partition_date,
                {_name(item.key)} as _record_id,
                greatest({version}, $9::timestamptz) as _version_at,
                $8 or {deleted} as _is_deleted,
                md5(concat_ws({_FIELD_SEPARATOR}, {hashed})) as _row_hash,
                $5::timestamptz as _window_start,
                $6::timestamptz as _window_end,
                $7 as _watermark
            from page
        )
        select * from stamped{unknown if is_compared else ""}
    """  # noqa: S608 -- names are quoted and come from the source's own description


def _name(column: str | None) -> str:
    return '"' + (column or "").replace('"', '""') + '"'
