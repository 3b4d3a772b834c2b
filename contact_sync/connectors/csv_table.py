"""Tables of text to CSV, every character kept, and what whoever reads CSV needs besides.

Does not belong here: reading files (csv_blocks.py), and what the columns mean.
"""

from __future__ import annotations

from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from contact_sync import arrow_values

_compute: Any = pc  # its stubs lack functions and overloads
_QUOTES, _NONE = arrow_values.integer(2), arrow_values.integer(0)


class Readable(Protocol):
    """Bytes that are read from front to back."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class DamagedCsvError(Exception):
    """The bytes are not the CSV they should be: cut, broken compression, rows of different lengths, not UTF-8."""


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
