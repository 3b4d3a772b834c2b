"""Files of people are read whole, as they are, or refused by name and line. Does not belong here: what is in them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from contact_sync.errors import IdentityError
from contact_sync.sql_text import sql_text

_SUFFIXES: Final = {".csv": "csv", ".parquet": "parquet"}
_SEPARATORS: Final = ",;\t|"
_LINE: Final = re.compile(r"Line: (\d+)")


def kind_of(path: Path) -> str:
    """`csv` or `parquet`; IdentityError for any other name, or a directory that is not there."""
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise IdentityError(f"{path.name} is neither CSV nor Parquet.", remedy=f"Name it {' or '.join(_SUFFIXES)}.")
    if not path.parent.is_dir():
        raise IdentityError(f"There is no directory {path.parent}.", remedy="Make it, or name another file.")
    return kind


def read_file(database: duckdb.DuckDBPyConnection, source: Path, *, reserved: Sequence[str]) -> list[str]:
    """Make the table `file` (_row, the file's columns as they are); returns their names.

    Raises IdentityError for what cannot be read, and for columns with a reserved name.
    """
    reader = _csv_reader(source) if kind_of(source) == "csv" else f"read_parquet({sql_text(str(source))})"
    try:
        database.execute(f"create table file as select row_number() over () as _row, * from {reader}")  # noqa: S608 -- quoted
    except duckdb.Error as error:
        # The library's message quotes the row.
        found = _LINE.search(str(error))
        raise IdentityError(
            f"{source.name} cannot be read as {source.suffix[1:].upper()}"
            f" ({type(error).__name__}{f', line {found[1]}' if found else ''}).",
            remedy="Each row must have the columns of the header, and the file be whole and in UTF-8.",
        ) from None
    columns = [str(row[0]) for row in database.sql("describe file").fetchall()][1:]
    if taken := [column for column in columns if column.lower() in (*reserved, "_row")]:
        raise IdentityError(
            f"{source.name} has a column {taken[0]} already.", remedy="Rename it, so that nothing is overwritten."
        )
    return columns


def _csv_reader(source: Path) -> str:
    """How DuckDB reads the file: every column as text, no guessing, so that a row that differs is named."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as lines:
            separator = max(_SEPARATORS, key=lines.readline().count)
            lines.seek(0)
            header = [name.strip() for name in next(csv.reader(lines, delimiter=separator), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise IdentityError(
            f"{source.name} cannot be read ({type(error).__name__}).", remedy="It must exist and be in UTF-8."
        ) from None
    if not all(header) or len({name.lower() for name in header}) < max(len(header), 1):
        raise IdentityError(
            f"The header of {source.name} has an empty or a repeated name, or there is none.",
            remedy="Give every column a name of its own in the first line.",
        )
    columns = ", ".join(f"{sql_text(name)}: 'varchar'" for name in header)
    options = f"auto_detect = false, header = true, delim = {sql_text(separator)}, quote = '\"', escape = '\"'"
    return f"read_csv({sql_text(str(source))}, columns = {{{columns}}}, {options})"
