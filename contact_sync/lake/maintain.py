"""Daily care of the lake: many small files become few, and files nobody can see any more are removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contact_sync.lake.bronze import BronzeTable
from contact_sync.lake.location import storage_errors

RETENTION_HOURS: Final = 168
"""Unpublished files younger than this stay: an interrupted batch may still be resumed."""


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What was done to a table."""

    table: str
    files_before: int
    files_after: int
    files_removed: int


def maintain(table: BronzeTable) -> Maintained | None:
    """Compact and vacuum one bronze table; None if it does not exist yet."""
    if not table.exists:
        return None
    with storage_errors(f"bronze table {table.name}"):
        before = len(table.delta.file_uris())
        table.delta.optimize.compact()
        removed = table.delta.vacuum(retention_hours=RETENTION_HOURS, full=True, dry_run=False)
    return Maintained(
        table=table.name, files_before=before, files_after=len(table.delta.file_uris()), files_removed=len(removed)
    )
