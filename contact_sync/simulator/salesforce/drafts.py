"""A row on its way into a record, which every rule of writing looks at, and looking up what is stored for many rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from contact_sync.simulator.salesforce.schema import FieldSchema
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import RowError

Row = Mapping[str, object]


@dataclass(slots=True)
class Draft:
    """A row on its way: its cleaned values, and the first thing found wrong with it."""

    position: int
    id: str | None
    values: dict[str, Cell]
    parents: dict[str, tuple[FieldSchema, str]]
    error: RowError | None = None


def lookup(connection: sqlite3.Connection, statement: str, values: Iterable[str]) -> list[tuple[Any, ...]]:
    """What a statement finds whose `{}` stands for these values."""
    wanted = list(dict.fromkeys(values))
    if not wanted:
        return []
    return connection.execute(statement.format(", ".join("?" * len(wanted))), wanted).fetchall()
