"""The versions that bronze already holds of an instance, on disk, in memory that does not grow with them.

They lie in order of their record ids, in stretches: most sources send records in that order too, so that a page is
compared with a few stretches instead of with everything. Does not belong here: what makes a version known (lineage.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from typing import Any, Final

import duckdb
import pyarrow as pa

_MEMORY: Final = "64MB"
_STRETCH_ROWS: Final = 122_880
"""A row group of DuckDB, which is the least that it reads."""
_FINGERPRINT: Final = "md5_number(concat_ws(chr(31), _record_id, epoch_us(_version_at), _row_hash))"


def open_database() -> tuple[duckdb.DuckDBPyConnection, tempfile.TemporaryDirectory[str]]:
    """A DuckDB in memory that goes on in a directory where memory ends; both are to be closed."""
    directory = tempfile.TemporaryDirectory(prefix="contact-sync-known-")
    configuration: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "threads": 1,
        "temp_directory": directory.name,
    }
    database = duckdb.connect(":memory:", config=configuration)
    # A source time without a zone is UTC, wherever this machine is.
    database.execute("set TimeZone = 'UTC'")
    return database, directory


class KnownVersions:
    """Versions as (record id, source time, row hash), sixteen bytes each and their ids, in a database of the caller."""

    def __init__(self, database: duckdb.DuckDBPyConnection, versions: Iterable[pa.RecordBatch]) -> None:
        self._database = database
        self._count = 0
        for batch in versions:
            if batch.num_rows:
                self._add(pa.Table.from_batches([batch]))
        if self._count:
            self._database.execute(
                f"create table known as select row_number() over (order by _record_id) // {_STRETCH_ROWS} as stretch, "  # noqa: S608 -- ours
                "_record_id, fingerprint from arrived order by _record_id"
            )
            self._database.execute("drop table arrived")
            self._database.execute(
                "create table stretch as select stretch, min(_record_id) as first, max(_record_id) as last "
                "from known group by stretch"
            )

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._count > 0

    def unknown(self, relation: str) -> pa.ChunkedArray[Any]:
        """The row ids, in order, of what in a table with the three columns is no known version."""
        found = self._database.sql(
            f"""
            with page as (select rowid as position, _record_id, {_FINGERPRINT} as fingerprint from {relation}),
            near as (
                select fingerprint from known where stretch between
                    (select min(stretch) from stretch where last >= (select min(_record_id) from page))
                    and (select max(stretch) from stretch where first <= (select max(_record_id) from page))
            )
            select position from page anti join near using (fingerprint) order by position
            """  # noqa: S608 -- names are ours
        )
        table: pa.Table = found.to_arrow_table()
        return table.column("position")

    def _add(self, versions: pa.Table) -> None:
        self._database.register("versions", versions)
        selection = f"select _record_id, {_FINGERPRINT} as fingerprint from versions"  # noqa: S608 -- ours
        into = "insert into arrived" if self._count else "create table arrived as"
        self._database.execute(f"{into} {selection}")
        self._database.unregister("versions")
        self._count += versions.num_rows
