"""The hash of a row: equal for equal values, whatever the order of the columns and whichever of them are empty.

It is XXH3-128 (xxhash.com, stable since 0.8.0), in hexadecimal digits, of the values that are not null in order of
their columns' names, as UTF-8, each behind the byte FF, which is in no UTF-8. The seed says which columns have a value:
the XXH3-64 of their names, combined by exclusive or. So an empty column and a missing one are the same, while a value
in another column, or cut elsewhere, is not. Does not belong here: what the hash is used for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from contact_sync import arrow_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

_DIGITS: Final = 32
_NOTHING: Final = arrow_values.binary(b"")
_SEPARATOR: Final = arrow_values.binary(b"\xff")


def row_hashes(rows: pa.Table) -> pa.Array[Any]:
    """One hash a row, over all columns (text) whose names do not start with an underscore."""
    names = sorted(name for name in rows.column_names if not name.startswith("_"))
    columns = [rows.column(name) for name in names]
    seeds = iter(_seeds(names, columns, rows.num_rows).tolist())
    digests = b"".join(_digests(chunk, seeds) for chunk in _joined(columns).chunks)
    offsets = np.arange(0, _DIGITS * (rows.num_rows + 1), _DIGITS, dtype=np.int32)
    return pa.StringArray.from_buffers(
        rows.num_rows, arrow_values.buffer(offsets), pa.py_buffer(digests.hex().encode())
    )


def _seeds(names: Sequence[str], columns: Sequence[pa.ChunkedArray[Any]], row_count: int) -> npt.NDArray[np.uint64]:
    seeds = np.zeros(row_count, np.uint64)
    for name, column in zip(names, columns, strict=True):
        number = np.uint64(xxh3_64_intdigest(name.encode()))
        seeds ^= number * _presence(column) if column.null_count else number
    return seeds


def _presence(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.uint8]:
    """1 where there is a value, 0 where there is none. Not by to_numpy(): that imports pandas too."""
    is_valid = column.is_valid().cast(pa.uint8()).combine_chunks()
    return cast("npt.NDArray[np.uint8]", np.from_dlpack(is_valid))


def _joined(columns: Sequence[pa.ChunkedArray[Any]]) -> pa.ChunkedArray[Any]:
    """What is hashed of each row."""
    values = [column.cast(pa.binary()) for column in columns]
    parts: list[Any] = [_NOTHING, *values, _SEPARATOR]
    joined: pa.ChunkedArray[Any] = pc.binary_join_element_wise(*parts, null_handling="skip")
    return joined


def _digests(texts: pa.Array[Any], seeds: Iterator[int]) -> bytes:
    """The digests of an array of bytes; all that Python does is to go from row to row."""
    ends = arrow_values.offsets_of(texts).tolist()
    text = memoryview(texts.buffers()[2] or b"")
    spans = zip(ends, ends[1:], seeds, strict=False)
    return b"".join([xxh3_128_digest(text[start:end], seed) for start, end, seed in spans])
