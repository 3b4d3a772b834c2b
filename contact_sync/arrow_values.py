"""Arrow values made of Python's without pandas, which pyarrow imports to convert any: 0.4 CPU seconds and 35 MB.

They are laid out as https://arrow.apache.org/docs/format/Columnar.html says. Does not belong here: anything that
compiled code of pyarrow does by itself.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT: Final = pa.timestamp("us", tz="UTC")
"""Microseconds of UTC, as every time of bronze has them."""


def schema(**types: pa.DataType) -> pa.Schema:
    """Columns by name."""
    return pa.schema(list(types.items()))


def no_rows(columns: pa.Schema) -> pa.Table:
    """A table of these columns without rows."""
    return pa.Table.from_batches([], columns)


def repeat(value: pa.Scalar[Any], count: int) -> pa.Array[Any]:
    """A column of the same value."""
    return cast("pa.Array[Any]", pa.repeat(value, count))  # type: ignore[call-overload]  # any scalar, say its docs


def texts(values: Sequence[str | None]) -> pa.StringArray:
    """A column of text; None is null."""
    return cast("pa.StringArray", _variable(pa.string(), [None if one is None else one.encode() for one in values]))


def text(value: str | None) -> pa.Scalar[Any]:
    """One text, or a null of that type."""
    return cast("pa.Scalar[Any]", texts([value])[0])


def binary(value: bytes) -> pa.Scalar[Any]:
    """Bytes."""
    return cast("pa.Scalar[Any]", _variable(pa.binary(), [value])[0])


def integer(value: int) -> pa.Scalar[Any]:
    """A whole number of 64 bits."""
    return _fixed(pa.int64(), np.array([value], np.int64))


def flag(*, value: bool) -> pa.Scalar[Any]:
    """A truth value."""
    return _fixed(pa.bool_(), np.array([value], np.uint8))


def day(value: date) -> pa.Scalar[Any]:
    """A day."""
    return _fixed(pa.date32(), np.array([(value - _EPOCH.date()).days], np.int32))


def moment(value: datetime | None) -> pa.Scalar[Any]:
    """A time with a zone, in microseconds of UTC, or a null of that type."""
    return cast("pa.Scalar[Any]", moments([value])[0])


def moments(values: Sequence[datetime | None]) -> pa.Array[Any]:
    """A column of times with a zone; None is null."""
    since = [0 if one is None else (one - _EPOCH) // timedelta(microseconds=1) for one in values]
    validity = np.packbits([one is not None for one in values], bitorder="little")
    return pa.Array.from_buffers(MOMENT, len(values), [buffer(validity), buffer(np.array(since, np.int64))])


def flags(values: Sequence[bool]) -> pa.Array[Any]:
    """A column of truth values."""
    bits = np.packbits(np.array(values, np.bool_), bitorder="little")
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, buffer(bits)])


def offsets_of(values: pa.Array[Any]) -> npt.NDArray[np.int32]:
    """Where the values of a column of text or bytes begin in its content, and where the last one ends."""
    offsets = values.buffers()[1]
    numbers = np.frombuffer(offsets, np.int32) if offsets is not None else np.zeros(1, np.int32)  # type: ignore[call-overload]  # as above
    return cast("npt.NDArray[np.int32]", numbers[values.offset : values.offset + len(values) + 1])


def buffer(content: npt.NDArray[Any]) -> pa.Buffer:
    """The memory of an array of numbers, not copied."""
    return pa.py_buffer(content)  # type: ignore[arg-type]  # whatever has the buffer protocol, say its docs


def _fixed(kind: pa.DataType, content: npt.NDArray[Any]) -> pa.Scalar[Any]:
    return pa.Array.from_buffers(kind, 1, [None, buffer(content)])[0]


def _variable(kind: pa.DataType, values: Sequence[bytes | None]) -> pa.Array[Any]:
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum([0 if one is None else len(one) for one in values], out=offsets[1:])
    validity = np.packbits([one is not None for one in values], bitorder="little") if None in values else None
    buffers = [
        None if validity is None else buffer(validity),
        buffer(offsets),
        pa.py_buffer(b"".join([one or b"" for one in values])),
    ]
    return pa.Array.from_buffers(kind, len(values), buffers)
