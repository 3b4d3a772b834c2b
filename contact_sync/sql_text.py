"""Names and texts as they stand in an SQL statement, the way that every engine reads them.

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
