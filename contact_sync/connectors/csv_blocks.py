"""A CSV file of any size, cut into blocks of whole records and counted before any of it is parsed.

A file is gone through once, 256 kB at a time, to find where records end; each block is then parsed by itself. So memory
does not depend on the file, its count is known before its first row is used, a reading may continue at any row, and
no cell is ever split, whichever byte a block ends with. Does not belong here: where the bytes come from.
"""

from __future__ import annotations

import csv
import mmap
import os
import tempfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from contact_sync import arrow_values
from contact_sync.connectors.csv_table import DamagedCsvError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_BYTES: Final = 8 * 1024 * 1024
"""A block has at least so many bytes, and ends with the record that passes them."""

_CHUNK_BYTES: Final = 256 * 1024
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_GZIP: Final = 16 + zlib.MAX_WBITS
_LINE_FEED, _QUOTE = ord("\n"), ord('"')


@dataclass(frozen=True)
class Block:
    """Whole records: where they begin in the file, how many bytes they take, and how many they are."""

    start: int
    size: int
    records: int


@dataclass(frozen=True)
class CsvBlocks:
    """A CSV file with its header and the blocks of records behind it; `close` gives the file back."""

    file: IO[bytes]
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]

    @cached_property
    def records(self) -> int:
        """How many records the file holds."""
        return sum(block.records for block in self.blocks)

    def tables(self, *, skip: int = 0, only: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The records behind the first `skip`, one table of text a block; an empty cell is null, all else is text.

        only: these columns. Raise DamagedCsvError, whose text holds no cell, where the bytes are no such records.
        """
        options = _text(only)
        for block in self.blocks:
            if skip < block.records:
                yield self._parsed(block, options).slice(skip)
            skip = max(0, skip - block.records)

    def close(self) -> None:
        """Give the file back."""
        self.file.close()

    def _parsed(self, block: Block, options: pa_csv.ConvertOptions) -> pa.Table:
        content: bytes | memoryview = self._mapped(block)
        _check_text(content)
        if content[: len(_BYTE_ORDER_MARK)] == _BYTE_ORDER_MARK:
            # pyarrow drops one at the start of what it reads; behind the header it is text.
            content = _BYTE_ORDER_MARK + bytes(content)
        try:
            rows = pa_csv.read_csv(
                cast("IO[bytes]", pa.BufferReader(content)),
                read_options=pa_csv.ReadOptions(
                    column_names=list(self.columns), block_size=len(content), use_threads=False
                ),
                parse_options=pa_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                convert_options=options,
            )
        except (pa.ArrowException, KeyError):
            raise DamagedCsvError("rows differ from the header in length") from None
        if rows.num_rows != block.records:
            raise DamagedCsvError("lines end in different ways")
        return rows

    def _mapped(self, block: Block) -> memoryview:
        """The bytes of a block where the system keeps them, which costs neither memory nor a copy."""
        before = block.start % mmap.ALLOCATIONGRANULARITY
        whole = mmap.mmap(self.file.fileno(), before + block.size, offset=block.start - before, access=mmap.ACCESS_READ)
        return memoryview(whole)[before:]


def cut(file: IO[bytes], columns: Sequence[str], *, block_bytes: int = BLOCK_BYTES) -> CsvBlocks:
    """Go through a file once and cut it; a file of no bytes has `columns` and no records.

    Raise DamagedCsvError for a file that ends inside a quoted cell.
    """
    found = list(_blocks(file, block_bytes))
    if not found:
        return CsvBlocks(file, tuple(columns), ())
    header = os.pread(file.fileno(), found[0].size, 0).removeprefix(_BYTE_ORDER_MARK)
    try:
        (names,) = csv.reader([header.decode()], strict=True)
    except (UnicodeDecodeError, ValueError, csv.Error):
        raise DamagedCsvError("its header is damaged") from None
    return CsvBlocks(file, tuple(names), tuple(found[1:]))


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The content of a gzip file as a temporary file, which the caller closes; raise DamagedCsvError if it is cut."""
    content = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    stream = zlib.decompressobj(_GZIP)
    try:
        while chunk := file.read(_CHUNK_BYTES):
            while chunk:
                if stream.eof:
                    stream = zlib.decompressobj(_GZIP)
                content.write(stream.decompress(chunk, _CHUNK_BYTES))
                chunk = stream.unused_data or stream.unconsumed_tail
        while rest := stream.decompress(b"", _CHUNK_BYTES):
            content.write(rest)
        if not stream.eof and file.tell():
            raise DamagedCsvError("its compression is cut")  # noqa: TRY301 -- closes the file
    except zlib.error:
        content.close()
        raise DamagedCsvError("its compression is broken") from None
    except BaseException:
        content.close()
        raise
    return content


def _text(only: Sequence[str] | None) -> pa_csv.ConvertOptions:
    """How cells become text: all columns, or only these."""
    return pa_csv.ConvertOptions(  # type: ignore[call-arg]  # newer than its stubs
        default_column_type=pa.string(),
        include_columns=list(only) if only is not None else None,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        check_utf8=False,
    )


def _check_text(content: bytes | memoryview) -> None:
    """Raise DamagedCsvError unless a block is UTF-8: at once, because cell by cell takes an eighth of a reading."""
    offsets = arrow_values.buffer(np.array([0, len(content)], np.int32))
    whole = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        raise DamagedCsvError("it is not UTF-8") from None


def _blocks(file: IO[bytes], block_bytes: int) -> Iterator[Block]:
    """The header as a block of its own, then blocks of at least `block_bytes`, the last one perhaps smaller."""
    start = size = records = 0
    wanted = 1
    ends_inside = False
    buffer = bytearray(_CHUNK_BYTES)
    file.seek(0)
    while count := file.readinto(buffer):  # type: ignore[attr-defined]  # every file of bytes has it
        ends, ends_inside = _record_ends(np.frombuffer(buffer, np.uint8, count), ends_inside)
        ends += size
        while len(ends) and ends[-1] >= start + wanted:
            last = int(np.searchsorted(ends, start + wanted))
            yield Block(start, int(ends[last]) - start, records + last + 1)
            start, records, wanted = int(ends[last]), 0, block_bytes
            ends = ends[last + 1 :]
        records += len(ends)
        size += count
    if ends_inside:
        raise DamagedCsvError("it ends inside a cell")
    if size > start:
        is_ended = os.pread(file.fileno(), 1, size - 1) == b"\n"
        yield Block(start, size - start, records if is_ended else records + 1)


def _record_ends(chunk: npt.NDArray[np.uint8], is_inside: bool) -> tuple[npt.NDArray[Any], bool]:  # noqa: FBT001 -- a state
    """Where records end in a chunk, and whether its end lies inside a quoted cell.

    A line feed ends a record when the number of quotes before it is even; a doubled quote does not change that.
    """
    line_feeds = np.flatnonzero(chunk == _LINE_FEED)
    quotes = (chunk == _QUOTE).view(np.uint8)
    between = np.bitwise_xor.reduceat(quotes, np.concatenate(([0], line_feeds)))
    inside = np.bitwise_xor.accumulate(between) ^ is_inside
    return line_feeds[inside[:-1] == 0] + 1, bool(inside[-1])
