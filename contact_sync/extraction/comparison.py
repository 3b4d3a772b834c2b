"""Compares what a source has with what bronze holds of an instance, in SQL on a DuckDB file of its own.

`seen` is what was read from the source just now: key, source time, whether deleted, and perhaps some fields. `held` is
the newest version of each record in bronze. Does not belong here: reading the source, or publishing what differs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from contact_sync.catalog import CatalogObject
from contact_sync.lake.bronze import BronzeTable
from contact_sync.sql_text import sql_name

PAGE_ROWS: Final = 50_000
_MEMORY: Final = "64MB"
_VERSION: Final = ("_record_id", "_version_at", "_is_deleted", "_extracted_at", "_sequence", "_row_hash")
_ORDER: Final = "(coalesce(_version_at, _extracted_at), _is_deleted, _extracted_at, _row_hash)"


class Comparison:
    """One comparison; what is read from the source is added page by page."""

    def __init__(self, item: CatalogObject, table: BronzeTable, instance: str, names: Sequence[str] = ()) -> None:
        import duckdb  # noqa: PLC0415 -- 50 MB that most extractions have no use for

        self._item = item
        self._table = table
        self._instance = instance
        self._names = tuple(names)
        self._directory = tempfile.TemporaryDirectory(prefix="contact-sync-comparison-")
        path = Path(self._directory.name)
        configuration: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "threads": 2,
            "temp_directory": str(path / "spill"),
            "preserve_insertion_order": False,
        }
        self._database = duckdb.connect(str(path / "comparison.duckdb"), config=configuration)
        self._database.execute("set TimeZone = 'UTC'")
        fields = "".join(f", {sql_name(name)} varchar" for name in self._names)
        columns = f"key varchar, version varchar, version_at timestamptz, is_deleted boolean{fields}"
        self._database.execute(f"create table seen ({columns})")

    def close(self) -> None:
        """Remove the file."""
        self._database.close()
        self._directory.cleanup()

    def add(self, rows: pa.Table) -> None:
        """Add a page read from the source."""
        item = self._item
        deleted = (
            f"coalesce(lower({sql_name(item.deleted or '')}) = 'true', false)" if _has(rows, item.deleted) else "false"
        )
        version = sql_name(item.cursor or "") if _has(rows, item.cursor) else "null::varchar"
        columns = "".join(f", {sql_name(name)}" for name in self._names)
        self._database.register("page", rows)
        self._database.execute(
            f"insert into seen select {sql_name(item.key)}, {version}, try_cast({version} as timestamptz), "  # noqa: S608
            f"{deleted}{columns} from page"
        )
        self._database.unregister("page")

    def hold(self) -> int:
        """Take in the newest version of each record that bronze holds; returns how many of them are alive."""
        known = set(self._table.columns)
        columns = [*_VERSION, *(name for name in self._names if name in known)]
        packed = ", ".join(f"{sql_name(name)} := {sql_name(name)}" for name in columns)
        self._database.register("bronze", self._table.scan(self._instance, columns))
        self._database.execute(
            f"create table held as select unnest(arg_max(struct_pack({packed}), {_ORDER})) "  # noqa: S608 -- quoted
            "from bronze group by _record_id"
        )
        self._database.unregister("bronze")
        for name in self._names:
            if name not in known:
                self._database.execute(f"alter table held add column {sql_name(name)} varchar")
        return self._count("held where not _is_deleted")

    @property
    def seen_count(self) -> int:
        """How many records were read from the source."""
        return self._count("seen")

    def vanished(self, at: datetime) -> pa.Table:
        """Records that bronze holds alive and the source does not have: key, and `at` as cursor."""
        return self._evidence(
            "select _record_id, $1 from held where not _is_deleted and not exists (from seen where key = _record_id)",
            at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )

    def deleted(self) -> pa.Table:
        """Records that the source says are deleted and bronze holds alive, in a version that is not newer."""
        return self._evidence(
            "select key, max(version) from seen join held on key = _record_id "
            "where not _is_deleted and coalesce(_version_at <= version_at, true) group by key"
        )

    def absent(self, before: datetime) -> list[str]:
        """Keys whose version at the source is older than what has been read, and not in bronze."""
        return self._keys(
            "select key from seen left join held on key = _record_id where version_at < $1::timestamptz "
            "and (_record_id is null or coalesce(_version_at < version_at, false))",
            before,
        )

    def returned(self) -> list[str]:
        """Keys that are alive at the source, while bronze has evidence of their end that is not older."""
        return self._keys(
            "select key from seen join held on key = _record_id where not is_deleted and _is_deleted "
            "and coalesce(_version_at >= version_at, true)"
        )

    def changed(self) -> int:
        """How many records have other values in the compared fields although it is the same version of the record."""
        differs = " or ".join(f"seen.{sql_name(name)} is distinct from held.{sql_name(name)}" for name in self._names)
        self._database.execute(
            "create table changed as select _record_id, _sequence, _row_hash from held join seen on key = _record_id "  # noqa: S608
            f"where _version_at = version_at and _is_deleted = is_deleted and ({differs})"
        )
        return self._count("changed")

    def completed(self) -> Iterator[pa.Table]:
        """The changed records' rows in bronze with the new values: what a reading of all their fields would bring."""
        own = [name for name in self._table.columns if not name.startswith("_")]
        names = dict.fromkeys((*own, *self._names))
        columns = ", ".join(f"{'seen' if name in self._names else 'bronze'}.{sql_name(name)}" for name in names)
        stream = self._table.scan(self._instance, [*own, "_record_id", "_sequence", "_row_hash"])
        self._database.register("bronze", stream)
        found = self._database.sql(
            f"select distinct on (bronze._record_id) {columns} from bronze "  # noqa: S608 -- quoted names
            "semi join changed using (_record_id, _sequence, _row_hash) join seen on key = bronze._record_id"
        )
        for batch in found.to_arrow_reader(PAGE_ROWS):
            yield pa.Table.from_batches([batch])

    def _evidence(self, statement: str, *parameters: str) -> pa.Table:
        found: pa.Table = self._database.sql(statement, params=list(parameters)).to_arrow_table()
        return found.rename_columns([self._item.key, self._item.cursor or "_deleted_at"])

    def _keys(self, statement: str, *parameters: datetime) -> list[str]:
        return [str(key) for (key,) in self._database.execute(f"{statement} order by key", list(parameters)).fetchall()]

    def _count(self, relation: str) -> int:
        rows = self._database.execute(f"select count(*) from {relation}").fetchall()  # noqa: S608 -- ours
        return int(rows[0][0])


def _has(rows: pa.Table, name: str | None) -> bool:
    return name is not None and name in rows.column_names
