"""The versions that bronze already holds of an instance, on disk: memory does not grow with them.

They stay in the order in which they were published, in stretches with the least and the greatest record id. Sources
send records mostly in the order of their ids, so that a page lies in a few stretches; in any other order more of them
are looked at, one at a time. Does not belong here: reading bronze.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

_VERSION: Final = pa.binary(24)
_VERSION_SQL: Final = "unhex(_row_hash || lpad(hex(coalesce(epoch_us(_version_at), -1)), 16, '0'))"
"""A version in 24 bytes: the row's hash, which covers the record id, and its source time (a null one is like -1)."""
_LOWEST, _HIGHEST = "", "\U0010ffff"


@dataclass(frozen=True)
class _Stretch:
    """Where versions lie in the file, and the record ids between which they are."""

    start: int
    size: int
    first: str
    last: str


class KnownVersions:
    """Rows with _record_id, _version_at and _row_hash that are known; `database` is the caller's."""

    def __init__(self, database: duckdb.DuckDBPyConnection, versions: Iterable[pa.RecordBatch]) -> None:
        self._database = database
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self._stretches: list[_Stretch] = []
        for batch in versions:
            if batch.num_rows:
                rows = pa.Table.from_batches([batch])
                start = self._file.tell()
                for part in self._versions(rows):
                    self._file.write(part.buffers()[1])  # type: ignore[arg-type]  # always there
                self._stretches.append(_Stretch(start, self._file.tell() - start, *_bounds(rows)))
        pa.default_memory_pool().release_unused()

    def new(self, rows: pa.Table) -> pa.Table:
        """The rows that are not known."""
        first, last = _bounds(rows)
        near = [one for one in self._stretches if one.first <= last and one.last >= first]
        if not near:
            return rows
        versions = pa.chunked_array(self._versions(rows))
        is_known = pc.is_in(versions, value_set=self._read(near[0]))
        for stretch in near[1:]:
            is_known = pc.or_(is_known, pc.is_in(versions, value_set=self._read(stretch)))
        return rows.filter(pc.invert(is_known))

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _versions(self, rows: pa.Table) -> list[pa.FixedSizeBinaryArray]:
        self._database.register("versions", rows.select(["_version_at", "_row_hash"]))
        found: pa.Table = self._database.sql(f"select {_VERSION_SQL} as version from versions").to_arrow_table()  # noqa: S608 -- ours
        self._database.unregister("versions")
        return [_fixed(chunk.buffers()[2], len(chunk)) for chunk in found.column("version").chunks]

    def _read(self, stretch: _Stretch) -> pa.FixedSizeBinaryArray:
        self._file.seek(stretch.start)
        content = pa.py_buffer(self._file.read(stretch.size))
        return _fixed(content, stretch.size // _VERSION.byte_width)


def _fixed(content: Any, count: int) -> pa.FixedSizeBinaryArray:
    array = pa.FixedSizeBinaryArray.from_buffers(_VERSION, count, [None, content.slice(0, count * _VERSION.byte_width)])
    return cast("pa.FixedSizeBinaryArray", array)


def _bounds(rows: pa.Table) -> tuple[str, str]:
    """The least and the greatest record id; with a missing one, everything lies between them."""
    ids = rows.column("_record_id")
    if ids.null_count:
        return _LOWEST, _HIGHEST
    bounds: dict[str, Any] = pc.min_max(ids).as_py()  # type: ignore[assignment]  # a struct, say its stubs not
    return bounds["min"] or _LOWEST, bounds["max"] or _LOWEST
