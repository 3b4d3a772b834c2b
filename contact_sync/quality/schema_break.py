"""Breaks of a schema: a field that a silver model reads is gone, or has a type the model cannot hold any more; pure.

A model that went on reading would overwrite good values with nulls, so the instance is held at its last good batch;
bronze keeps everything, and nothing else waits. Does not belong here: holding (pipeline/quality.py), or describing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from contact_sync.state.schemas import SchemaVersion
from contact_sync.warehouse.types import Cast, misfits

RETYPED: Final = "retyped"


@dataclass(frozen=True, kw_only=True)
class SchemaBreak:
    """A field that silver needs and cannot read. why: removed, hidden or retyped; detail: both types, if retyped."""

    field: str
    why: str
    detail: str = ""

    def __str__(self) -> str:
        """`Email is hidden`."""
        return f"{self.field} is {self.why}" + (f" ({self.detail})" if self.detail else "")


def schema_breaks(
    read: Collection[str], casts: Sequence[Cast], history: Sequence[SchemaVersion], optional: Collection[str] = ()
) -> list[SchemaBreak]:
    """The breaks of one instance's newest schema version.

    read: the fields that the model reads; casts: those with a type. A type that never fitted is not a break but a
    choice of the model (the check `types_fit` warns of it).
    """
    if not history:
        return []
    newest = history[-1]
    gone = [
        SchemaBreak(field=name, why=why)
        for name, why in sorted(newest.gone.items())
        if name in read and name not in optional
    ]
    retyped = [
        SchemaBreak(field=one.cast.field, why=RETYPED, detail=str(one))
        for one in misfits(casts, newest.fields)
        if one.cast.field not in optional and any(_fitted(one.cast, version) for version in history[:-1])
    ]
    return [*gone, *retyped]


def _fitted(cast: Cast, version: SchemaVersion) -> bool:
    return cast.field in version.fields and not misfits([cast], version.fields)
