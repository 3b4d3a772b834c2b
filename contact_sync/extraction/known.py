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

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values

_HASH_BYTES: Final = 16
_TIME_BYTES: Final = 8
_VERSION: Final = pa.binary(_HASH_BYTES + _TIME_BYTES)
"""A version: the row's hash, which covers the record id, and its source time (a null one is like -1)."""
_NO_TIME: Final = arrow_values.integer(-1)
_LOWEST, _HIGHEST = "", "\U0010ffff"


@dataclass(frozen=True)
class _Stretch:
    """Where versions lie in the file, and the record ids between which they are."""

    start: int
    size: int
    first: str
    last: str


class KnownVersions:
    """Rows with _record_id, _version_at and _row_hash that are known."""

    def __init__(self, versions: Iterable[pa.RecordBatch]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self._stretches: list[_Stretch] = []
        for batch in versions:
            if batch.num_rows:
                rows = pa.Table.from_batches([batch])
                start = self._file.tell()
                self._file.write(_versions(rows))
                self._stretches.append(_Stretch(start, self._file.tell() - start, *_bounds(rows)))
        pa.default_memory_pool().release_unused()

    def new(self, rows: pa.Table) -> pa.Table:
        """The rows that are not known."""
        if not self._stretches:
            return rows
        first, last = _bounds(rows)
        near = [one for one in self._stretches if one.first <= last and one.last >= first]
        if not near:
            return rows
        versions = _fixed(pa.py_buffer(_versions(rows)), rows.num_rows)
        is_known = pc.is_in(versions, value_set=self._read(near[0]))
        for stretch in near[1:]:
            is_known = pc.or_(is_known, pc.is_in(versions, value_set=self._read(stretch)))
        return rows.filter(pc.invert(is_known))

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _read(self, stretch: _Stretch) -> pa.FixedSizeBinaryArray:
        self._file.seek(stretch.start)
        return _fixed(pa.py_buffer(self._file.read(stretch.size)), stretch.size // _VERSION.byte_width)


def _versions(rows: pa.Table) -> bytes:
    """The versions of rows, one behind the other."""
    digits = b"".join(_text(chunk) for chunk in rows.column("_row_hash").chunks)
    hashes = np.frombuffer(bytes.fromhex(digits.decode()), np.uint8).reshape(-1, _HASH_BYTES)
    numbers: Any = pc.fill_null(rows.column("_version_at").combine_chunks().cast(pa.int64()), _NO_TIME)
    times = np.from_dlpack(numbers).view(np.uint8).reshape(-1, _TIME_BYTES)
    return np.concatenate([hashes, times], axis=1).tobytes()


def _text(hashes: pa.Array[Any]) -> bytes:
    """The digits of hashes, without what lies between them: all have as many."""
    ends, content = arrow_values.offsets_of(hashes), hashes.buffers()[2]
    return content.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes() if content is not None else b""


def _fixed(content: pa.Buffer, count: int) -> pa.FixedSizeBinaryArray:
    return cast("pa.FixedSizeBinaryArray", pa.Array.from_buffers(_VERSION, count, [None, content]))


def _bounds(rows: pa.Table) -> tuple[str, str]:
    """The least and the greatest record id; with a missing one, everything lies between them."""
    ids = rows.column("_record_id")
    if ids.null_count:
        return _LOWEST, _HIGHEST
    bounds: dict[str, Any] = pc.min_max(ids).as_py()  # type: ignore[assignment]  # a struct, say its stubs not
    return bounds["min"] or _LOWEST, bounds["max"] or _LOWEST
