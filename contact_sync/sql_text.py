"""Names and texts as they stand in an SQL statement, in standard SQL.

Snowflake and Redshift read a backslash in a text as the beginning of another character: what goes there must have none.
Does not belong here: whole statements, and what engines say differently (warehouse/dialect.py).
"""

from __future__ import annotations

from collections.abc import Iterable


def sql_name(identifier: str) -> str:
    """A name, whatever characters and upper case it has: `a"b` -> `"a""b"`."""
    return '"' + identifier.replace('"', '""') + '"'


def sql_text(value: str) -> str:
    """A text: `O'Neil` -> `'O''Neil'`."""
    return "'" + value.replace("'", "''") + "'"


def sql_texts(values: Iterable[str]) -> str:
    """Several texts, for `in (...)`."""
    return ", ".join(map(sql_text, values))
