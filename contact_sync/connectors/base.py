"""The port that every system is read through, and its vocabulary; writing is in target.py.

A *page* is a part of a reading that can be continued after; a *checkpoint* is what a source needs to do so (plain JSON,
opaque to everybody else). A *declared* count is what the source says it holds, as opposed to what arrived.
Does not belong here: any protocol, and anything about bronze.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa

from contact_sync.catalog import CatalogObject

Checkpoint: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Changes with `start <= source time < end`, both UTC; no start means from the beginning.

    settled: source time before which nothing could become visible any more when the reading began, if the source told.
    """

    start: datetime | None
    end: datetime
    settled: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Files:
    """Exactly these versions of files: key -> etag."""

    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """These fields, with key and cursor, of every record, deleted ones included; no names: a sweep of the keys."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Records:
    """All fields of the records with these keys."""

    keys: tuple[str, ...]


Selection: TypeAlias = Window | Files | Columns | Records


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field as its system describes it.

    type: the system's own name for it. length: characters. precision and scale: decimal digits in all and after the
    point. is_calculated: its value can change although the record's cursor stays. left_out: why it cannot be selected.
    """

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    is_calculated: bool = False
    references: tuple[str, ...] = ()
    left_out: str = ""

    @property
    def is_selectable(self) -> bool:
        """Whether a reading can bring its values."""
        return not self.left_out


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a reading.

    rows: a table whose columns are the source's, every one text (pa.string), values as sent, absent values null.
    declared_rows: rows the source says this page holds, if it says so.
    declared_total: rows the source says the whole reading holds; always set on the last page.
    checkpoint: give it to `read` again to continue after this page; None on the last page.
    origin: lineage columns of the page, such as `_file`; they say how it was read and are no part of the record.
    """

    rows: pa.Table
    number: int
    declared_rows: int | None
    declared_total: int | None
    checkpoint: Checkpoint | None
    byte_count: int
    origin: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether the reading ends with this page."""
        return self.checkpoint is None


@dataclass(frozen=True, kw_only=True)
class Health:
    """What `doctor` shows of a reachable instance; `identity` changes when a sandbox is refreshed.

    remaining_calls, remaining_batches: requests, and batches of bulk jobs, left of 24 hours, if the source tells.
    """

    identity: str
    description: str
    remaining_calls: int | None = None
    remaining_batches: int | None = None


class Source(Protocol):
    """A system that can be read. Every method may raise the SourceError family."""

    def check(self) -> Health:
        """Log in and say who is there."""

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """The fields of an object, as described now."""

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Yield the selected records page by page (at least one page); `resume` continues after a page."""

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Whether anything is newer than `since`, at the cost of one small request."""

    def close(self) -> None:
        """Give connections back."""


@runtime_checkable
class FileListing(Protocol):
    """What a source of files offers besides: which versions there are now."""

    def versions(self, item: CatalogObject) -> Mapping[str, str]:
        """key -> etag of every file that belongs to the object."""


@dataclass(frozen=True, kw_only=True)
class Deletions:
    """What a source knows of records that are gone.

    rows: their keys and when they were deleted, as text, named like the object's key and cursor. covered_until: up to
    when the account is complete. is_complete: False if the source does not remember back to what was asked, so that
    only a sweep of the keys can tell.
    """

    rows: pa.Table
    covered_until: datetime
    is_complete: bool


@dataclass(frozen=True, kw_only=True)
class Upcoming:
    """An object that is about to be read, and since when its deletions are wanted (None: not at all)."""

    item: CatalogObject
    deletions_since: datetime | None


@runtime_checkable
class Replicable(Protocol):
    """What a source offers besides, so that a copy of it can be kept complete; it also reads Columns and Records."""

    def prepare(self, upcoming: Sequence[Upcoming]) -> None:
        """Ask at once, in as few requests as possible, what the other methods will be asked one by one."""

    def settled(self, item: CatalogObject) -> datetime | None:
        """Source time before which no more changes can become visible; None if the source cannot tell."""

    def deletions(self, item: CatalogObject, since: datetime) -> Deletions | None:
        """The records deleted since; None if the source keeps no account of the object's deletions."""

    def time(self) -> datetime:
        """The time on the source's own clock, as of its last answer."""

    def hidden(self, item: CatalogObject, names: Collection[str]) -> frozenset[str]:
        """Which of these fields, gone from the description, still exist but are not shown to our user."""


class Memory(Protocol):
    """What a connector has learned of an instance, kept from run to run; losing it costs requests, never records."""

    def recall(self, topic: str) -> Mapping[str, Any] | None:
        """What was learned last about a topic."""

    def learn(self, topic: str, value: Mapping[str, Any]) -> None:
        """Keep something as JSON."""


@dataclass(frozen=True, kw_only=True)
class ObjectSummary:
    """What there is to know to read an object; left_out: why it cannot be read."""

    object: str
    key: str = ""
    cursor: str | None = None
    deleted: str | None = None
    left_out: str = ""


@runtime_checkable
class ObjectListing(Protocol):
    """What a source offers besides: which objects it has."""

    def objects(self) -> tuple[ObjectSummary, ...]:
        """Every object our user may see, those that cannot be read included."""
