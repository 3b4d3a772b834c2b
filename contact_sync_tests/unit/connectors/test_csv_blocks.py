"""CSV files of any size: cut anywhere, counted before they are parsed, and every text as it was sent."""

from __future__ import annotations

import gzip
import tempfile
from typing import IO

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contact_sync.connectors import csv_blocks
from contact_sync.connectors.csv_blocks import cut, unpacked
from contact_sync.connectors.csv_table import DamagedCsvError
from contact_sync_tests.unit.connectors.scripted_org import csv_bytes
from contact_sync_tests.unit.connectors.test_csv_table import NASTY, cell

Rows = list[tuple[str, str, str]]
table_cells = st.lists(st.tuples(st.text("0123456789", min_size=1), cell, cell), max_size=20)


def file_of(content: bytes) -> IO[bytes]:
    """The content as a file on disk, which blocks are read from."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- the caller closes it
    file.write(content)
    file.flush()
    file.seek(0)
    return file


def parsed(content: bytes, *, block_bytes: int = 100, skip: int = 0) -> list[list[str | None]]:
    """The rows of a CSV file, which are as many as were counted."""
    with file_of(content) as file:
        blocks = cut(file, ["Id", "A", "B"], block_bytes=block_bytes)
        tables = list(blocks.tables(skip=skip))
        rows = [list(row.values()) for table in tables for row in table.to_pylist()]
        assert all({pa.string()} == set(table.schema.types) for table in tables)
        assert blocks.records - skip == len(rows)
    return rows


@given(rows=table_cells, block_bytes=st.integers(1, 400), chunk_bytes=st.integers(1, 64), data=st.data())
@example(rows=[("1", text, text) for text in NASTY], block_bytes=1, chunk_bytes=1, data=None)
@example(rows=[("1", "\ufeffx", "")], block_bytes=1, chunk_bytes=1, data=None)
def test_every_text_arrives_wherever_a_block_or_a_chunk_ends(
    rows: Rows, block_bytes: int, chunk_bytes: int, data: st.DataObject | None
) -> None:
    """What was written is what is read, counted, from any row on, whichever byte ends a block or a chunk."""
    skip = data.draw(st.integers(0, len(rows))) if data else 0
    content = csv_bytes([("Id", "A", "B"), *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "_CHUNK_BYTES", chunk_bytes)

        assert [[value or None for value in row] for row in rows[skip:]] == parsed(
            content, block_bytes=block_bytes, skip=skip
        )


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\r\r\n", '"\n"', '""\r\n'])
def test_no_border_changes_a_line_break_in_a_cell(line_break: str) -> None:
    """Every byte of a file is once the last one of a block, and no cell differs."""
    rows = [(str(number), f"a{line_break}b{line_break}", line_break) for number in range(5)]
    content = csv_bytes([("Id", "A", "B"), *rows])

    for block_bytes in range(1, len(content) + 1):
        assert [list(row) for row in rows] == parsed(content, block_bytes=block_bytes)


@given(table_cells)
def test_compressed_files_are_the_same_files(rows: Rows) -> None:
    """A gzip file, of one member or several, unpacks to what was packed."""
    content = csv_bytes([("Id", "A", "B"), *rows])
    packed = gzip.compress(content[:7]) + gzip.compress(content[7:])

    with file_of(packed) as packed_file, unpacked(packed_file) as file:
        file.seek(0)
        assert content == file.read()


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_last_record_may_lack_its_line_break(end: str) -> None:
    """A file without a line break at its end has the same records, and CRLF ends records too."""
    assert [["1", "a", "b"], ["2", "c", None]] == parsed(f'"Id","A","B"\r\n"1","a","b"\r\n"2",c,""{end}'.encode())


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    """A mark before the header is dropped; one inside a cell is text, also where a block begins."""
    content = b'\xef\xbb\xbf"Id","A","B"\n\xef\xbb\xbf1,\xef\xbb\xbfa,b\n'

    with file_of(content) as file:
        assert ("Id", "A", "B") == cut(file, []).columns
    assert [["\ufeff1", "\ufeffa", "b"]] == parsed(content, block_bytes=1)


def test_quoted_and_unquoted_empty_cells_are_null() -> None:
    """Salesforce knows no empty text, so both spellings of nothing are null."""
    assert [["1", None, "x"], ["2", None, "y"]] == parsed(b'"Id","A","B"\n"1","","x"\n"2",,"y"\n')


def test_only_the_columns_that_are_asked_for_are_made() -> None:
    """They come in the order they were asked for; one that the file lacks is damage."""
    with file_of(b'"Id","A","B"\n"1","a","b"\n') as file:
        blocks = cut(file, [])
        (table,) = blocks.tables(only=["B", "Id"])

        with pytest.raises(DamagedCsvError):
            list(blocks.tables(only=["B", "C"]))

    assert [{"B": "b", "Id": "1"}] == table.to_pylist()


def test_a_file_of_no_bytes_has_no_records() -> None:
    """Then the columns are those that were asked for."""
    with file_of(b"") as file:
        blocks = cut(file, ["Id"])

    assert (("Id",), 0, []) == (blocks.columns, blocks.records, list(blocks.tables()))


def test_a_record_may_be_larger_than_a_block() -> None:
    """A record of 400,000 characters of four bytes each is one block."""
    long = "😀" * 400_000

    assert [["1", long, "b"], ["2", "x", "y"]] == parsed(
        csv_bytes([("Id", "A", "B"), ("1", long, "b"), ("2", "x", "y")]), block_bytes=64
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'"Id","A"\n"1"\n', "rows differ from the header in length"),
        (b'"Id","A"\n"Jane","\xff"\n', "it is not UTF-8"),
        (b'"I\xffd","A"\n', "its header is damaged"),
        (b'"Id","A"\n"1","Jane', "it ends inside a cell"),
        (b'"Id","A"\n"1","Jane"\r"2","Roe"\n', "lines end in different ways"),
    ],
)
def test_damage_has_a_reason_and_quotes_no_cell(content: bytes, reason: str) -> None:
    """Broken content is an error that says what is wrong and holds no cell."""
    with pytest.raises(DamagedCsvError) as raised:
        parsed(content)

    assert reason == str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b'"Id"\n"1"\n')[:-5], "its compression is cut"),
        (gzip.compress(b'"Id"\n"1"\n')[:3], "its compression is cut"),
        (b"not gzip", "its compression is broken"),
    ],
    ids=["cut", "cut in its header", "no gzip"],
)
def test_broken_compression_has_a_reason(content: bytes, reason: str) -> None:
    """A gzip file that has lost its end, or is none."""
    with file_of(content) as file, pytest.raises(DamagedCsvError) as raised:
        unpacked(file)

    assert reason == str(raised.value)
