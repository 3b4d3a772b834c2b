"""A few made-up records for objects that the population does not fill: enough to read, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from contact_sync.simulator.salesforce.ids import make_id, pod_of
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema
from contact_sync.simulator.salesforce.store import Cell, timestamp

_TEXTS = ("plain", "Zoë, Ltd.", 'said "yes"', "two\nlines", "NULL", "00123", "snow ☃ 😀")
_EMPTY = 0.2
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def few_records(schema: ObjectSchema, *, instance: str, count: int, as_of: datetime) -> Mapping[str, list[Cell]]:
    """Columns of `count` records whose changes lie in the year before `as_of`."""
    choose = random.Random(f"{instance}/{schema.name}")
    stamps = [timestamp(as_of - timedelta(minutes=choose.randrange(10, 500_000))) for _ in range(count)]
    pod = pod_of(instance)
    columns: dict[str, list[Cell]] = {
        "Id": [make_id(schema.key_prefix, pod, number) for number in range(1, count + 1)],
    }
    for field in schema.stored:
        if field.name == "Id" or field.type == "reference":
            continue
        if field.name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
            columns[field.name] = list(stamps)
        else:
            columns[field.name] = [_value(field, choose) for _ in range(count)]
    return columns


def _value(field: FieldSchema, choose: random.Random) -> Cell:
    if field.name == "IsDeleted":
        return 0
    if not field.required and field.default is None and choose.random() < _EMPTY:
        return 0 if field.type == "boolean" else None
    make = _MAKERS.get(field.type)
    return make(field, choose) if make else choose.choice(_TEXTS)[: field.length or 80]


def _moment(choose: random.Random) -> datetime:
    return _NOON + timedelta(days=choose.randrange(365), milliseconds=choose.randrange(86_400_000))


def _number(field: FieldSchema, choose: random.Random) -> Cell:
    return round(choose.uniform(0, 90), field.scale or 2)


_MAKERS: Mapping[str, Callable[[FieldSchema, random.Random], Cell]] = {
    "boolean": lambda _, choose: choose.randrange(2),
    "int": lambda _, choose: choose.randrange(10_000),
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": lambda _, choose: _moment(choose).date().isoformat(),
    "datetime": lambda _, choose: timestamp(_moment(choose)),
    "time": lambda _, choose: f"{_moment(choose):%H:%M:%S}.000Z",
    "picklist": lambda field, choose: choose.choice(field.values),
    "multipicklist": lambda field, choose: ";".join(choose.sample(field.values, 2)),
    "email": lambda _, choose: f"someone.{choose.randrange(1000)}@example.com",
}
