"""One pass over a silver table: the figures of all rules and all columns, as one select; pure.

A row of the answer is an instance, a column of it one figure. Of texts only lengths are taken, so that no value of a
record leaves the table. Does not belong here: what the figures mean (verdict.py, drift.py), or keeping them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Rule, RuleKind
from contact_sync.sql_text import sql_text

ARRIVED_WITHIN: Final = timedelta(hours=24)
_COLUMNS_PER_SELECT: Final = 100
_LINEAGE: Final = frozenset({"instance", "is_deleted", "extracted_at", "batch_id", "changed_in"})


class ColumnKind(StrEnum):
    """What can be said of a column's values."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a silver table; data_type as the model declares it."""

    name: str
    data_type: str

    @property
    def kind(self) -> ColumnKind:
        """What can be said of its values."""
        kind = self.data_type.lower()
        if kind.endswith("]"):
            return ColumnKind.OTHER
        if kind.startswith(("varchar", "text", "character")):
            return ColumnKind.TEXT
        if kind.startswith(("decimal", "numeric", "bigint", "integer", "double", "float")):
            return ColumnKind.NUMBER
        return ColumnKind.TIME if kind.startswith(("timestamp", "date")) else ColumnKind.OTHER


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """Figures of one column of one instance, over its live rows. distinct_count may be an estimate within 2 %."""

    column: str
    row_count: int
    null_count: int
    distinct_count: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_number: float | None = None
    max_number: float | None = None
    min_at: datetime | None = None
    max_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one instance of an object holds. arrived_count: live rows read within the last 24 hours.

    broken: how many rows break each rule that counts rows.
    """

    instance: str
    row_count: int = 0
    arrived_count: int = 0
    profiles: tuple[ColumnProfile, ...] = ()
    broken: Mapping[Rule, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How an engine says what standard SQL has no words for; `{}` is a column.

    distinct: the number of different values, an estimate where the engine has one, which costs a quarter.
    mismatch: true for a text that a pattern (the second place) does not match as a whole.
    """

    distinct: str = "count(distinct {})"
    mismatch: str = "regexp_replace({}, '^(' || {} || ')$', '') <> ''"


ENGINES: Final[Mapping[str, Engine]] = {
    "duckdb": Engine(distinct="approx_count_distinct({})", mismatch="not regexp_full_match({}, {})"),
    "snowflake": Engine(distinct="approx_count_distinct({})"),
    "redshift": Engine(distinct="approximate count(distinct {})"),
}
"""By the names that dbt has for them; the others are served by standard SQL."""


@dataclass(frozen=True, kw_only=True)
class Select:
    """One statement, and what each column of its answer is: (column or rule, name of the figure)."""

    sql: str
    figures: tuple[tuple[str | Rule, str], ...]


def profiled(columns: Mapping[str, str]) -> list[Column]:
    """The columns of a silver table (name -> type) that are worth a profile: all but where a row came from."""
    return [Column(name=name, data_type=kind) for name, kind in columns.items() if name not in _LINEAGE]


def selects(
    table: str, columns: Sequence[Column], rules: Iterable[Rule], now: datetime, engine: Engine = ENGINES["duckdb"]
) -> list[Select]:
    """The statements that measure a table; one for each 100 columns.

    Far more would not fit: DuckDB 2.0 keeps all states of a group in one row of at most 256 KB, an estimate of
    different values takes 1 KB of it, and its process dies of 300 of them. PostgreSQL answers with at most 1664
    columns.
    """
    by_column: dict[str, list[Rule]] = {}
    for rule in rules:
        by_column.setdefault(rule.column, []).append(rule)
    made = []
    for start in range(0, max(len(columns), 1), _COLUMNS_PER_SELECT):
        part = columns[start : start + _COLUMNS_PER_SELECT]
        figures = dict([_figure_of_table("row_count", "count(*)"), _arrived(now)])
        for column in part:
            figures.update(_figures(column, by_column.get(column.name, ()), now, engine))
        lines = ",\n".join(f"    {sql} as figure_{number}" for number, sql in enumerate(figures.values()))
        statement = f"select\n    instance,\n{lines}\nfrom {table}\nwhere not is_deleted\ngroup by instance"
        made.append(Select(sql=statement, figures=tuple(figures)))
    return made


def measurements(answers: Sequence[tuple[Select, pa.Table]], instances: Iterable[str]) -> list[Measurement]:
    """What the answers say of each instance; one without live rows has none in them."""
    found: dict[str, dict[tuple[str | Rule, str], Any]] = {name: {} for name in instances}
    for select, rows in answers:
        for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
            found.setdefault(row[0], {}).update(zip(select.figures, row[1:], strict=True))
    parts = (part for select, _ in answers for part, _ in select.figures)
    columns = dict.fromkeys(part for part in parts if isinstance(part, str) and part)
    return [_measurement(name, figures, columns) for name, figures in sorted(found.items())]


def _measurement(instance: str, figures: Mapping[tuple[str | Rule, str], Any], columns: Iterable[str]) -> Measurement:
    if not figures:
        return Measurement(instance=instance, profiles=tuple(_profile(name, 0, {}) for name in columns))
    row_count = int(figures["", "row_count"])
    of_column: dict[str, dict[str, Any]] = {}
    for (part, name), value in figures.items():
        if isinstance(part, str) and part:
            of_column.setdefault(part, {})[name] = value
    return Measurement(
        instance=instance,
        row_count=row_count,
        arrived_count=int(figures["", "arrived_count"] or 0),
        profiles=tuple(_profile(name, row_count, of_column[name]) for name in columns),
        broken={part: int(value or 0) for (part, _), value in figures.items() if isinstance(part, Rule)},
    )


def _profile(name: str, row_count: int, figures: Mapping[str, Any]) -> ColumnProfile:
    filled = int(figures.get("filled", 0))
    distinct = figures.get("distinct")
    return ColumnProfile(
        column=name,
        row_count=row_count,
        null_count=row_count - filled,
        # An estimate can exceed what there is.
        distinct_count=None if distinct is None else min(int(distinct), filled),
        min_length=_as_int(figures.get("min_length")),
        max_length=_as_int(figures.get("max_length")),
        min_number=_as_float(figures.get("min_number")),
        max_number=_as_float(figures.get("max_number")),
        min_at=_as_time(figures.get("min_at")),
        max_at=_as_time(figures.get("max_at")),
    )


def _figure_of_table(name: str, sql: str) -> tuple[tuple[str | Rule, str], str]:
    return ("", name), sql


def _arrived(now: datetime) -> tuple[tuple[str | Rule, str], str]:
    since = _literal(now - ARRIVED_WITHIN)
    return _figure_of_table("arrived_count", f"sum(case when extracted_at >= {since} then 1 else 0 end)")


def _figures(column: Column, rules: Iterable[Rule], now: datetime, engine: Engine) -> dict[tuple[str | Rule, str], str]:
    """What is taken of one column."""
    name = column.name
    figures: dict[tuple[str | Rule, str], str] = {(name, "filled"): f"count({name})"}
    if column.kind is not ColumnKind.OTHER:
        figures[name, "distinct"] = engine.distinct.format(name)
    if column.kind is ColumnKind.TEXT:
        figures |= {(name, "min_length"): f"min(length({name}))", (name, "max_length"): f"max(length({name}))"}
    if column.kind is ColumnKind.NUMBER:
        figures |= {(name, "min_number"): f"min({name})", (name, "max_number"): f"max({name})"}
    if column.kind is ColumnKind.TIME:
        figures |= {(name, "min_at"): f"min({name})", (name, "max_at"): f"max({name})"}
    for rule in rules:
        if rule.kind is RuleKind.UNIQUE:
            figures[rule, "broken"] = f"count({name}) - count(distinct {name})"
        elif (condition := _broken_if(rule, column, now, engine)) is not None:
            figures[rule, "broken"] = f"sum(case when {condition} then 1 else 0 end)"
    return figures


def _broken_if(rule: Rule, column: Column, now: datetime, engine: Engine) -> str | None:
    """The condition of a row that breaks a rule; None if the rule is not about single rows."""
    name, argument = column.name, rule.argument
    match rule.kind:
        case RuleKind.REQUIRED | RuleKind.NULL_SHARE_BELOW:
            return f"{name} is null"
        case RuleKind.PATTERN:
            return engine.mismatch.format(name, sql_text(argument))
        case RuleKind.LENGTH:
            return f"length({name}) not between {argument[0]} and {argument[1]}"
        case RuleKind.ONE_OF:
            return f"{name} not in ({', '.join(_literal(value) for value in argument)})"
        case RuleKind.BETWEEN:
            first, last = _bounds(rule, column, now)
            return f"({name} < {first} or {name} {'>=' if _is_timestamp(column) else '>'} {last})"
        case _:
            return None


def _bounds(rule: Rule, column: Column, now: datetime) -> tuple[str, str]:
    """Both bounds as literals; a last day ends where the next one begins."""
    first, last = rule.argument
    last = now.astimezone(UTC).date() + timedelta(days=1) if last == "tomorrow" else last
    if _is_timestamp(column) and isinstance(first, date) and isinstance(last, date):
        midnights = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (first, last + timedelta(days=1))]
        return _literal(midnights[0]), _literal(midnights[1])
    return _literal(first), _literal(last)


def _is_timestamp(column: Column) -> bool:
    return column.data_type.lower().startswith("timestamp")


def _literal(value: str | float | date) -> str:
    if isinstance(value, datetime):
        return f"cast('{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00:00' as timestamp with time zone)"
    if isinstance(value, date):
        return f"cast('{value.isoformat()}' as date)"
    return sql_text(value) if isinstance(value, str) else str(value)


def _as_int(value: Any) -> int | None:
    return None if value is None else int(value)


def _as_float(value: Any) -> float | None:
    return None if value is None else float(value)


def _as_time(value: date | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
