"""What is refused before anything is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from contact_sync.catalog.model import WriteHours
from contact_sync.errors import ActivationError, UnsafePlanError
from contact_sync.settings import Environment, TargetKind
from contact_sync.sync.plan import StageCount
from contact_sync.sync.safety import (
    creates_allowed,
    outside_hours,
    raise_if_not_in_hours,
    raise_if_not_writable,
    raise_if_unsafe,
)
from contact_sync_tests.unit.sync.small_catalog import CATALOG, CONTACT

LIMITED = CONTACT.model_copy(
    update={"target": CONTACT.target.model_copy(update={"max_creates_fraction": 0.2, "min_creates_allowed": 10})}
)


def count(stage: str, planned: int, target_records: int = 100) -> StageCount:
    """A stage of the entity with limits."""
    return StageCount(entity="contact", stage=stage, planned=planned, held=0, target_records=target_records)


@pytest.mark.parametrize(("target_records", "allowed"), [(0, 10), (49, 10), (100, 20), (104, 20), (1000, 200)])
def test_the_cap_is_a_fraction_of_the_target_but_never_below_the_minimum(target_records: int, allowed: int) -> None:
    """A fifth of what the target has, rounded down, and ten in any case."""
    assert allowed == creates_allowed(LIMITED, target_records)
    raise_if_unsafe([count("create", allowed, target_records)], {"contact": LIMITED})
    with pytest.raises(UnsafePlanError):
        raise_if_unsafe([count("create", allowed + 1, target_records)], {"contact": LIMITED})


def test_the_refusal_has_the_numbers_and_what_to_do() -> None:
    """How many would be created, how many there are, how many are allowed, and where to allow more."""
    with pytest.raises(UnsafePlanError) as refused:
        raise_if_unsafe([count("stamp", 5), count("create", 21)], {"contact": LIMITED})

    for part in ("21", "100", "at most 20", "salesforce__contact", "core", "contact.target.max_creates_fraction"):
        assert part in str(refused.value)


def test_stamps_and_updates_create_nothing_and_are_not_capped() -> None:
    """The cap is for creates only."""
    raise_if_unsafe([count("stamp", 10_000), count("update", 10_000)], CATALOG.entities)


@pytest.mark.parametrize("kind", TargetKind)
@pytest.mark.parametrize("environment", Environment)
def test_only_production_writes_to_production_and_branches_write_nowhere(
    kind: TargetKind, environment: Environment
) -> None:
    """Every pair of environment and kind of target; the refusal names the instance and the setting."""
    is_allowed = environment is not Environment.BRANCH and (
        environment is Environment.PRODUCTION or kind is not TargetKind.PRODUCTION
    )
    if is_allowed:
        raise_if_not_writable("core", kind, environment)
        return
    with pytest.raises(ActivationError) as refused:
        raise_if_not_writable("core", kind, environment)
    assert refused.value.remedy
    assert environment is Environment.BRANCH or "CONTACT_SYNC_SALESFORCE__CORE__KIND" in refused.value.remedy


@pytest.mark.parametrize(("hour", "is_open"), [(20, False), (21, True), (23, True), (4, True), (5, False), (12, False)])
def test_a_target_is_written_in_its_hours_only(hour: int, *, is_open: bool) -> None:
    """Hours of the target's own zone, over midnight too; a plan without anything for it does not wait."""
    hours = WriteHours.model_validate("22:00-06:00 Europe/Berlin")
    contact = CATALOG.entities["contact"]
    entities = {"contact": contact.model_copy(update={"target": contact.target.model_copy(update={"hours": hours})})}
    now = datetime(2026, 11, 20, hour, tzinfo=UTC)
    planned = StageCount(entity="contact", stage="update", planned=1, held=0, target_records=9)
    nothing = StageCount(entity="contact", stage="update", planned=0, held=1, target_records=9)

    assert [] == outside_hours([nothing], entities, now)
    assert is_open == (outside_hours([planned], entities, now) == [])
    if not is_open:
        with pytest.raises(ActivationError, match=f"in core is written {hours} only, and it is {hour:02}:00 UTC"):
            raise_if_not_in_hours([planned], entities, now)


@pytest.mark.parametrize(
    "text", ["22-06 Europe/Berlin", "22:00-06:00", "22:00-06:00 Europe/Nowhere", "25:00-06:00 UTC"]
)
def test_hours_that_cannot_be_read_are_refused(text: str) -> None:
    """The message shows how hours are written."""
    with pytest.raises(ValidationError, match="22:00-06:00 Europe/Berlin" if text[:2] != "25" else "time"):
        WriteHours.model_validate(text)
