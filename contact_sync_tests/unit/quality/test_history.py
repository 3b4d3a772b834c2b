"""What was measured is kept one row per day, for 90 days, and found again as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_sync.catalog import Severity
from contact_sync.quality.drift import ARRIVED, ROWS
from contact_sync.quality.history import (
    COLUMN_PROFILE,
    OBJECT_PROFILE,
    RULE_RESULT,
    ObjectMeasurement,
    create_tables,
    figures_by_day,
    keep,
    last_measured,
    last_results,
    row_counts,
    rows_by_day,
)
from contact_sync.quality.measure import ColumnProfile, Measurement
from contact_sync.quality.verdict import RuleResult
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.duckdb import DuckDBWarehouse

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A warehouse with the tables of quality."""
    with DuckDBWarehouse(tmp_path / "warehouse.duckdb", memory_mb=500, threads=1).session("test") as opened:
        create_tables(opened)
        yield opened


def measure(session: Session, at: datetime, rows: int, *, name: str = "crm__contact", problem: str = "") -> RuleResult:
    """Keep a measurement of one instance with one column and one rule."""
    profile = ColumnProfile(
        column="email", row_count=rows, null_count=rows // 4, distinct_count=rows // 2, max_length=9
    )
    result = RuleResult(
        object_name=name,
        instance="core",
        rule="required",
        column_name="email",
        expectation="required",
        severity=Severity.WARN,
        row_count=rows,
        failed_count=rows // 4,
        problem=problem,
    )
    measurement = Measurement(instance="core", row_count=rows, arrived_count=1, profiles=(profile,))
    kept = ObjectMeasurement(
        object_name=name, basis=f"basis {rows}", instances=[measurement], results=[result], moved={}
    )
    keep(session, [kept], at)
    return result


def test_the_last_measurement_of_a_day_stands_for_it(session: Session) -> None:
    """Measuring again replaces the day's rows of that object, and no others."""
    measure(session, NOW, 100)
    measure(session, NOW, 7, name="crm__lead")
    last = measure(session, NOW + timedelta(hours=3), 80, problem="too many")

    assert {OBJECT_PROFILE: 2, COLUMN_PROFILE: 2, RULE_RESULT: 2} == row_counts(session)
    known = last_measured(session)["crm__contact", "core"]
    assert ("basis 80", NOW + timedelta(hours=3)) == (known.basis, known.measured_at)
    assert [last] == [one for one in last_results(session) if one.object_name == "crm__contact"]


def test_days_are_kept_as_long_as_promised(session: Session) -> None:
    """After 91 days the first day is gone; figures come back by day; results are those of the newest day."""
    for day in range(92):
        measure(session, NOW + timedelta(days=day), 100 + day)

    today = (NOW + timedelta(days=91)).date()
    counts = rows_by_day(session)["crm__contact", "core"]
    rows = counts[ROWS]
    assert {1.0} == set(counts[ARRIVED].values())
    assert (91, today - timedelta(days=90), 191.0) == (len(rows), min(rows), rows[today])
    figures = figures_by_day(session, ["crm__contact"])["crm__contact", "core"]
    assert {"null share of email", "distinct share of email"} == set(figures)
    assert {one: (47 / 191, 95 / 144)[number] for number, one in enumerate(["null", "distinct"])} == {
        one: figures[f"{one} share of email"][today] for one in ("null", "distinct")
    }
    assert [191] == [one.row_count for one in last_results(session)]
