"""What is planned, what is held and why; over hand-made golden and target records in a real DuckDB."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from contact_sync_tests.unit.sync.two_sides import CRM, ERP, Made, TwoSides, held, refusal_of, writes

KEY = "Contact_Sync_Key__c"


@pytest.fixture
def sides() -> Iterator[TwoSides]:
    """Nothing on either side."""
    sides = TwoSides()
    yield sides
    sides.close()


def counts(plan: Made, entity: str = "contact") -> dict[str, tuple[int, int]]:
    """stage -> (planned, held)."""
    return {count.stage: (count.planned, count.held) for count in plan.plan.counts if count.entity == entity}


def test_two_empty_sides_agree(sides: TwoSides) -> None:
    """Nothing to compare, nothing to write."""
    plan = sides.plan()

    assert plan.is_empty
    assert {"stamp": (0, 0), "update": (0, 0), "create": (0, 0)} == counts(plan)


def test_a_plan_row_has_values_before_and_after(sides: TwoSides) -> None:
    """Only the fields that differ and that the ERP owns, each with what the target holds and what it will hold."""
    sides.contact.add_golden("per_1", last_name="Lee", email="new@acme.com", phone="2", street="A", city="B")
    sides.contact.add_target("003A", "per_1", stamp="per_1", email="old@acme.com", phone="1", street="A", city="B")

    assert [("update", "003A", {"Phone": "1"}, {"Phone": "2"})] == writes(sides.plan())


def test_equal_sides_give_no_row(sides: TwoSides) -> None:
    """What the target holds already is not written."""
    sides.contact.add_golden("per_1", phone="2", street="A")
    sides.contact.add_target("003A", "per_1", stamp="per_1", phone="2", street="A")

    assert sides.plan().is_empty


def test_an_owned_field_is_written_only_as_its_owners_word(sides: TwoSides) -> None:
    """A golden phone that came from the CRM itself is not written back into it."""
    sides.contact.add_golden("per_1", source=CRM, phone="2")
    sides.contact.add_target("003A", "per_1", stamp="per_1", phone="1")

    assert sides.plan().is_empty


def test_an_empty_golden_value_clears_nothing(sides: TwoSides) -> None:
    """Where the owner says nothing, what the CRM has stays."""
    sides.contact.add_golden("per_1", last_name="Lee")
    sides.contact.add_target("003A", "per_1", stamp="per_1", phone="1", street="A")

    assert sides.plan().is_empty


def test_what_its_owner_cleared_is_cleared_in_the_target(sides: TwoSides) -> None:
    """Where null_policy is propagate, a golden field that has a source but no value is the owner's clear."""
    sides.contact.add_golden("per_1", email="new@acme.com")
    sides.contact.golden[-1] |= {"phone_source": ERP, "last_name_source": ERP}
    sides.contact.add_target("003A", "per_1", stamp="per_1", phone="1", last_name="Lee")

    assert [("update", "003A", {"Phone": "1"}, {"Phone": "#N/A"})] == writes(sides.plan())


def test_an_address_moves_as_a_unit(sides: TwoSides) -> None:
    """The owner's address has no city: the old city is cleared, because half of two addresses is no address."""
    sides.contact.add_golden("per_1", street="New Street 1")
    sides.contact.add_target("003A", "per_1", stamp="per_1", street="Old Street 9", city="Oldtown")

    before = {"MailingCity": "Oldtown", "MailingStreet": "Old Street 9"}
    after = {"MailingCity": "#N/A", "MailingStreet": "New Street 1"}
    assert [("update", "003A", before, after)] == writes(sides.plan())


def test_the_stamped_record_is_primary_and_duplicates_are_left_alone(sides: TwoSides) -> None:
    """Not the oldest but the stamped record is written; its duplicate is neither stamped nor updated."""
    sides.contact.add_golden("per_1", phone="2")
    sides.contact.add_target("003A", "per_1", created_at="2020-01-01", phone="1")
    sides.contact.add_target("003B", "per_1", stamp="per_1", created_at="2025-01-01", phone="1")

    assert [("update", "003B", {"Phone": "1"}, {"Phone": "2"})] == writes(sides.plan())


def test_the_oldest_record_is_stamped_where_none_is(sides: TwoSides) -> None:
    """One of two unstamped records gets the key: the older one; of two as old, the one with the smaller id."""
    sides.contact.add_golden("per_1")
    sides.contact.add_target("003A", "per_1", created_at="2025-01-01")
    sides.contact.add_target("003C", "per_1", created_at="2020-01-01")
    sides.contact.add_target("003B", "per_1", created_at="2020-01-01")

    assert [("stamp", "003B", {KEY: None}, {KEY: "per_1"})] == writes(sides.plan())


def test_a_superseded_stamp_counts_as_the_key_it_stands_for(sides: TwoSides) -> None:
    """A record stamped with a key that was merged into another is not stamped again, and is updated."""
    sides.contact.add_golden("per_1", phone="2")
    sides.contact.stamps["per_0"] = "per_1"
    sides.contact.add_target("003A", "per_1", stamp="per_0", created_at="2025-01-01", phone="1")
    sides.contact.add_target("003B", "per_1", created_at="2020-01-01", phone="1")

    assert [("update", "003A", {"Phone": "1"}, {"Phone": "2"})] == writes(sides.plan())


def test_people_the_target_does_not_know_are_created_if_a_creating_source_knows_them(sides: TwoSides) -> None:
    """The ERP's person is created with every value there is; a person only a CRM or a list knows is not."""
    sides.contact.add_golden("per_1", last_name="Lee", email="lee@acme.com")
    sides.contact.add_source("1", "per_1")
    sides.contact.add_golden("per_2", last_name="Ray")

    assert [("create", "per_1", {}, {"Email": "lee@acme.com", "LastName": "Lee"})] == writes(sides.plan())


def test_a_missing_required_field_holds_the_create(sides: TwoSides) -> None:
    """Nobody is created without a last name; the reason is kept."""
    sides.contact.add_golden("per_1", email="lee@acme.com")
    sides.contact.add_source("1", "per_1")
    plan = sides.plan()

    assert plan.is_empty
    assert (0, 1) == counts(plan)["create"]
    assert [("create", "per_1", "a required field is missing")] == held(sides)


def test_a_possible_duplicate_in_the_target_holds_the_create(sides: TwoSides) -> None:
    """A target record that shares a weak key may be the same person: somebody has to look first."""
    sides.contact.add_golden("per_1", last_name="Lee")
    mine = sides.contact.add_source("1", "per_1")
    sides.contact.add_golden("per_2", last_name="Lee")
    sides.contact.add_target("003A", "per_2", stamp="per_2")
    sides.contact.may_be_same(mine, "salesforce__contact/core/003A")

    assert sides.plan().is_empty
    assert [("create", "per_1", "a target record may be the same")] == held(sides)


def test_who_was_decided_to_be_different_does_not_hold_a_create(sides: TwoSides) -> None:
    """A steward has looked: this target record is somebody else; another one still holds."""
    sides.contact.add_golden("per_1", last_name="Lee")
    mine = sides.contact.add_source("1", "per_1")
    sides.contact.add_target("003A", "per_2", stamp="per_2", last_name="Lee")
    sides.contact.may_be_same(mine, "salesforce__contact/core/003A")
    sides.contact.different = [{"key": "per_1", "other_key": "per_2"}]
    assert ["per_1"] == [row_key for _, row_key, _, _ in writes(sides.plan())]

    sides.contact.add_target("003B", "per_3", stamp="per_3", last_name="Lee")
    sides.contact.may_be_same(mine, "salesforce__contact/core/003B")
    assert sides.plan().is_empty


def test_two_people_outside_the_target_do_not_hold_each_other(sides: TwoSides) -> None:
    """Only records of the target hold a create."""
    for number in ("1", "2"):
        sides.contact.add_golden(f"per_{number}", last_name="Lee")
    sides.contact.may_be_same(sides.contact.add_source("1", "per_1"), sides.contact.add_source("2", "per_2"))

    assert ["per_1", "per_2"] == [row_key for _, row_key, _, _ in writes(sides.plan())]


def test_nobody_is_created_over_the_record_of_another(sides: TwoSides) -> None:
    """A target record was parted from the person whose key it carries: an upsert by that key would overwrite it."""
    sides.contact.add_golden("per_1", last_name="Lee")
    sides.contact.add_golden("per_2", last_name="Roe")
    sides.contact.add_source("1", "per_1")
    sides.contact.add_target("003A", "per_2", stamp="per_1", last_name="Roe")

    assert sides.plan().is_empty
    assert [("create", "per_1", "its key is on the record of another")] == held(sides)


def test_what_people_deleted_in_the_target_does_not_come_back(sides: TwoSides) -> None:
    """A person whose stamped record was deleted is held, also under the key that superseded the stamp's."""
    sides.contact.add_golden("per_1", last_name="Lee")
    sides.contact.add_source("1", "per_1")
    sides.contact.stamps["per_0"] = "per_1"
    sides.contact.add_target("003A", None, stamp="per_0", is_deleted=True)

    assert sides.plan().is_empty
    assert [("create", "per_1", "its record was deleted in the target")] == held(sides)


def test_a_refused_row_is_planned_again_only_with_other_values(sides: TwoSides) -> None:
    """The same values would be refused again; a changed value gets a new chance."""
    sides.contact.add_golden("per_1", phone="2")
    sides.contact.add_target("003A", "per_1", stamp="per_1", phone="1")
    refused = [refusal_of(sides.plan(), "003A")]

    assert sides.plan(refused).is_empty
    assert [("update", "003A", "refused by the target: STRING_TOO_LONG")] == held(sides)
    sides.contact.golden[0]["phone"] = "3"
    assert [("update", "003A", {"Phone": "1"}, {"Phone": "3"})] == writes(sides.plan(refused))


def test_a_refused_stage_holds_no_other_stage_of_the_record(sides: TwoSides) -> None:
    """A stamp that was refused does not keep the record's values from being written."""
    sides.contact.add_golden("per_1", phone="2")
    sides.contact.add_target("003A", "per_1", phone="1")
    stamp = {**refusal_of(sides.plan(), "003A"), "stage": "stamp"}
    row = next(row for row in sides.plan().rows.to_pylist() if row["stage"] == "stamp")

    assert ["update"] == [one[0] for one in writes(sides.plan([{**stamp, "value_hash": row["value_hash"]}]))]


@pytest.mark.parametrize("stamp", [None, "com_1"])
def test_a_new_contact_refers_to_the_company_that_the_target_knows(sides: TwoSides, stamp: str | None) -> None:
    """By the External ID that its account has, or gets in this very plan."""
    sides.account.add_golden("com_1", source="salesforce__account/core/9", name="Acme")
    sides.account.add_target("001A", "com_1", stamp=stamp, name="Acme")
    sides.contact.add_golden("per_1", last_name="Lee", company_key="com_1")
    sides.contact.add_source("1", "per_1")

    assert {f"Account.{KEY}": "com_1", "LastName": "Lee"} == writes(sides.plan())[-1][3]


def test_a_new_contact_refers_to_its_companys_own_stamp(sides: TwoSides) -> None:
    """The account still has the key that was superseded: that is how the target finds it."""
    sides.account.add_golden("com_1", source="salesforce__account/core/9", name="Acme")
    sides.account.stamps["com_0"] = "com_1"
    sides.account.add_target("001A", "com_1", stamp="com_0", name="Acme")
    sides.contact.add_golden("per_1", last_name="Lee", company_key="com_1")
    sides.contact.add_source("1", "per_1")

    assert "com_0" == writes(sides.plan())[-1][3][f"Account.{KEY}"]


def test_a_company_that_the_target_is_not_to_have_is_not_referred_to(sides: TwoSides) -> None:
    """Neither one that no creating source knows, nor one that people deleted in the target: nobody waits for those."""
    sides.account.add_golden("com_1", name="Acme")
    sides.account.add_source("K1", "com_1")
    sides.account.add_target("001A", None, stamp="com_1", is_deleted=True)
    for number, company in (("1", "com_1"), ("2", "com_2")):
        sides.contact.add_golden(f"per_{number}", last_name="Lee", company_key=company)
        sides.contact.add_source(number, f"per_{number}")

    assert [{"LastName": "Lee"}] * 2 == [after for _, _, _, after in writes(sides.plan())]


def test_a_new_contact_waits_for_its_company(sides: TwoSides) -> None:
    """Created without it, it would never be linked to it; it comes with the company once that is not held any more."""
    sides.account.add_golden("com_1")
    sides.account.add_source("K1", "com_1")
    sides.contact.add_golden("per_1", last_name="Lee", company_key="com_1")
    sides.contact.add_source("1", "per_1")
    plan = sides.plan()
    assert (True, (0, 1)) == (plan.is_empty, counts(plan)["create"])
    assert [("create", "per_1", "its parent is held")] == held(sides)

    sides.account.golden[0] |= {"name": "Acme", "name_source": ERP}
    assert ["com_1", "per_1"] == [row_key for _, row_key, _, _ in writes(sides.plan())]


@pytest.mark.parametrize(("is_known", "stage"), [(True, "stamp"), (False, "create")])
def test_a_new_contact_waits_for_a_company_that_was_refused(sides: TwoSides, is_known: bool, stage: str) -> None:
    """Be it a new account or the key of one that is there; released, both are planned, the contact with its company."""
    sides.account.add_golden("com_1", name="Acme")
    sides.account.add_source("K1", "com_1")
    if is_known:
        sides.account.add_target("001A", "com_1", name="Acme")
    sides.contact.add_golden("per_1", last_name="Lee", company_key="com_1")
    sides.contact.add_source("1", "per_1")
    row_key = "001A" if is_known else "com_1"
    plan = sides.plan()
    refused = {**refusal_of(plan, row_key), "stage": stage}

    assert sides.plan([refused]).is_empty
    assert [("create", "per_1", "its parent is held")] == held(sides)
    assert plan.rows == sides.plan().rows
    assert {f"Account.{KEY}": "com_1", "LastName": "Lee"} == writes(plan)[-1][3]


def test_parents_come_before_children_and_stamps_before_creates(sides: TwoSides) -> None:
    """The order of the counts is the order of the writes."""
    order = [(count.entity, count.stage) for count in sides.plan().plan.counts]

    assert [(entity, stage) for entity in ("account", "contact") for stage in ("stamp", "update", "create")] == order


def test_rows_of_one_parent_are_side_by_side(sides: TwoSides) -> None:
    """Children of one account are written one after the other, each as it was seen last."""
    for number, account in enumerate("bab"):
        sides.contact.add_golden(f"per_{number}", last_name="Lee")
        sides.contact.add_target(f"003{number}", f"per_{number}", account_record_key=account)
    rows = sides.plan().rows

    assert [("003 1", "a"), ("003 0", "b"), ("003 2", "b")] == [
        (f"003 {row['record_id'][3:]}", row["parent_key"]) for row in rows.to_pylist()
    ]
    assert [datetime(2026, 1, 2, tzinfo=UTC)] == rows["seen_at"].unique().to_pylist()


@pytest.mark.parametrize("is_known", [True, False])
def test_the_text_that_means_empty_is_never_sent_as_a_value(sides: TwoSides, is_known: bool) -> None:
    """Somebody typed `#N/A` into the ERP: sent, it would clear the field; the write is held with that reason."""
    sides.contact.add_golden("per_1", last_name="Lee", street="#N/A", city="Berlin")
    sides.contact.add_source("1", "per_1")
    if is_known:
        sides.contact.add_target("003A", "per_1", stamp="per_1", street="Old Street 9", city="Berlin")

    assert sides.plan().is_empty
    stage, row_key = ("update", "003A") if is_known else ("create", "per_1")
    assert [(stage, row_key, "the text #N/A cannot be written")] == held(sides)


def filled(sides: TwoSides) -> TwoSides:
    """Something of everything."""
    sides.account.add_golden("com_1", name="Acme")
    sides.account.add_target("001A", "com_1", name="ACME")
    for number in range(6):
        sides.contact.add_golden(f"per_{number}", last_name="Lee", phone=str(number), street="A", company_key="com_1")
        sides.contact.add_source(str(number), f"per_{number}")
        if number % 2:
            sides.contact.add_target(f"003{number}", f"per_{number}", phone="9", city="B")
            sides.contact.add_target(f"004{number}", f"per_{number}", created_at="2020-01-01")
    return sides


def test_the_same_state_gives_the_same_plan_in_whatever_order_it_is_read(sides: TwoSides) -> None:
    """Rows and plan id do not depend on the order of the tables; they do depend on the state of the target."""
    plan = filled(sides).plan()
    for seed in range(3):
        for side in (sides.account, sides.contact):
            side.shuffle(random.Random(seed))
        again = sides.plan()

        assert (plan.plan.plan_id, plan.rows) == (again.plan.plan_id, again.rows)
    assert plan.plan.plan_id != sides.plan(basis={"salesforce__contact/core": 2}).plan.plan_id
    sides.contact.golden[0]["phone"] = "another"
    assert plan.plan.plan_id != sides.plan().plan.plan_id


def test_rows_and_counts_agree(sides: TwoSides) -> None:
    """What is counted is what is there, and every row has an id of its own."""
    plan = filled(sides).plan()
    rows = plan.rows.to_pylist()
    found = {(row["entity"], row["stage"]) for row in rows}

    assert found == {(count.entity, count.stage) for count in plan.plan.counts if count.planned}
    assert len(rows) == sum(count.planned for count in plan.plan.counts) == plan.plan.as_json()["rows"]
    assert len(rows) == len({row["plan_row_id"] for row in rows})
    assert {plan.plan.plan_id} == {row["plan_id"] for row in rows}
    assert 6 == next(count.target_records for count in plan.plan.counts if count.entity == "contact")
