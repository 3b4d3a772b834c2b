"""The CSV of an ingest job: bytes to rows, and everything that makes a whole upload unreadable."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.record_chunk import parent_field
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.values import RowError

_NULL = "#N/A"
_QUOTED = re.compile(rb'"[^"]*"')


class UploadError(Exception):
    """The upload as a whole is refused; the text becomes the job's errorMessage."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload: canonical column names, and the cells as sent."""

    columns: tuple[str, ...]
    cells: list[list[str]]

    def rows(self, start: int, end: int) -> list[dict[str, str | None]]:
        """Rows in which an empty cell is absent (stays as it is) and `#N/A` is None (is cleared)."""
        return [
            {
                name: None if cell == _NULL else cell
                for name, cell in zip(self.columns, cells, strict=True)
                if cell != ""
            }
            for cells in self.cells[start:end]
        ]


def read_upload(
    content: bytes,
    org_schema: OrgSchema,
    schema: ObjectSchema,
    *,
    operation: str,
    delimiter: str,
    line_ending: str,
) -> Upload:
    """Parse and check an upload; UploadError when no row of it can be used."""
    _check_line_ending(content, line_ending)
    try:
        text = content.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UploadError(f"InvalidBatch : Failed to parse CSV: {error}") from error
    if not lines or not any(lines[0]):
        raise UploadError("InvalidBatch : Field name not found : the upload has no header row")
    columns = tuple(_canonical(org_schema, schema, name) for name in lines[0])
    if len(set(columns)) < len(columns):
        raise UploadError("InvalidBatch : Field name duplicated in the header row")
    if operation == "delete" and columns != ("Id",):
        raise UploadError("InvalidBatch : The delete batch must contain only ids")
    cells = [line for line in lines[1:] if line]
    for number, line in enumerate(cells, start=1):
        if len(line) != len(columns):
            message = f"row {number} has {len(line)} columns, the header has {len(columns)}"
            raise UploadError(f"InvalidBatch : Failed to parse CSV: {message}")
    return Upload(columns, cells)


def _canonical(org_schema: OrgSchema, schema: ObjectSchema, name: str) -> str:
    if "." in name:
        try:
            reference, external = parent_field(org_schema, schema, name)
        except RowError as error:
            raise UploadError(f"InvalidBatch : Field name not found : {name}") from error
        return f"{reference.relationship}.{external.name}"
    found = schema.find(name)
    if found is None or not found.selectable:
        raise UploadError(f"InvalidBatch : Field name not found : {name}")
    return found.name


def _check_line_ending(content: bytes, line_ending: str) -> None:
    """Line ends outside of quotes have to be what the job announced."""
    bare = _QUOTED.sub(b"", content) if b'"' in content else content
    windows, all_ends = bare.count(b"\r\n"), bare.count(b"\n")
    if (line_ending == "\n" and windows) or (line_ending == "\r\n" and windows < all_ends):
        raise UploadError("ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "
                          + ("LF" if line_ending == "\n" else "CRLF"))  # fmt: skip
