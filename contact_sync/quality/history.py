"""The tables of quality in silver: what was measured, one row per day, kept for 90 days.

The last measurement of a day stands for it. Does not belong here: measuring, or what figures mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Severity
from contact_sync.quality.drift import ARRIVED, ROWS, Deviation, Series, column_figures
from contact_sync.quality.measure import ColumnProfile, Measurement
from contact_sync.quality.verdict import RuleResult
from contact_sync.warehouse.base import Session

KEPT: Final = timedelta(days=90)
OBJECT_PROFILE: Final = "silver.object_profile"
COLUMN_PROFILE: Final = "silver.column_profile"
RULE_RESULT: Final = "silver.rule_result"
_KEY: Final[dict[str, pa.DataType]] = {"object_name": pa.string(), "instance": pa.string(), "day": pa.date32()}
_TIME: Final = pa.timestamp("us", tz="UTC")


def _integers(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, pa.int64())


SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    OBJECT_PROFILE: pa.schema(
        _KEY | {"measured_at": _TIME, "basis": pa.string(), "row_count": pa.int64(), "arrived_count": pa.int64()}
    ),
    COLUMN_PROFILE: pa.schema(
        _KEY
        | {"column_name": pa.string(), "measured_at": _TIME}
        | _integers("row_count", "null_count", "distinct_count", "min_length", "max_length")
        | {"min_number": pa.float64(), "max_number": pa.float64(), "min_at": _TIME, "max_at": _TIME}
    ),
    RULE_RESULT: pa.schema(
        _KEY
        | {"rule": pa.string(), "column_name": pa.string(), "measured_at": _TIME, "expectation": pa.string()}
        | {"severity": pa.string(), "row_count": pa.int64(), "failed_count": pa.int64()}
        | {"is_passed": pa.bool_(), "problem": pa.string()}
    ),
}
_SQL_TYPES: Final = {
    pa.string(): "varchar",
    pa.date32(): "date",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    _TIME: "timestamp with time zone",
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """When an object's instance was last measured, and what for (`basis`: data, contract and schema, as one hash)."""

    measured_at: datetime
    basis: str


@dataclass(frozen=True, kw_only=True)
class ObjectMeasurement:
    """What was measured of one object just now, and what for. moved: instance -> figures that moved too far."""

    object_name: str
    basis: str
    instances: Sequence[Measurement]
    results: Sequence[RuleResult]
    moved: Mapping[str, Sequence[Deviation]]


def create_tables(session: Session) -> None:
    """Make the tables where they are missing: gold reads them, whether anything was measured or not."""
    if session.exists(RULE_RESULT):
        return
    for table, schema in SCHEMAS.items():
        columns = ", ".join(f"{field.name} {_SQL_TYPES[field.type]}" for field in schema)
        session.execute(f"create table if not exists {table} ({columns})")


def last_measured(session: Session) -> dict[tuple[str, str], Measured]:
    """(object, instance) -> its newest measurement."""
    rows = _newest(session, OBJECT_PROFILE)
    return {
        (row["object_name"], row["instance"]): Measured(measured_at=row["measured_at"], basis=row["basis"])
        for row in rows
    }


def last_results(session: Session) -> list[RuleResult]:
    """The results of each instance's newest measurement."""
    return [
        RuleResult(
            object_name=row["object_name"],
            instance=row["instance"],
            rule=row["rule"],
            column_name=row["column_name"],
            expectation=row["expectation"],
            severity=Severity(row["severity"]),
            row_count=row["row_count"],
            failed_count=row["failed_count"],
            problem=row["problem"],
        )
        for row in _newest(session, RULE_RESULT)
    ]


def figures_by_day(session: Session, names: Sequence[str]) -> dict[tuple[str, str], dict[str, Series]]:
    """(object, instance) -> figure -> day -> value, of everything that is kept of these objects."""
    found: dict[tuple[str, str], dict[str, dict[date, float]]] = {}
    if not names:
        return {}
    listed = ", ".join(f"'{name}'" for name in names)
    columns = "object_name, instance, day, column_name, row_count, null_count, distinct_count"
    rows = session.query(f"select {columns} from {COLUMN_PROFILE} where object_name in ({listed})")  # noqa: S608 -- the catalog's names
    for name, instance, day, *figures in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        column, row_count, null_count, distinct_count = figures
        profile = ColumnProfile(
            column=column, row_count=row_count, null_count=null_count, distinct_count=distinct_count
        )
        of_instance = found.setdefault((name, instance), {})
        for figure, value in column_figures(profile):
            of_instance.setdefault(figure, {})[day] = value
    return {key: dict(figures) for key, figures in found.items()}


def rows_by_day(session: Session) -> dict[tuple[str, str], dict[str, Series]]:
    """(object, instance) -> live rows, and rows that arrived -> day -> how many."""
    found: dict[tuple[str, str], dict[str, dict[date, float]]] = {}
    columns = "object_name, instance, day, row_count, arrived_count"
    for row in session.query(f"select {columns} from {OBJECT_PROFILE} order by day").to_pylist():  # noqa: S608 -- ours
        of_instance = found.setdefault((row["object_name"], row["instance"]), {ROWS: {}, ARRIVED: {}})
        of_instance[ROWS][row["day"]] = float(row["row_count"])
        of_instance[ARRIVED][row["day"]] = float(row["arrived_count"])
    return {key: dict(figures) for key, figures in found.items()}


def keep(session: Session, measured: Sequence[ObjectMeasurement], at: datetime) -> None:
    """Keep measurements as today's, in place of earlier ones of today, and drop of these objects what is too old."""
    if not measured:
        return
    day = at.date()
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in SCHEMAS}
    for one in measured:
        for instance in one.instances:
            key = {"object_name": one.object_name, "instance": instance.instance, "day": day, "measured_at": at}
            counts = {"row_count": instance.row_count, "arrived_count": instance.arrived_count}
            rows[OBJECT_PROFILE].append({**key, **counts, "basis": one.basis})
            rows[COLUMN_PROFILE] += [{**key, **_row(profile)} for profile in instance.profiles]
        rows[RULE_RESULT] += [_result_row(result, day, at) for result in one.results]
    listed = ", ".join(f"'{one.object_name}'" for one in measured)
    for table, new in rows.items():
        session.execute(
            f"delete from {table} where object_name in ({listed}) and (day = $1 or day < $2)",  # noqa: S608 -- the catalog's names
            (day, day - KEPT),
        )
        session.append(table, pa.Table.from_pylist(new, schema=SCHEMAS[table]))


def row_counts(session: Session) -> dict[str, int]:
    """table -> rows."""
    return {table: int(session.scalar(f"select count(*) from {table}")) for table in SCHEMAS}  # noqa: S608 -- ours


def _newest(session: Session, table: str) -> list[dict[str, Any]]:
    """The rows of each instance's newest day."""
    newest = f"select object_name, instance, max(day) as day from {table} group by object_name, instance"  # noqa: S608 -- ours
    return session.query(
        f"select known.* from {table} as known join ({newest}) as newest "  # noqa: S608 -- ours
        "on newest.object_name = known.object_name and newest.instance = known.instance and newest.day = known.day"
    ).to_pylist()


def _row(profile: ColumnProfile) -> dict[str, Any]:
    return {"column_name" if name == "column" else name: value for name, value in vars(profile).items()}


def _result_row(result: RuleResult, day: date, at: datetime) -> dict[str, Any]:
    return {**vars(result), "is_passed": result.is_passed, "day": day, "measured_at": at}
