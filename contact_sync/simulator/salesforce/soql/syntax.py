"""The tree a SOQL query is parsed into: plain values without any meaning of objects or storage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Path = tuple[str, ...]
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "like", "in", "not in"]
Kind = Literal["string", "number", "boolean", "null", "date", "datetime", "range"]


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: a number is a Decimal, a date or datetime its text in UTC, LAST_N_DAYS:3 and the like their name."""

    kind: Kind
    value: str | Decimal | bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; `in` and `not in` have many values, all others exactly one."""

    path: Path
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a condition."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    """Two or more conditions joined by `and` or by `or`."""

    operator: Literal["and", "or"]
    conditions: tuple[Condition, ...]


Condition = Comparison | Not | Junction


@dataclass(frozen=True, slots=True)
class Ordering:
    """One key of an `order by`; nulls come first unless asked otherwise."""

    path: Path
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; `count()` has no fields."""

    object_name: str
    fields: tuple[Path, ...]
    is_count: bool = False
    where: Condition | None = None
    order_by: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int | None = None
