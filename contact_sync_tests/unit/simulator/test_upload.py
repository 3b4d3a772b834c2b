"""The CSV of an ingest job: cells keep their text, and an unreadable upload is refused as a whole."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.simulator.salesforce.bulk_upload import Upload, UploadError, read_upload
from contact_sync.simulator.salesforce.objects import CONTACT, OBJECTS
from contact_sync.simulator.salesforce.org_schema import OrgSchema

SCHEMA = OrgSchema(OBJECTS.values(), lambda: datetime(2026, 11, 20, tzinfo=UTC))


def read(content: bytes, *, operation: str = "update", line_ending: str = "\n", delimiter: str = ",") -> Upload:
    """An upload of contacts."""
    return read_upload(
        io.BytesIO(content),
        SCHEMA,
        CONTACT,
        operation=operation,
        delimiter=delimiter,
        line_ending=line_ending,
    )


def cells_of(upload: Upload) -> list[list[str]]:
    """All rows of an upload."""
    return [cells for batch in upload.batches(2) for cells in batch]


def test_empty_is_absent_and_not_available_is_null() -> None:
    """An empty cell is left out of the row, #N/A becomes None, other texts stay as they are."""
    upload = read(b"Id,phone,Title,Description\na,,#N/A,null\n")

    assert [{"Id": "a", "Title": None, "Description": "null"}] == [upload.row(one) for one in cells_of(upload)]
    assert ("Id", "Phone", "Title", "Description") == upload.columns


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), min_size=1), min_size=1, max_size=5)
)
def test_cells_are_byte_exact(cells: list[str]) -> None:
    """Quotes, commas and any letters come out of the CSV as they were put in."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(
        [["Description"], *([cell] for cell in cells)]
    )

    assert [[cell] for cell in cells] == cells_of(read(text.getvalue().encode()))


@pytest.mark.parametrize("inner", ["a\nb", "a\r\nb", 'say "x",\n\n'])
@pytest.mark.parametrize("line_ending", ["\n", "\r\n"])
def test_line_ends_inside_of_quotes_are_text(inner: str, line_ending: str) -> None:
    """Only line ends between records have to be the announced ones."""
    quoted = inner.replace('"', '""')
    content = f'Id,Description{line_ending}x,"{quoted}"{line_ending}'.encode()

    assert [["x", inner]] == cells_of(read(content, line_ending=line_ending))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"Id,Nothing\nx,y\n", {}, "InvalidBatch : Field name not found : Nothing"),
        (b"Id,Account.Name\nx,y\n", {}, "InvalidBatch : Field name not found : Account.Name"),
        (b"Id,MailingAddress\nx,y\n", {}, "InvalidBatch : Field name not found : MailingAddress"),
        (b"Id,Title\r\nx,y\r\n", {}, "ClientInputError : LineEnding is invalid"),
        (b"Id,Title\nx,y\n", {"line_ending": "\r\n"}, "ClientInputError : LineEnding is invalid"),
        (b"Id,Title\nx\n", {}, "row 1 has 1 columns"),
        (b"Id,Title\nx,\xff\n", {}, "Failed to parse CSV"),
        (b'Id,Title\nx,"open\n', {}, "Failed to parse CSV"),
        (b"", {}, "no header"),
        (b"Id,id\nx,y\n", {}, "duplicated"),
        (b"Id,Title\nx,y\n", {"operation": "delete"}, "must contain only ids"),
        (b"Id;Title\nx;y\n", {}, "Field name not found"),
        (b"Id,Description\nx," + 32_001 * b"y" + b"\n", {}, "row 1 has a field of more than 32000 characters"),
        (b"Description,Title\n" + b"x,y\n" + 3 * (32_000 * b"z" + b",\n"), {"line_ending": "\r\n"}, "LineEnding"),
    ],
)
def test_an_unreadable_upload_is_refused(content: bytes, options: dict[str, str], message: str) -> None:
    """What cannot be read row by row fails the job with the reason."""
    with pytest.raises(UploadError, match=message):
        read(content, **options)
