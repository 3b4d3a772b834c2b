"""What changed in the fields of an object since they were last described; pure.

A field that is gone was either removed from the system or is hidden from our user: both keep what bronze holds, but a
hidden one is a fault that somebody has to mend. Does not belong here: describing, or keeping the history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contact_sync.connectors.base import Field
from contact_sync.state.schemas import SchemaVersion

REMOVED = "removed"
HIDDEN = "hidden"


@dataclass(frozen=True, kw_only=True)
class SchemaChange:
    """Names of the fields that changed between two descriptions."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.added or self.removed or self.hidden or self.retyped)


def missing(before: SchemaVersion | None, fields: Sequence[Field]) -> frozenset[str]:
    """The fields of a version that are not described any more."""
    return frozenset(before.fields if before else ()) - {field.name for field in fields}


def change(before: SchemaVersion, fields: Sequence[Field], hidden: Collection[str]) -> SchemaChange:
    """What changed since a version; `hidden` are those of the missing fields that still exist."""
    gone = missing(before, fields)
    described = described_fields(fields)
    return SchemaChange(
        added=tuple(name for name in described if name not in before.fields),
        removed=tuple(sorted(gone - set(hidden))),
        hidden=tuple(sorted(gone & set(hidden))),
        retyped=tuple(
            name for name, value in described.items() if name in before.fields and before.fields[name] != value
        ),
    )


def next_version(before: SchemaVersion, fields: Sequence[Field], what: SchemaChange, now: datetime) -> SchemaVersion:
    """The version after a change; of fields that are new, or back, the values in older records are still to be read."""
    described = described_fields(fields)
    gone = {**before.gone, **dict.fromkeys(what.removed, REMOVED), **dict.fromkeys(what.hidden, HIDDEN)}
    selectable = [field.name for field in fields if field.is_selectable]
    return SchemaVersion(
        version=before.version + 1,
        noted_at=now,
        fields=described,
        gone={name: why for name, why in gone.items() if name not in described},
        unread=tuple(name for name in selectable if name in {*before.unread, *what.added}),
    )


def first_version(fields: Sequence[Field], now: datetime, *, known_columns: Collection[str] | None) -> SchemaVersion:
    """The first version; known_columns: those of bronze if it was filled before there was a history."""
    selectable = [field.name for field in fields if field.is_selectable]
    unread = () if known_columns is None else tuple(name for name in selectable if name not in known_columns)
    return SchemaVersion(version=1, noted_at=now, fields=described_fields(fields), unread=unread)


def described_fields(fields: Sequence[Field]) -> dict[str, Mapping[str, Any]]:
    """name -> what is kept of a field's description, as JSON; labels change too often to be a version."""
    return {field.name: {**_kept(field), "references": list(field.references)} for field in fields}


def _kept(field: Field) -> dict[str, Any]:
    return {name: value for name, value in vars(field).items() if name not in {"name", "label"}}
