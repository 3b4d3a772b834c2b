"""Identity keys and gold: which records may meet, whose value wins, and the figures read from it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from contact_sync_tests.pipeline.dbt.conftest import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

MILLER = {"FirstName": "Bob", "LastName": "Miller", "Email": "bob@acme.com"}
CONTACTS = (
    {
        "_record_id": "1",
        **MILLER,
        "AccountId": ACCOUNT_ID,
        "MailingStreet": "1 Old St",
        "MailingCity": "Oldtown",
        "DoNotCall": "false",
        "HasOptedOutOfEmail": "true",
        "Title": "Director",
        "_version_at": "2026-01-01 00:00:00+00",
    },
)
ERP_CONTACTS = (
    {
        "_record_id": "9",
        "first_name": "Robert",
        "last_name": "Miller",
        "email": "Bob+erp@acme.com",
        "city": "Newtown",
        "job_title": "Head of Sales",
        "customer_number": "K1",
        "_version_at": "2026-02-01 00:00:00+00",
    },
)
CUSTOMERS = (
    {
        "_record_id": "K1",
        "customer_number": "K1",
        "name": "ACME INC",
        "credit_limit": "500.00",
        "_version_at": "2025-01-01 00:00:00+00",
    },
    {"_record_id": "K2", "customer_number": "K2", "name": "Bolt", "credit_limit": "70.00", "city": "Oldtown"},
)
ACCOUNTS = (
    {"_record_id": ACCOUNT_ID, "Name": "Acme", "AccountNumber": "K-1", "_version_at": "2026-01-01 00:00:00+00"},
)
LEADS = (
    {"_record_id": "l1", "LeadSource": "Web", "CreatedDate": "2026-01-31T23:30:00.000Z", "IsConverted": "true"},
    {"_record_id": "l2", "LeadSource": "Web", "CreatedDate": "2026-01-01T00:00:00.000Z", "LastName": "Lee"},
)
OPPORTUNITIES = (
    {"_record_id": "o1", "AccountId": ACCOUNT_ID, "StageName": "Prospecting", "Amount": "100", "Probability": "10"},
    {"_record_id": "o2", "AccountId": ACCOUNT_ID, "StageName": "Prospecting", "Amount": "300", "Probability": "50"},
    {"_record_id": "o3", "StageName": "Prospecting", "Amount": "50"},
    {"_record_id": "o4", "AccountId": ACCOUNT_ID, "StageName": "Prospecting", "Amount": "999", "_is_deleted": True},
)
OPENED = {"AccountId": ACCOUNT_ID, "Priority": "High", "CreatedDate": "2026-01-01T00:00:00.000Z"}
CASES = (
    {"_record_id": "c1", **OPENED, "IsClosed": "true", "ClosedDate": "2026-01-01T01:00:00.000Z"},
    {"_record_id": "c2", **OPENED, "IsClosed": "true", "ClosedDate": "2026-01-01T02:00:00.000Z"},
    {"_record_id": "c3", **OPENED, "IsClosed": "true", "ClosedDate": "2026-01-01T09:00:00.000Z"},
    {"_record_id": "c4", **OPENED, "IsClosed": "false"},
)
PERSON_LINKS = {
    "salesforce__contact/core/1": "person_1",
    "erp__contact/main/9": "person_1",
    "salesforce__lead/core/l2": "person_2",
}
COMPANY_LINKS = {
    f"salesforce__account/core/{ACCOUNT_ID}": "company_1",
    "erp__customer/main/K1": "company_1",
    "erp__customer/main/K2": "company_2",
}


def fill_bronze(warehouse: Warehouse) -> None:
    """Two systems that know the same person and company, and some business done with them."""
    warehouse.add_bronze("salesforce__contact", *CONTACTS)
    warehouse.add_bronze("salesforce__account", *ACCOUNTS)
    warehouse.add_bronze("salesforce__lead", *LEADS)
    warehouse.add_bronze("salesforce__opportunity", *OPPORTUNITIES)
    warehouse.add_bronze("salesforce__case", *CASES)
    warehouse.add_bronze("erp__contact", *ERP_CONTACTS, instance="main")
    warehouse.add_bronze("erp__customer", *CUSTOMERS, instance="main")
    warehouse.set_window()


def write_links(warehouse: Warehouse) -> None:
    """What the identity step decides from the match keys."""
    persons = ({"record_key": record, "person_key": person} for record, person in PERSON_LINKS.items())
    companies = ({"record_key": record, "company_key": company} for record, company in COMPANY_LINKS.items())
    warehouse.insert("identity.person_link", persons)
    warehouse.insert("identity.company_link", companies)


@pytest.fixture(scope="module")
def gold(create_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """A warehouse built through gold; the tests only read it."""
    warehouse = create_warehouse()
    fill_bronze(warehouse)
    warehouse.build("silver", "identity")
    write_links(warehouse)
    warehouse.build("gold")
    return warehouse


def test_records_of_one_person_share_a_guarded_key(gold: Warehouse) -> None:
    """Nickname and +tag do not keep the two records of a person apart; no key is made of one value alone."""
    assert [
        ("email_first_name", "bob@acme.com|robert|"),
        ("email_last_name", "bob@acme.com|miller|"),
        ("name_company", "robert|miller||acme"),
    ] == gold.query(
        "select rule, match_key from identity.person_joining_key group by all having count(*) = 2 order by rule"
    )


def test_records_of_one_company_share_a_key(gold: Warehouse) -> None:
    """Punctuation in an account number does not keep the two records of a company apart."""
    assert [("account_number", "K1")] == gold.query(
        "select rule, match_key from identity.company_joining_key group by all having count(*) = 2"
    )


def test_golden_contact_takes_each_field_from_the_record_that_wins(gold: Warehouse) -> None:
    """The newest value wins, trust wins where the rule says so, and the whole address comes from the newest address."""
    core, erp = "salesforce__contact/core/1", "erp__contact/main/9"
    expected = [("Robert", erp, "Director", core, "Newtown", erp, None, None, "company_1", erp)]
    assert expected == gold.query(
        "select first_name, first_name_source, job_title, job_title_source, city, city_source, street, street_source,"
        " company_key, company_key_source from gold.contact where person_key = 'person_1'"
    )


def test_golden_contact_counts_its_records_and_keeps_the_most_restrictive_consent(gold: Warehouse) -> None:
    """One refusal in any system is a refusal; every record and system is counted."""
    assert [
        ("person_1", 2, 2, True, False, datetime(2026, 2, 1, tzinfo=UTC)),
        ("person_2", 1, 1, False, False, None),
    ] == gold.query(
        "select person_key, record_count, system_count, has_opted_out_of_email, do_not_call, updated_at"
        " from gold.contact order by person_key"
    )


def test_golden_account_prefers_trust_and_owner(gold: Warehouse) -> None:
    """The name comes from the trusted source, the credit limit from its owner, with the rule beside each value."""
    expected = [("Acme", Decimal("500.00"), "K-1")]
    of_the_company = "where company_key = 'company_1'"
    assert expected == gold.query(f"select name, credit_limit, account_number from gold.account {of_the_company}")
    assert [("credit_limit", "owner"), ("name", "trust")] == gold.query(
        f"select field, rule from gold.account_field {of_the_company} and field in ('credit_limit', 'name') order by 1"
    )


@pytest.mark.parametrize(("entity", "key"), [("contact", "person_key"), ("account", "company_key")])
def test_golden_records_have_the_values_of_their_fields(gold: Warehouse, entity: str, key: str) -> None:
    """Contested or not, a golden record says of each field what its table of fields says, and no more."""
    fields = sorted({field for (field,) in gold.query(f"select field from gold.{entity}_field")})
    told = " union all ".join(
        f"select {key}, '{field}', cast({field} as varchar), {field}_source from gold.{entity}"
        f" where {field} is not null"
        for field in fields
    )
    expected = gold.query(
        f"select {key}, field, value, source_record_key from gold.{entity}_field where not is_cleared order by all"
    )
    assert expected == gold.query(f"{told} order by all")
    assert expected


def test_opportunity_pipeline_sums_by_company_and_stage(gold: Warehouse) -> None:
    """Deleted opportunities are left out, those without account are kept as unknown."""
    assert [
        ("company_1", "Acme", 2, Decimal("400.00"), Decimal("160.00")),
        ("unknown", None, 1, Decimal("50.00"), Decimal("0.00")),
    ] == gold.query(
        "select company_key, company_name, opportunity_count, amount, weighted_amount"
        " from gold.opportunity_pipeline order by company_key"
    )


def test_pipeline_history_keeps_each_day_as_it_ended(warehouse: Warehouse) -> None:
    """Today's rows are replaced by every refresh; those of earlier days stay, even when everything is built anew."""
    history = "select as_of::text, stage_name, opportunity_count from gold.opportunity_pipeline_history order by all"
    warehouse.query("create schema gold")
    warehouse.query(
        "create table gold.opportunity_pipeline as"
        " select 'com_1' as company_key, 'Open' as stage_name, 'EUR' as currency,"
        " 1::bigint as opportunity_count, 1::decimal(38, 2) as amount, 1::decimal(38, 2) as weighted_amount"
    )

    def refresh(*arguments: str) -> list[tuple[object, ...]]:
        warehouse.run_dbt("build", "--select", "opportunity_pipeline_history", *arguments)
        return warehouse.query(history)

    assert [("2026-03-02", "Open", 1)] == refresh()
    warehouse.query("update gold.opportunity_pipeline set stage_name = 'Won', opportunity_count = 2")
    assert [("2026-03-02", "Won", 2)] == refresh()
    warehouse.query("update pipeline.refresh set started_on = date '2026-03-04'")
    warehouse.query("update gold.opportunity_pipeline set opportunity_count = 3")
    assert [("2026-03-02", "Won", 2), ("2026-03-04", "Won", 3)] == refresh()
    assert [("2026-03-02", "Won", 2), ("2026-03-04", "Won", 3)] == refresh("--full-refresh")


def test_case_resolution_measures_closed_cases_only(gold: Warehouse) -> None:
    """Open cases count as opened but not in the hours to close."""
    assert [("company_1", "High", 4, 3, 1, 4.0, 2.0)] == gold.query(
        "select company_key, priority, opened_count, closed_count, open_count, average_hours_to_close,"
        " median_hours_to_close from gold.case_resolution"
    )


def test_lead_funnel_counts_by_month_in_utc(gold: Warehouse) -> None:
    """A lead created at half past eleven in the night UTC belongs to the month that is ending."""
    assert [("Web", "2026-01-01", 2, 1, 0.5)] == gold.query(
        "select lead_source, created_month::text, lead_count, converted_count, conversion_rate from gold.lead_funnel"
    )


def build_keys(warehouse: Warehouse) -> None:
    """Build people's match keys and what they are made of, without the data tests, in a refresh of its own."""
    warehouse.query("update pipeline.refresh set number = number + 1")
    ((number,),) = warehouse.query("select number from pipeline.refresh")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONTACT_SYNC_CHANGES_SEEN", f"person_common_key={number - 1}")
        warehouse.run_models("+person_joining_key", "+person_possible_match_key")


def contact_keys(warehouse: Warehouse, record_id: str, model: str = "person_match_key") -> list[tuple[str, str]]:
    """(rule, match key) of a contact of the core org."""
    return warehouse.query(
        f"select rule, match_key from identity.{model}"
        f" where record_key = 'salesforce__contact/core/{record_id}' order by rule, match_key"
    )


@pytest.fixture(scope="module")
def changed(create_warehouse: Callable[[], Warehouse]) -> tuple[Warehouse, list[tuple[str, str]]]:
    """Contact 1 is stamped when it changes, contact 2 changes without a stamp; and the keys that 1 had before."""
    warehouse = create_warehouse()
    first = {"_record_id": "1", **MILLER, "Phone": "+1 212 555 0123"}
    second = {"_record_id": "2", "FirstName": "Ann", "LastName": "Baker", "Email": "ann@acme.com"}
    warehouse.add_bronze("salesforce__contact", first, second)
    warehouse.set_window()
    build_keys(warehouse)
    before = contact_keys(warehouse, "1")
    later = {"_version_at": "2026-04-01 00:00:00+00", "_sequence": 2}
    stamp = {"Phone": "+1 212 555 0199", "Email": "bob@home.org", "Contact_Sync_Key__c": "per_1"}
    warehouse.add_bronze(
        "salesforce__contact", {**first, **stamp, **later}, {**second, "Email": "ann@home.org", **later}
    )
    build_keys(warehouse)
    return warehouse, before


def test_a_stamped_record_keeps_the_keys_it_was_recognised_by(
    changed: tuple[Warehouse, list[tuple[str, str]]],
) -> None:
    """Our own write changed its phone: the key of before stays, and the owner's word gives it no new one; what its own
    users change gives it one.
    """
    warehouse, before = changed

    assert ("phone_name", "+12125550123|robert|miller|") in before
    by_email = {("email_first_name", "bob@home.org|robert|"), ("email_last_name", "bob@home.org|miller|")}
    assert {*before, *by_email} == set(contact_keys(warehouse, "1"))
    weak = contact_keys(warehouse, "1", "person_possible_match_key")
    assert [("phone_last_name", "+12125550123|miller")] == [row for row in weak if row[0] == "phone_last_name"]


def test_a_record_without_a_stamp_has_the_keys_of_its_values_only(
    changed: tuple[Warehouse, list[tuple[str, str]]],
) -> None:
    """Evidence that is gone joins nobody any longer."""
    expected = [("email_first_name", "ann@home.org|ann|"), ("email_last_name", "ann@home.org|baker|")]

    assert expected == contact_keys(changed[0], "2")


def add_namesakes(warehouse: Warehouse, first: int, last: int, **family: int) -> None:
    """Leads from the first to the last number of people of each family name, who share one e-mail address; fewer for a
    family with fewer people.
    """
    rows = [
        {"_record_id": f"{name}{number}", "FirstName": "Bob", "LastName": name, "Email": f"bob@{name}.org".lower()}
        for name, people in family.items()
        for number in range(first, min(last, people))
    ]
    warehouse.add_bronze("salesforce__lead", *rows)
    build_keys(warehouse)


def families_with_keys(warehouse: Warehouse) -> list[tuple[str]]:
    """The last names that are a match key together with an e-mail address."""
    return warehouse.query(
        "select distinct split_part(match_key, '|', 2) from identity.person_joining_key"
        " where rule = 'email_last_name' order by 1"
    )


def test_a_key_that_many_records_share_is_dropped(warehouse: Warehouse) -> None:
    """Twenty records may share a key; with one more it says nothing about a person."""
    warehouse.set_window()
    add_namesakes(warehouse, 0, 100, Miller=20, Baker=21)

    assert [("miller",)] == families_with_keys(warehouse)


def test_a_key_that_joined_records_goes_on_to_while_its_block_grows(warehouse: Warehouse) -> None:
    """Nobody is split because others arrive: the key is dropped only beyond twice the limit."""
    warehouse.set_window()
    add_namesakes(warehouse, 0, 20, Miller=40, Baker=41)
    add_namesakes(warehouse, 20, 100, Miller=40, Baker=41)

    assert [("miller",)] == families_with_keys(warehouse)
