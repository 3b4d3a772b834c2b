"""The port that an instance is examined through, and what an examination finds: what `doctor` lists.

Does not belong here: any protocol, and what is asked of an instance by the catalog (pipeline/doctor.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from contact_sync.catalog import CatalogObject, Entity


class FindingSeverity(StrEnum):
    """problem: something will not work until it is dealt with. note: it works, and somebody should know how."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that an instance lacks or does otherwise; never a value of a record.

    subject: what it is about, in the instance's own names (`Contact.Email`). remedy: what to do about it.
    """

    severity: FindingSeverity
    subject: str
    message: str
    remedy: str

    @property
    def is_problem(self) -> bool:
        """Whether something will not work."""
        return self.severity is FindingSeverity.PROBLEM


@dataclass(frozen=True, kw_only=True)
class Need:
    """What is wanted of one object of an instance.

    fields: those that silver reads. entity: the golden entity that is written to the object, if one is. key_length:
    characters of its keys, which the External ID has to hold.
    """

    item: CatalogObject
    fields: frozenset[str] = frozenset()
    entity: Entity | None = None
    key_length: int = 0


@runtime_checkable
class Examinable(Protocol):
    """What a source offers besides: saying what keeps it from being read and written as wanted."""

    def examine(self, needs: Sequence[Need]) -> tuple[Finding, ...]:
        """What stands against each need; raise the SourceError family only if the instance itself does not answer."""


def problem(subject: str, message: str, remedy: str) -> Finding:
    """Something that will not work."""
    return Finding(severity=FindingSeverity.PROBLEM, subject=subject, message=message, remedy=remedy)


def note(subject: str, message: str, remedy: str) -> Finding:
    """Something to know."""
    return Finding(severity=FindingSeverity.NOTE, subject=subject, message=message, remedy=remedy)
