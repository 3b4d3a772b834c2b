"""CSV to tables of text and back, every character kept.

An empty cell, quoted or not, is null; all else (`NULL`, `NA`, `#N/A`) is text.
Does not belong here: what the columns mean, and where the bytes come from.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from contact_sync import arrow_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import IOBase

_compute: Any = pc  # its stubs lack functions and overloads
_QUOTES, _NONE = arrow_values.integer(2), arrow_values.integer(0)
_BLOCK_BYTES: Final = 4 * 1024 * 1024
"""A record (at most 400,000 characters) has to fit in one block."""


class Readable(Protocol):
    """Bytes that are read from front to back."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class DamagedCsvError(Exception):
    """The bytes are not the CSV they should be: cut, broken compression, rows of different lengths, not UTF-8."""


def read_table(
    file: IO[bytes], *, is_gzip: bool, columns: Sequence[str], only: Sequence[str] | None = None
) -> pa.Table:
    """Parse a CSV file with a header; a file of no bytes is a table of `columns` without rows.

    only: read these columns only. Raise DamagedCsvError, whose text holds no cell.
    """
    if _is_empty(file):
        return arrow_values.no_rows(pa.schema([(name, pa.string()) for name in only or columns]))
    raw = pa.PythonFile(cast("IOBase", file), mode="r")
    unpacked = pa.CompressedInputStream(raw, "gzip") if is_gzip else raw
    stream: Any = pa.PythonFile(cast("IOBase", WholeLineBreaks(unpacked)), mode="r")
    try:
        return pa_csv.read_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(  # type: ignore[call-arg]  # newer than its stubs
                default_column_type=pa.string(),
                include_columns=list(only) if only else None,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DamagedCsvError(type(error).__name__) from None


def write_table(rows: pa.Table, file: IO[bytes]) -> None:
    """Write a table of text as CSV with LF line ends: every value quoted, null an empty cell without quotes."""
    pa_csv.write_csv(rows, file, pa_csv.WriteOptions(quoting_style="all_valid"))


def row_bytes(rows: pa.Table) -> Any:
    """How many bytes `write_table` makes of each row."""
    size: Any = arrow_values.repeat(arrow_values.integer(rows.num_columns), rows.num_rows)
    for column in rows.columns:
        quotes = _compute.count_substring(column, '"')
        cell = _compute.add(_compute.add(_compute.binary_length(column), quotes).cast(pa.int64()), _QUOTES)
        size = _compute.add(size, _compute.fill_null(cell, _NONE))
    return size


class WholeLineBreaks:
    """A file whose reads do not end between CR and LF.

    pyarrow takes a CR at the end of one block and an LF at the start of the next for one line break, inside a quoted
    cell too, and drops the LF without a word.
    """

    closed = False

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._held_back = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; CRs at their end are held back for the next read, unless there is nothing else."""
        content = self._held_back + self._file.read(size - len(self._held_back))
        kept = content.rstrip(b"\r") or content
        self._held_back = content[len(kept) :]
        return kept

    def close(self) -> None:
        """Leave the file to its owner."""


def _is_empty(file: IO[bytes]) -> bool:
    has_bytes = bool(file.read(1))
    file.seek(0)
    return not has_bytes
