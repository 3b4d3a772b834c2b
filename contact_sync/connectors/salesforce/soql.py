"""The few SOQL statements that contact_sync asks, and the parts that a reading can be divided into.

Does not belong here: how they are sent, or when a reading is divided.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contact_sync.catalog import CatalogObject

STATEMENT_BYTES: Final = 14_000
"""What a statement may have in an address: URI and headers may have 16,384 bytes together."""
IDS_AT_ONCE: Final = 200

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 15
_SHORTEST_SPAN: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some records of an object: those with a cursor in `start <= cursor < end` and an id in `first_id <= id < end_id`.

    ids: only these records. What is None does not limit.
    """

    start: datetime | None = None
    end: datetime | None = None
    first_id: str | None = None
    end_id: str | None = None
    ids: tuple[str, ...] = ()

    def conditions(self, item: CatalogObject) -> list[str]:
        """The part as conditions of a WHERE clause."""
        found = []
        if item.cursor is not None:
            found += [f"{item.cursor} >= {datetime_literal(self.start)}"] if self.start else []
            found += [f"{item.cursor} < {datetime_literal(self.end)}"] if self.end else []
        found += [f"{item.key} >= '{self.first_id}'"] if self.first_id else []
        found += [f"{item.key} < '{self.end_id}'"] if self.end_id else []
        found += [f"{item.key} IN ({', '.join(map(_quoted, self.ids))})"] if self.ids else []
        return found

    def halves_of_time(self) -> tuple[Part, Part] | None:
        """The earlier and the later half; None if the span is open or too short for halves to help."""
        if self.start is None or self.end is None or self.end - self.start < _SHORTEST_SPAN:
            return None
        middle = self.start + (self.end - self.start) / 2
        middle = middle.replace(microsecond=middle.microsecond // 1000 * 1000)
        return replace(self, end=middle), replace(self, start=middle)

    def halves_of_ids(self, first: str, last: str) -> tuple[Part, Part] | None:
        """The halves of the range between the part's first and last record; None if that is one record."""
        middle = middle_id(first, last)
        return (replace(self, end_id=middle), replace(self, first_id=middle)) if middle is not None else None

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        times = {name: time.isoformat() if time else None for name, time in (("start", self.start), ("end", self.end))}
        return {**asdict(self), **times, "ids": list(self.ids)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Part:
        """The inverse of `as_json`."""
        start, end = (datetime.fromisoformat(value[name]) if value[name] else None for name in ("start", "end"))
        return cls(**{**value, "start": start, "end": end, "ids": tuple(value["ids"])})


def datetime_literal(moment: datetime) -> str:
    """A UTC literal in milliseconds, rounded down: what a window leaves out at its end the next one begins with."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def select(item: CatalogObject, columns: Sequence[str], conditions: Sequence[str]) -> str:
    """Records in no order: ORDER BY and LIMIT switch server-side chunking off."""
    statement = f"SELECT {', '.join(columns)} FROM {item.object}"  # noqa: S608 - names from the catalog
    return f"{statement} WHERE {' AND '.join(conditions)}" if conditions else statement


def select_in_order(
    item: CatalogObject, columns: Sequence[str], conditions: Sequence[str], *, limit: int, is_descending: bool = False
) -> str:
    """The first records in the order of their ids."""
    direction = " DESC" if is_descending else ""
    return f"{select(item, columns, conditions)} ORDER BY {item.key}{direction} LIMIT {limit}"


def select_one_changed(item: CatalogObject, since: datetime | None) -> str:
    """At most one record that is newer than `since`."""
    condition = [f"{item.cursor} > {datetime_literal(since)}"] if item.cursor and since else []
    return f"{select(item, ['Id'], condition)} LIMIT 1"


def count_records(object_name: str, conditions: Sequence[str] = ()) -> str:
    """How many records an object has."""
    statement = f"SELECT count() FROM {object_name}"  # noqa: S608 - names from the catalog
    return f"{statement} WHERE {' AND '.join(conditions)}" if conditions else statement


def select_by_keys(object_name: str, names: Sequence[str], key: str, keys: Sequence[str]) -> str:
    """The live records that have one of some keys."""
    return f"SELECT {', '.join(names)} FROM {object_name} WHERE {key} IN ({', '.join(map(_quoted, keys))})"  # noqa: S608 - names from the catalog


def fits_address(statement: str) -> bool:
    """Whether a statement can be sent as part of an address."""
    return len(quote_plus(statement)) <= STATEMENT_BYTES


def middle_id(first: str, last: str) -> str | None:
    """An id half-way from `first` to `last`, so that both lie on different sides; None if there is none.

    Ids are ordered like their first 15 characters: digits, upper case, lower case.
    """
    low, high = (_number(text) for text in (first, last))
    middle = (low + high + 1) // 2
    return _text(middle) if low < middle <= high else None


def _number(text: str) -> int:
    number = 0
    for letter in text[:_ID_LENGTH]:
        number = number * len(_DIGITS) + _DIGITS.index(letter)
    return number


def _text(number: int) -> str:
    letters = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[digit])
    return "".join(reversed(letters))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
