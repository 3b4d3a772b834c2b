"""Rows of a table as the JSON records of the REST API.

A null cell is left out, CLEAR is null, `Parent.Key__c` becomes an object that names the parent by its key. Does not
belong here: sending them.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from contact_sync.connectors.target import CLEAR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from contact_sync.connectors.base import Field

_NUMBERS: Final = frozenset({"int", "double", "currency", "percent"})
_PLAIN_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


def records(rows: pa.Table, fields: Mapping[str, Field], *, without: str = "") -> Iterator[dict[str, Any]]:
    """One record for each row, the columns but `without` as its fields; values as `kept.prepare` leaves them."""
    names = [name for name in rows.column_names if name != without]
    for cells in zip(*(rows.column(name).to_pylist() for name in names), strict=True) if names else ():
        record: dict[str, Any] = {}
        for name, text in zip(names, cells, strict=True):
            if text is None:
                continue
            relationship, _, parent_key = name.partition(".")
            if not parent_key:
                record[name] = None if text == CLEAR else _value(text, fields.get(name))
            elif text == CLEAR:
                record[_reference(relationship)] = None
            else:
                record[relationship] = {parent_key: text}
        yield record


def named_values(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """These fields of a record of a query's reply; those of a parent that it does not have are nothing."""
    values: dict[str, Any] = {}
    for name in names:
        relationship, _, parent_field = name.partition(".")
        values[name] = (record.get(relationship) or {}).get(parent_field) if parent_field else record.get(name)
    return values


def _reference(relationship: str) -> str:
    """The field behind a relationship: `Account` is `AccountId`, `Site__r` is `Site__c`."""
    return f"{relationship[:-1]}c" if relationship.endswith("__r") else f"{relationship}Id"


def _value(text: str, field: Field | None) -> Any:
    """A JSON value that says exactly the text; a number that JSON's readers would round stays a text."""
    kind = field.type if field is not None else ""
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    if kind in _NUMBERS and _PLAIN_NUMBER.fullmatch(text):
        if "." not in text:
            return int(text)
        return float(text) if Decimal(repr(float(text))) == Decimal(text) else text
    return text
