"""CSV of Bulk API 2.0 to tables and back, byte for byte."""

from __future__ import annotations

import csv
import gzip
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.connectors.csv_table import DamagedCsvError, read_table, row_bytes, write_table
from contact_sync_tests.unit.connectors.scripted_org import csv_bytes

NASTY = [
    "NULL",
    "null",
    "NA",
    "N/A",
    "None",
    "nan",
    "#N/A",
    "=1+1",
    "01234",
    "1e5",
    " padded ",
    'say "hi"',
    '"',
    ",",
    "line\nline",
    "line\r\nline",
    "old\rmac",
    "a\x00b",
    "\u2028",
    "😀 Zoë",
    "\ufeffbom",
    "true",
    "2024-07-24T14:05:58.000Z",
]
cell = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text('",\r\n\x00a')
)
table_cells = st.lists(st.tuples(st.text("0123456789", min_size=1), cell, cell), max_size=20)


def parsed(content: bytes, *, is_gzip: bool = False) -> list[list[str | None]]:
    """The rows of a CSV file."""
    table = read_table(io.BytesIO(content), is_gzip=is_gzip, columns=["Id"])
    assert {pa.string()} == set(table.schema.types)
    return [list(row.values()) for row in table.to_pylist()]


@given(table_cells)
def test_every_text_arrives_as_it_was_sent(rows: list[tuple[str, str, str]]) -> None:
    """Any text survives reading; only the empty cell is null."""
    content = csv_bytes([("Id", "A", "B"), *rows])

    expected = [[value or None for value in row] for row in rows]
    assert expected == parsed(content)
    assert expected == parsed(gzip.compress(content), is_gzip=True)


@given(table_cells)
def test_every_text_leaves_as_it_is(rows: list[tuple[str, str, str]]) -> None:
    """An independent CSV reader finds the very texts that were written, and null as an empty cell."""
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    table = pa.table(
        {
            name: pa.array([value or None for value in column], type=pa.string())
            for name, column in zip("XYZ", columns, strict=True)
        }
    )
    file = io.BytesIO()

    write_table(table, file)

    text = io.StringIO(file.getvalue().decode(), newline="")
    assert [["X", "Y", "Z"], *map(list, rows)] == list(csv.reader(text))
    assert file.getvalue().endswith(b"\n")


def test_quoted_and_unquoted_empty_cells_are_null() -> None:
    """Salesforce knows no empty text, so both spellings of nothing are null."""
    assert [["1", None, "x"], ["2", None, "y"]] == parsed(b'"Id","A","B"\n"1","","x"\n"2",,"y"\n')


def test_a_value_may_be_longer_than_the_longest_field() -> None:
    """A record of 400,000 characters of four bytes each is read."""
    long = "😀" * 400_000

    assert [["1", long]] == parsed(csv_bytes([("Id", "A"), ("1", long)]))


def test_no_bytes_are_no_rows() -> None:
    """An empty reply is a table of the selected columns without rows."""
    assert ["Id"] == read_table(io.BytesIO(b""), is_gzip=False, columns=["Id"]).column_names


@pytest.mark.parametrize(
    ("content", "is_gzip"),
    [
        (b'"Id","A"\n"1"\n', False),
        (b'"Id","A"\n"Jane","\xff"\n', False),
        (gzip.compress(b'"Id"\n"1"\n')[:-5], True),
        (b"not gzip", True),
    ],
    ids=["short row", "not UTF-8", "cut gzip", "bad gzip"],
)
def test_damage_is_noticed_and_not_quoted(content: bytes, *, is_gzip: bool) -> None:
    """Broken content is an error whose text holds no cell."""
    with pytest.raises(DamagedCsvError) as raised:
        parsed(content, is_gzip=is_gzip)

    assert "Jane" not in str(raised.value)


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_breaks_survive_wherever_a_block_ends(
    monkeypatch: pytest.MonkeyPatch, line_break: str, *, is_gzip: bool
) -> None:
    """Whatever byte of a file is the last one of a block, no cell is split and no line break changes."""
    rows = [(str(number), f"a{line_break}b{line_break}") for number in range(40)]
    content = csv_bytes([("Id", "A"), *rows])

    for block_bytes in range(60, 160):
        monkeypatch.setattr("contact_sync.connectors.csv_table._BLOCK_BYTES", block_bytes)
        sent = gzip.compress(content) if is_gzip else content
        assert [list(row) for row in rows] == parsed(sent, is_gzip=is_gzip)


def test_line_breaks_in_cells_survive_in_files_of_many_blocks() -> None:
    """A file that is parsed in several blocks is never split inside a cell."""
    rows = [(str(number), "line\nline\r\n" * 200) for number in range(10_000)]

    assert [list(row) for row in rows] == parsed(csv_bytes([("Id", "A"), *rows]))


@given(st.lists(st.tuples(st.none() | st.text(max_size=9), st.none() | st.sampled_from(NASTY)), min_size=1, max_size=6))
def test_the_size_of_each_row_is_known_before_it_is_written(rows: list[tuple[str | None, str | None]]) -> None:
    """Quotes that are doubled, cells that are null, characters of several bytes: the sum is the file without header."""
    table = pa.table(
        {name: pa.array(cells, pa.string()) for name, cells in zip("ab", zip(*rows, strict=True), strict=True)}
    )
    file = io.BytesIO()
    write_table(table, file)

    assert file.tell() - len('"a","b"\n') == sum(row_bytes(table).to_pylist())
