"""Plans of any two sides: one application makes them agree, and nothing is written that need not be."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contact_sync.connectors.target import CLEAR
from contact_sync_tests.unit.sync.small_catalog import TARGET_FIELDS
from contact_sync_tests.unit.sync.two_sides import CRM, ERP, TwoSides, writes

NAME_OF = {target: name for name, target in TARGET_FIELDS.items()}
VALUES = st.sampled_from([None, "a", "b", "#N/A"])
RECORD = st.fixed_dictionaries(
    {"is_stamped": st.booleans(), "created_at": st.sampled_from(["2020-01-01", "2021-01-01"])}
    | {name: st.sampled_from([None, "a", "b", "c"]) for name in TARGET_FIELDS}
)
PERSON = st.fixed_dictionaries(
    {
        "golden": st.fixed_dictionaries(dict.fromkeys(TARGET_FIELDS, VALUES)),
        "is_owners_word": st.booleans(),
        "is_in_erp": st.booleans(),
        "records": st.lists(RECORD, max_size=3),
    }
)


def set_up(people: list[dict[str, Any]]) -> TwoSides:
    """Both sides as generated."""
    sides = TwoSides()
    for number, person in enumerate(people):
        key = f"per_{number}"
        sides.contact.add_golden(key, source=ERP if person["is_owners_word"] else CRM, **person["golden"])
        if person["is_in_erp"]:
            sides.contact.add_source(str(number), key)
        for place, record in enumerate(person["records"]):
            values = {name: record[name] for name in TARGET_FIELDS}
            stamp = key if record["is_stamped"] else None
            sides.contact.add_target(f"003{number}{place}", key, stamp=stamp, created_at=record["created_at"], **values)
    return sides


def carry_out(sides: TwoSides, planned: list[tuple[str, str, dict[str, Any], dict[str, Any]]]) -> None:
    """What a target does that takes every row; identity gives a created record the person it was created for."""
    records = {row["record_id"]: row for row in sides.contact.records}
    for stage, row_key, _, after in planned:
        if stage == "create":
            values = {NAME_OF[field]: value for field, value in after.items()}
            sides.contact.add_target(f"005{row_key}", row_key, stamp=row_key, **values)
        elif stage == "stamp":
            records[row_key]["external_id"] = after["Contact_Sync_Key__c"]
        else:
            records[row_key] |= {NAME_OF[name]: None if value == CLEAR else value for name, value in after.items()}


@settings(max_examples=settings.default.max_examples // 2, deadline=None)
@given(people=st.lists(PERSON, max_size=4))
def test_a_plan_that_was_carried_out_leaves_nothing_to_plan(people: list[dict[str, Any]]) -> None:
    """Two sides agree after one application: no echo, no second step, whatever was on them."""
    sides = set_up(people)
    try:
        carry_out(sides, writes(sides.plan()))

        assert [] == writes(sides.plan())
    finally:
        sides.close()


@settings(max_examples=settings.default.max_examples // 2, deadline=None)
@given(people=st.lists(PERSON, max_size=4), seed=st.integers(0, 3))
def test_every_write_is_needed_and_allowed(people: list[dict[str, Any]], seed: int) -> None:
    """In whatever order the tables are read: one record per person, only owned fields, only differences, values before
    as they are; a create only for people of the ERP who have no record; the text `#N/A` never as a value.
    """
    sides = set_up(people)
    try:
        plan = sides.plan()
        sides.contact.shuffle(random.Random(seed))
        assert plan.rows == sides.plan().rows

        records = {row["record_id"]: row for row in sides.contact.records}
        touched: dict[str, set[str]] = {}
        for stage, row_key, before, after in writes(plan):
            number = int(row_key.removeprefix("per_" if stage == "create" else "003")[0])
            touched.setdefault(f"per_{number}", set()).add(row_key)
            person = people[number]
            if stage == "create":
                assert (True, []) == (person["is_in_erp"], person["records"])
                assert CLEAR not in after.values()
            elif stage == "update":
                assert person["is_owners_word"]
                assert {"Phone", "MailingStreet", "MailingCity"} >= set(after)
                assert before == {field: records[row_key][NAME_OF[field]] for field in after}
                assert {} == {field: value for field, value in after.items() if before[field] == value}
                cleared = {NAME_OF[field] for field, value in after.items() if value == CLEAR}
                assert {} == {name: person["golden"][name] for name in cleared if person["golden"][name] is not None}
            else:
                assert [None] * len(person["records"]) == [None for one in person["records"] if not one["is_stamped"]]
        assert {} == {key: rows for key, rows in touched.items() if len(rows) > 1}
    finally:
        sides.close()
