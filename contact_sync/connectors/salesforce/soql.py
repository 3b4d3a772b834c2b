"""The few SOQL statements that contact_sync asks.

Does not belong here: how they are sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contact_sync.catalog import CatalogObject
    from contact_sync.connectors.base import Window


def datetime_literal(moment: datetime) -> str:
    """A UTC literal in milliseconds, rounded down: what a window leaves out at its end the next one begins with."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def select_window(item: CatalogObject, columns: Sequence[str], window: Window) -> str:
    """The records whose cursor lies in the window, in no order: ORDER BY and LIMIT switch server-side chunking off."""
    statement = f"SELECT {', '.join(columns)} FROM {item.object}"  # noqa: S608 - names from the catalog
    if item.cursor is None:
        return statement
    bounds = [f"{item.cursor} < {datetime_literal(window.end)}"]
    if window.start is not None:
        bounds.insert(0, f"{item.cursor} >= {datetime_literal(window.start)}")
    return f"{statement} WHERE {' AND '.join(bounds)}"


def select_one_changed(item: CatalogObject, since: datetime | None) -> str:
    """At most one record that is newer than `since`."""
    condition = f" WHERE {item.cursor} > {datetime_literal(since)}" if item.cursor and since else ""
    return f"SELECT Id FROM {item.object}{condition} LIMIT 1"  # noqa: S608 - names from the catalog


def count_records(object_name: str) -> str:
    """How many records an object has."""
    return f"SELECT count() FROM {object_name}"  # noqa: S608 - names from the catalog
