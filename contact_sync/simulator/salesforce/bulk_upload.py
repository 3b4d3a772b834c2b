"""The CSV of an ingest job: bytes to rows, and everything that makes a whole upload unreadable.

Read from a file, batch by batch, so that its size does not matter. What an upload that breaks a limit is told, the
guide does not say; here the whole job fails.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.record_references import parent_field
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.values import RowError

_NULL = "#N/A"
_MOST_CHARACTERS_OF_FIELD = 32_000
_MOST_CHARACTERS_OF_RECORD = 400_000
_MOST_FIELDS = 5_000
_BYTES_PER_READ = 1_048_576


class UploadError(Exception):
    """The upload as a whole is refused; the text becomes the job's errorMessage."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked upload: canonical column names, and the file with the cells as they were sent."""

    columns: tuple[str, ...]
    file: BinaryIO
    delimiter: str

    def batches(self, most_rows: int) -> Iterator[list[list[str]]]:
        """The cells of up to so many rows at a time."""
        with _text(self.file) as text:
            lines = _lines(text, self.delimiter)
            next(lines)
            while batch := list(islice(lines, most_rows)):
                yield batch

    def row(self, cells: Sequence[str]) -> dict[str, str | None]:
        """A row in which an empty cell is absent (stays as it is) and `#N/A` is None (is cleared)."""
        pairs = zip(self.columns, cells, strict=True)
        return {name: None if cell == _NULL else cell for name, cell in pairs if cell != ""}


def read_upload(
    file: BinaryIO, org_schema: OrgSchema, schema: ObjectSchema, *, operation: str, delimiter: str, line_ending: str
) -> Upload:
    """Check an upload from its beginning to its end; UploadError when it cannot be read."""
    _check_line_ending(file, line_ending)
    with _text(file) as text:
        try:
            columns = _checked_columns(org_schema, schema, operation, _lines(text, delimiter))
        except (UnicodeDecodeError, csv.Error) as error:
            raise UploadError(f"InvalidBatch : Failed to parse CSV: {error}") from error
    return Upload(columns, file, delimiter)


class _text(io.TextIOWrapper):  # noqa: N801 - used like a function
    """The file from its beginning as text, which leaves it open."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        super().__init__(file, encoding="utf-8-sig", newline="")

    def close(self) -> None:
        """Let go of the file without closing it."""
        self.detach()


def _lines(text: io.TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    return (line for line in csv.reader(text, delimiter=delimiter, strict=True) if line)


def _checked_columns(
    org_schema: OrgSchema, schema: ObjectSchema, operation: str, lines: Iterator[list[str]]
) -> tuple[str, ...]:
    header = next(lines, [])
    if not any(header):
        raise UploadError("InvalidBatch : Field name not found : the upload has no header row")
    if len(header) > _MOST_FIELDS:
        raise UploadError(f"InvalidBatch : a record has more than {_MOST_FIELDS} fields")
    columns = tuple(_canonical(org_schema, schema, name) for name in header)
    if len(set(columns)) < len(columns):
        raise UploadError("InvalidBatch : Field name duplicated in the header row")
    if operation in ("delete", "hardDelete") and columns != ("Id",):
        raise UploadError("InvalidBatch : The delete batch must contain only ids")
    for number, line in enumerate(lines, start=1):
        _check_size(number, line, len(columns))
    return columns


def _check_size(number: int, line: Sequence[str], columns: int) -> None:
    if len(line) != columns:
        message = f"row {number} has {len(line)} columns, the header has {columns}"
        raise UploadError(f"InvalidBatch : Failed to parse CSV: {message}")
    lengths = [len(cell) for cell in line]
    if max(lengths) > _MOST_CHARACTERS_OF_FIELD:
        raise UploadError(
            f"InvalidBatch : row {number} has a field of more than {_MOST_CHARACTERS_OF_FIELD} characters"
        )
    if sum(lengths) > _MOST_CHARACTERS_OF_RECORD:
        raise UploadError(f"InvalidBatch : row {number} has more than {_MOST_CHARACTERS_OF_RECORD} characters")


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


def _check_line_ending(file: BinaryIO, line_ending: str) -> None:
    """Line ends outside of quotes have to be what the job announced."""
    file.seek(0)
    windows = all_ends = 0
    is_quoted = False
    before = b""
    while piece := file.read(_BYTES_PER_READ):
        for place, part in enumerate(piece.split(b'"')):
            is_quoted = is_quoted != (place > 0)
            if not is_quoted:
                windows += part.count(b"\r\n") + (place == 0 and before == b"\r" and part.startswith(b"\n"))
                all_ends += part.count(b"\n")
        before = piece[-1:]
    if (line_ending == "\n" and windows) or (line_ending == "\r\n" and windows < all_ends):
        raise UploadError("ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "
                          + ("LF" if line_ending == "\n" else "CRLF"))  # fmt: skip
