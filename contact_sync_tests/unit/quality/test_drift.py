"""Drift: what moves as it always does is not told, what jumps is; a few odd days in the history change nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contact_sync.catalog.contracts import DriftRules
from contact_sync.quality.drift import ARRIVED, ROWS, deviations, robust_score
from contact_sync.quality.measure import ColumnProfile, Measurement

TODAY = date(2026, 11, 20)
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=7, max_size=40)


def days(values: list[float], *, every: int = 1) -> dict[date, float]:
    """Values of the days before today, the newest last."""
    return {
        TODAY - timedelta(days=every * ago): value for ago, value in zip(range(len(values), 0, -1), values, strict=True)
    }


def moved(
    measurement: Measurement, history: dict[str, dict[date, float]], rules: DriftRules | None = None
) -> list[str]:
    """The figures that moved too far."""
    return [one.figure for one in deviations(measurement, history, rules or DriftRules(), TODAY)]


@given(values=VALUES, value=st.floats(-1e6, 1e6), shift=st.floats(-1e5, 1e5))
def test_the_score_does_not_depend_on_where_zero_is(values: list[float], value: float, shift: float) -> None:
    """Moving everything by the same amount changes no score."""
    before = robust_score(value, values, 1.0)

    assert before == pytest.approx(robust_score(value + shift, [one + shift for one in values], 1.0), abs=1e-3)


@given(values=VALUES, value=st.floats(-1e6, 1e6), scale=st.floats(0.01, 100))
def test_the_score_does_not_depend_on_the_unit(values: list[float], value: float, scale: float) -> None:
    """Nor does measuring everything in another unit."""
    before = robust_score(value, values, 1.0)

    assert before == pytest.approx(robust_score(value * scale, [one * scale for one in values], scale), abs=1e-3)


@given(values=VALUES)
def test_what_lies_within_the_usual_is_never_told(values: list[float]) -> None:
    """The median itself scores nothing, and at least half of the history scores at most 1/1.4826."""
    scores = [abs(robust_score(value, values, 1e-9)) for value in values]

    assert sum(score <= 1 / 1.4826 + 1e-6 for score in scores) >= len(values) / 2


@given(odd=st.floats(1e3, 1e9), value=st.floats(90, 110))
def test_a_few_odd_days_hide_nothing(odd: float, value: float) -> None:
    """Whatever two of nine days were, a figure scores almost as without them."""
    quiet = [98.0, 99.0, 100.0, 100.0, 100.0, 101.0, 102.0]
    assume(odd > 200)

    assert abs(robust_score(value, quiet, 1.0) - robust_score(value, [*quiet, odd, odd], 1.0)) <= 7


def profile(nulls: int, rows: int = 1_000, distinct: int = 500) -> ColumnProfile:
    """A column's profile."""
    return ColumnProfile(column="email", row_count=rows, null_count=nulls, distinct_count=min(distinct, rows - nulls))


@pytest.mark.parametrize(
    ("nulls", "expected"), [(200, []), (230, []), (600, ["null share of email"]), (0, ["null share of email"])]
)
def test_a_null_share_that_jumps(nulls: int, expected: list[str]) -> None:
    """A share that wanders by its sampling error is not told; one that jumps, up or down, is."""
    history = {"null share of email": days([0.2, 0.21, 0.2, 0.19, 0.2, 0.2, 0.21])}
    measurement = Measurement(instance="core", row_count=1_000, profiles=(profile(nulls),))

    assert expected == moved(measurement, history)


@pytest.mark.parametrize(("rows", "expected"), [(1_000, []), (1_015, []), (1_300, [ROWS]), (0, [ROWS])])
def test_a_number_of_rows_that_jumps(rows: int, expected: list[str]) -> None:
    """A table that never changed may grow by two percent before it is told."""
    assert expected == moved(Measurement(instance="core", row_count=rows), {ROWS: days([1_000.0] * 9)})


def test_arrivals_are_compared_with_the_same_day_of_the_week() -> None:
    """On a Friday what is usual on Fridays counts, however unusual on other days; without Fridays all days do."""
    fridays = days([5_000.0] * 8, every=7)
    others = {TODAY - timedelta(days=ago): 10.0 for ago in range(1, 50) if ago % 7}
    busy = Measurement(instance="core", arrived_count=5_000)

    assert [] == moved(busy, {ARRIVED: fridays | others})
    assert [ARRIVED] == moved(busy, {ARRIVED: others})


def test_nothing_is_told_before_enough_days_are_known() -> None:
    """Today is not compared with itself, and six days are too few."""
    measurement = Measurement(instance="core", row_count=1)

    assert [] == moved(measurement, {ROWS: days([1_000.0] * 6) | {TODAY: 1_000.0}})
    assert [ROWS] == moved(measurement, {ROWS: days([1_000.0] * 6)}, DriftRules(days=6))


def test_columns_that_may_change_as_they_like() -> None:
    """What a contract tells to ignore is ignored, and its threshold holds."""
    history = {"null share of email": days([0.2] * 9)}
    measurement = Measurement(instance="core", row_count=1_000, profiles=(profile(600),))

    assert [] == moved(measurement, history, DriftRules(ignore=("email",)))
    assert [] == moved(measurement, history, DriftRules(threshold=100))
