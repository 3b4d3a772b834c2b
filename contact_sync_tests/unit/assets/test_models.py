"""What a run tells of dbt's tests besides dbt's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from contact_sync.assets.models import _LINES, _REFUSED, _with_refused
from contact_sync.pipeline.steps import TransformReport


def report(*refused: dict[str, Any]) -> TransformReport:
    """A run after which silver refuses these values."""
    return TransformReport(outcomes=(), row_counts={}, refused=refused)


def refusal(field: str, value_count: int) -> dict[str, Any]:
    """Values of a field that are none of its type."""
    return {"object_name": "salesforce__lead", "field": field, "rule": "date", "value_count": value_count}


def check(name: str = _REFUSED) -> dg.AssetCheckResult:
    """The result of a dbt test, as dagster-dbt translates it."""
    return dg.AssetCheckResult(passed=False, check_name=name, metadata={"status": "warn"})


def test_the_check_of_refused_values_tells_how_many_of_what() -> None:
    """All values are counted, a line for each field and rule, beside what dbt said."""
    told = _with_refused(check(), report(refusal("converted_on", 3), refusal("email", 2)))

    assert {"status", "values", "by_field"} == set(told.metadata)
    assert 5 == told.metadata["values"].value
    assert [("converted_on", 3), ("email", 2)] == [
        (line.data["field"], line.data["value_count"]) for line in told.metadata["by_field"].records
    ]


def test_the_page_stays_readable() -> None:
    """However many fields refuse values, the table has an end; the count is of all of them."""
    told = _with_refused(check(), report(*(refusal(f"field_{number}", 1) for number in range(_LINES + 5))))

    assert (_LINES, _LINES + 5) == (len(told.metadata["by_field"].records), told.metadata["values"].value)


def test_nothing_refused_is_told_as_zero() -> None:
    """A table without lines would be an error of Dagster's."""
    assert {"status", "values"} == set(_with_refused(check(), report()).metadata)


def test_other_results_are_as_they_were() -> None:
    """Other checks, outputs, and the check of a run that failed."""
    other, output = check("one_row_per"), dg.Output(1)

    assert [other, output] == [_with_refused(one, report(refusal("email", 2))) for one in (other, output)]
    assert {"status"} == set(_with_refused(check(), None).metadata)


def test_the_check_is_one_of_dbts_tests(repository: Path) -> None:
    """By the name of its file."""
    assert (repository / "dbt_project" / "tests" / f"{_REFUSED}.sql").exists()
