"""What figures mean: each rule fails at its bound and not before, and says so without a value of a record."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.catalog import Rule, RuleKind, Severity
from contact_sync.quality.measure import Column, Measurement
from contact_sync.quality.schema_break import SchemaBreak
from contact_sync.quality.verdict import RuleResult, judged, schema_results

COLUMNS = [
    Column(name="email", data_type="varchar"),
    Column(name="amount", data_type="bigint"),
    Column(name="is_won", data_type="boolean"),
]


def judge(
    kind: RuleKind, argument: Any, broken: int, *, rows: int = 100, column: str = "email", **more: Any
) -> RuleResult:
    """The result of one rule that `broken` of the rows break."""
    rule = Rule(kind=kind, argument=argument, column=column, **more)
    (result,) = judged("o", [rule], COLUMNS, Measurement(instance="core", row_count=rows, broken={rule: broken}))
    return result


@pytest.mark.parametrize(
    ("kind", "argument", "tolerance", "most"),
    [
        (RuleKind.REQUIRED, True, 0, 0),
        (RuleKind.UNIQUE, True, 0, 0),
        (RuleKind.PATTERN, "a+", 0.05, 5),
        (RuleKind.LENGTH, (1, 2), 0.019, 1),
        (RuleKind.NULL_SHARE_BELOW, 0.2, 0, 19),
    ],
)
def test_a_rule_fails_one_row_beyond_its_bound(kind: RuleKind, argument: Any, tolerance: float, most: int) -> None:
    """As many rows as are tolerated pass, one more fails, and the counts are told."""
    passing = judge(kind, argument, most, tolerance=tolerance)
    failing = judge(kind, argument, most + 1, tolerance=tolerance, severity=Severity.WARN)

    assert (True, most, 100) == (passing.is_passed, passing.failed_count, passing.row_count)
    assert (False, most + 1, Severity.WARN) == (failing.is_passed, failing.failed_count, failing.severity)
    assert failing.problem.startswith("email: ")


@pytest.mark.parametrize(("rows", "missing"), [(10, 0), (9, 1), (0, 10)])
def test_too_few_rows(rows: int, missing: int) -> None:
    """rows_at_least counts live rows; an instance without any has no figures and still fails."""
    rule = Rule(kind=RuleKind.ROWS_AT_LEAST, argument=10)
    (result,) = judged("o", [rule], COLUMNS, Measurement(instance="core", row_count=rows))

    assert (missing == 0, missing) == (result.is_passed, result.failed_count)


@pytest.mark.parametrize(
    ("kind", "argument", "column", "problem"),
    [
        (RuleKind.REQUIRED, True, "fax", "the silver model has no column fax"),
        (RuleKind.PATTERN, "a+", "amount", "amount is bigint, pattern cannot be said of it"),
        (RuleKind.UNIQUE, True, "is_won", "is_won is boolean, unique cannot be said of it"),
        (RuleKind.BETWEEN, (1, 2), "email", "email is varchar, between cannot be said of it"),
    ],
)
def test_a_rule_that_cannot_be_measured_fails_as_an_error(
    kind: RuleKind, argument: Any, column: str, problem: str
) -> None:
    """A column that the model does not have, or has with another type, is named, whatever the severity."""
    result = judge(kind, argument, 0, column=column, severity=Severity.WARN)

    assert (problem, Severity.ERROR) == (result.problem, result.severity)


def test_breaks_of_a_schema_are_results_too() -> None:
    """One failed result per field; without a break one that passed, so that the score knows of it."""
    breaks = [SchemaBreak(field="Email", why="hidden"), SchemaBreak(field="Fax", why="removed")]

    assert [("Email", "Email is hidden"), ("Fax", "Fax is removed")] == [
        (one.column_name, one.problem) for one in schema_results("o", "core", breaks)
    ]
    assert [True] == [one.is_passed for one in schema_results("o", "core", [])]
