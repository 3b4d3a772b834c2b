"""The target as it is now against gold: every difference has an explanation or is called unexplained."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Field, Health, Page, Selection, Window
from contact_sync.errors import CountMismatchError
from contact_sync.sync.reconcile import FINISHED, PLANNED, Reconciliation, live_rows, read_target, reconcile
from contact_sync_tests.unit.sync.small_catalog import CONTACT, TARGET_FIELDS
from contact_sync_tests.unit.sync.two_sides import REFUSAL_COLUMNS, Made, TwoSides, refusal_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COLUMNS = ("Id", "IsDeleted", "CreatedDate", "Contact_Sync_Key__c", *TARGET_FIELDS.values())
ITEM = CatalogObject(
    source="salesforce",
    connector="salesforce",
    object="Contact",
    description="",
    owner="x",
    key="Id",
    cursor="SystemModstamp",
)


@pytest.fixture
def sides() -> Iterator[TwoSides]:
    """One person whose record is stamped and agrees."""
    sides = TwoSides()
    sides.contact.add_golden("per_1", last_name="Lee", phone="2")
    sides.contact.add_source("1", "per_1")
    sides.contact.add_target("003A", "per_1", stamp="per_1", phone="2")
    yield sides
    sides.close()


def live(*rows: dict[str, Any]) -> pa.Table:
    """Rows as the target sends them."""
    filled = [{"IsDeleted": "false", "CreatedDate": "2026-01-01T00:00:00.000Z", **row} for row in rows]
    return pa.table({name: pa.array([row.get(name) for row in filled], pa.string()) for name in COLUMNS})


AGREED = {"Id": "003A", "Contact_Sync_Key__c": "per_1", "Phone": "2", "LastName": "Lee"}


def compare(
    sides: TwoSides,
    target: pa.Table,
    *,
    waiting: Made | None = None,
    applied: Made | None = None,
    refused: dict[str, str] | None = None,
) -> Reconciliation:
    """Reconcile contacts."""
    planned = waiting.rows.select(PLANNED.names) if waiting else PLANNED.empty_table()
    refusals = pa.table({name: pa.array([refused[name]] if refused else [], pa.string()) for name in REFUSAL_COLUMNS})
    rows = live_rows(CONTACT, target).to_reader()
    finished = FINISHED.empty_table() if applied is None else applied.rows.select(FINISHED.names)
    return reconcile(sides.session, CONTACT, rows, refusals, planned=planned.to_reader(), finished=finished.to_reader())


def test_two_sides_that_agree_have_no_difference(sides: TwoSides) -> None:
    """Counts of both sides, and nothing else."""
    sides.plan()
    result = compare(sides, live(AGREED))

    assert ({}, 0) == (result.differences, result.unexplained)
    assert (1, 1, 1) == (result.golden_records, result.target_records, result.stamped_records)


def test_a_difference_of_form_is_no_difference(sides: TwoSides) -> None:
    """Blanks around a value and another composition of the same letters are what silver does not see either."""
    sides.contact.golden[0]["phone"] = "Zoë"
    sides.plan()

    assert {} == compare(sides, live({**AGREED, "Phone": " Zoe\u0308\r\n"})).differences


def test_a_reps_edit_is_unexplained_until_it_is_planned(sides: TwoSides) -> None:
    """Somebody changed an owned field in the target; once the plan has it, it waits, but not when it was applied."""
    sides.plan()
    edited = live({**AGREED, "Phone": "9"})
    assert {"unexplained": 1} == compare(sides, edited).differences

    sides.contact.records[-1]["phone"] = "9"
    waiting = sides.plan()
    assert {"waits in the current plan": 1} == compare(sides, edited, waiting=waiting).differences
    # Edited once more: what waits would not write what is needed now, as its values before are others, but it is the
    # same write.
    assert 0 == compare(sides, live({**AGREED, "Phone": "8"}), waiting=waiting).unexplained
    assert {"unexplained": 1} == compare(sides, edited, waiting=waiting, applied=waiting).differences


def test_a_refused_write_is_explained_by_its_refusal(sides: TwoSides) -> None:
    """The target does not take the value: the difference stays, with the code."""
    sides.contact.records[-1]["phone"] = "9"
    plan = sides.plan()
    result = compare(sides, live({**AGREED, "Phone": "9"}), refused=refusal_of(plan, "003A"))

    assert {"refused by the target: STRING_TOO_LONG": 1} == result.differences
    assert 0 == result.unexplained


def test_a_record_that_is_gone_is_unexplained_until_its_deletion_is_known(sides: TwoSides) -> None:
    """A deleted target record shows at once; when silver has the deletion, it is held for that reason."""
    sides.plan()
    gone = live({**AGREED, "IsDeleted": "true"})
    result = compare(sides, gone)
    assert ({"unexplained": 1}, 0) == (result.differences, result.target_records)

    sides.contact.records.pop()
    sides.contact.add_target("003A", None, stamp="per_1", is_deleted=True)
    sides.plan()
    assert {"its record was deleted in the target": 1} == compare(sides, gone).differences


def test_a_record_that_silver_has_not_seen_is_known_by_its_stamp(sides: TwoSides) -> None:
    """What was just created belongs to the person of its stamp: no second create is missed."""
    sides.contact.add_golden("per_2", last_name="Ray")
    sides.contact.add_source("2", "per_2")
    sides.plan()
    new = {"Id": "003N", "Contact_Sync_Key__c": "per_2", "LastName": "Ray"}

    assert {} == compare(sides, live(AGREED, new)).differences


def test_it_needs_no_plan_before(sides: TwoSides) -> None:
    """The companies that contacts refer to are those of the target now, not those of some plan."""
    sides.plan()
    sides.session.execute("drop table if exists pipeline.target_contact")
    sides.session.execute("drop table if exists pipeline.proposal_contact")

    assert {} == compare(sides, live(AGREED)).differences


def test_a_record_that_arrives_twice_is_an_error(sides: TwoSides) -> None:
    """Pages overlapped, and another record is missing for it: the count alone is right."""
    with pytest.raises(CountMismatchError, match="1 records arrived twice"):
        compare(sides, live(AGREED, AGREED))


class PagedSource:
    """A source with these pages, and what it declares in all."""

    def __init__(self, pages: list[pa.Table], declared: int | None) -> None:
        self._pages, self._declared = pages, declared
        self.selections: list[Selection] = []

    def check(self) -> Health:
        """Not asked."""
        raise NotImplementedError

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """Not asked."""
        raise NotImplementedError

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """The pages."""
        self.selections.append(selection)
        for number, rows in enumerate(self._pages):
            is_last = number == len(self._pages) - 1
            yield Page(
                rows=rows,
                number=number,
                declared_rows=None,
                declared_total=self._declared if is_last else None,
                checkpoint=None if is_last else {},
                byte_count=0,
            )

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Not asked."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to give back."""


def test_the_whole_target_is_read(sides: TwoSides) -> None:
    """All pages, from the beginning, and beyond our own time: the target's clock may be ahead of it."""
    source = PagedSource([live(AGREED), live({**AGREED, "Id": "003B"})], declared=2)

    assert ["003A", "003B"] == read_target(source, ITEM, CONTACT, NOW).read_all()["record_id"].to_pylist()
    (window,) = source.selections
    assert isinstance(window, Window)
    assert (None, True) == (window.start, window.end > NOW)


@pytest.mark.parametrize("declared", [1, 3, None])
def test_a_count_that_does_not_match_is_an_error(declared: int | None) -> None:
    """Fewer or more than declared, or nothing declared at all: nothing is concluded from half a reading."""
    source = PagedSource([live(AGREED), live({**AGREED, "Id": "003B"})], declared=declared)
    with pytest.raises(CountMismatchError, match="2 records arrived"):
        read_target(source, ITEM, CONTACT, NOW).read_all()
