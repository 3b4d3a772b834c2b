"""Tables to CSV of Bulk API 2.0, byte for byte."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from contact_sync import arrow_values
from contact_sync.connectors.csv_table import row_bytes, write_table

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


@given(table_cells)
def test_every_text_leaves_as_it_is(rows: list[tuple[str, str, str]]) -> None:
    """An independent CSV reader finds the very texts that were written, and null as an empty cell."""
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    table = pa.table(
        {
            name: arrow_values.texts([value or None for value in column])
            for name, column in zip("XYZ", columns, strict=True)
        }
    )
    file = io.BytesIO()

    write_table(table, file)

    text = io.StringIO(file.getvalue().decode(), newline="")
    assert [["X", "Y", "Z"], *map(list, rows)] == list(csv.reader(text))
    assert file.getvalue().endswith(b"\n")


@given(st.lists(st.tuples(st.none() | st.text(max_size=9), st.none() | st.sampled_from(NASTY)), min_size=1, max_size=6))
def test_the_size_of_each_row_is_known_before_it_is_written(rows: list[tuple[str | None, str | None]]) -> None:
    """Quotes that are doubled, cells that are null, characters of several bytes: the sum is the file without header."""
    table = pa.table(
        {name: arrow_values.texts(cells) for name, cells in zip("ab", zip(*rows, strict=True), strict=True)}
    )
    file = io.BytesIO()
    write_table(table, file)

    assert file.tell() - len('"a","b"\n') == sum(row_bytes(table).to_pylist())
