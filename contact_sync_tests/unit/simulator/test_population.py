"""The population: the same for a seed, as big and as messy as promised, and consistent within itself."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np
import pytest

from contact_sync.simulator.population import Population, generate
from contact_sync.simulator.population.mess import RATES
from contact_sync.simulator.population.times import history
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.objects import find_object

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONTACTS, ACCOUNTS = 4_000, 800


def make(seed: int = 7, contacts: int = CONTACTS) -> Population:
    """A population."""
    return generate(seed=seed, contacts=contacts, accounts=contacts // 5, as_of=AS_OF)


@pytest.fixture(scope="module")
def population() -> Population:
    """One population that many tests look at."""
    return make()


def as_lists(population: Population) -> dict[str, dict[str, list[object]]]:
    """Everything a population holds, comparable."""
    everything = {
        f"{org}/{name}": columns
        for org, records in population.orgs.items()
        for name, columns in records.objects.items()
    }
    tables = chain(everything.items(), population.erp.tables.items(), population.files.items())
    return {name: {column: list(values) for column, values in columns.items()} for name, columns in tables}


def test_a_seed_always_gives_the_same_population() -> None:
    """The same seed and instant give equal columns and truth; another seed gives others."""
    first, again, other = make(contacts=300), make(contacts=300), make(seed=8, contacts=300)

    assert as_lists(first) == as_lists(again)
    assert first.person_of == again.person_of
    assert as_lists(first) != as_lists(other)


def test_sizes_follow_from_the_number_of_contacts(population: Population) -> None:
    """Each system has its share of records."""
    core = {name: len(columns["Id"]) for name, columns in population.orgs["core"].objects.items()}
    emea = {name: len(columns["Id"]) for name, columns in population.orgs["emea"].objects.items()}
    erp = {name: len(next(iter(columns.values()))) for name, columns in population.erp.tables.items()}

    people = {"Contact": 4_000, "Account": 800, "Lead": 600}
    assert {**people, "Opportunity": 800, "Case": 1_000, "Task": 800, "Event": 400} == core
    few = dict.fromkeys(("Lead", "Opportunity", "Case", "Task", "Event"), 60)
    assert {"Contact": 400, "Account": 100, **few} == emea
    assert {"customer": 600, "contact": 1_200, "order": 2_000} == erp
    assert [30, 30, 30] == [len(columns["badge_id"]) for columns in population.files.values()]


def test_systems_overlap_as_promised(population: Population) -> None:
    """Core has duplicates, emea shares people with core, and about 8 % of ERP people are in no CRM."""
    people: dict[str, list[int]] = {}
    for key, person in population.person_of.items():
        people.setdefault(key.rpartition("/")[0], []).append(person)
    core, emea = people["salesforce__contact/core"], set(people["salesforce__contact/emea"])
    in_crm = set(core) | emea | set(people["salesforce__lead/core"])
    erp = set(people["erp__contact/main"])

    assert 0.10 < 1 - len(set(core)) / len(core) < 0.20
    assert 0.25 < len(emea & set(core)) / len(emea) < 0.50
    assert 0.06 < len(erp - in_crm) / len(erp) < 0.10
    assert set(people["drops__trade_show/main"]) & set(core)
    assert set(people["drops__trade_show/main"]) - in_crm


@pytest.mark.parametrize(
    ("field", "rate"),
    [
        ("Email", RATES.no_email),
        ("Phone", RATES.no_phone),
        ("MailingStreet", RATES.no_street),
        ("MailingPostalCode", RATES.no_postal_code),
        ("Title", RATES.no_title),
    ],
)
def test_values_are_missing_at_their_rate(population: Population, field: str, rate: float) -> None:
    """The share of empty values is the stated rate, within three points."""
    values = list(population.orgs["core"].objects["Contact"][field])

    assert rate == pytest.approx(values.count(None) / len(values), abs=0.03)


def test_every_kind_of_mess_is_there(population: Population) -> None:
    """Awkward texts of every kind occur among the contacts of core."""
    contact = population.orgs["core"].objects["Contact"]
    text = {name: "\x00".join(str(value) for value in contact[name]) for name in ("LastName", "Email", "Phone")}
    notes, streets = set(contact["Description"]), set(contact["MailingStreet"])

    assert {"NULL", "#N/A", "null", "=1+1"} < notes
    assert any("\r\n" in str(note) for note in notes)
    assert any("\n" in str(street) for street in streets)
    assert re.search("[À-ž]", text["LastName"])
    assert re.search(r"(Jr|Sr)\.", text["LastName"])
    assert re.search(r"\+(news|crm|promo)@", text["Email"])
    assert re.search(r"\x00info@", text["Email"])
    assert "noemail@example.com" in text["Email"]
    assert "555-555-5555" in text["Phone"]
    assert re.search(r"(x|ext\. |Ext |#)\d{3}", text["Phone"])
    assert any(str(code).startswith("0") for code in contact["MailingPostalCode"])


def test_addresses_lead_nowhere(population: Population) -> None:
    """Every e-mail address is at a reserved domain."""
    for name, records in population.orgs.items():
        for columns in (records.objects["Contact"], records.objects["Lead"]):
            hosts = {str(email).lower().rpartition(".")[2] for email in columns["Email"] if email}
            ends = {str(email).lower().rpartition("@")[2] for email in columns["Email"] if email}

            assert hosts <= {"example", "com", "org", "net"}, name
            assert all(end.endswith(".example") or end.rpartition(".")[0] == "example" for end in ends), name


def test_records_obey_the_rules_of_their_org(population: Population) -> None:
    """Ids are right and unique, texts fit, required fields are filled and times are in order."""
    for records in population.orgs.values():
        for name, columns in records.objects.items():
            schema = find_object(name)
            assert schema is not None
            assert list(columns["Id"]) == [canonical_id(one) for one in columns["Id"]]
            assert len(set(columns["Id"])) == len(columns["Id"])
            assert (columns["CreatedDate"] <= columns["LastModifiedDate"]).all()
            assert (columns["LastModifiedDate"] <= columns["SystemModstamp"]).all()
            for field in schema.stored:
                values = [value for value in columns.get(field.name, []) if value is not None]
                assert not field.required or len(values) == len(columns["Id"])
                assert "" not in values
                assert not field.length or max((len(str(value)) for value in values), default=0) <= field.length


def test_references_point_to_records_that_exist(population: Population) -> None:
    """Accounts and contacts that are referred to exist; every ERP row has its customer."""
    for records in population.orgs.values():
        accounts, contacts = (set(records.objects[name]["Id"]) for name in ("Account", "Contact"))

        assert set(records.objects["Contact"]["AccountId"]) - {None} <= accounts
        assert set(records.objects["Contact"]["MasterRecordId"]) - {None} <= contacts
        assert set(records.objects["Case"]["ContactId"]) <= contacts
        assert set(records.objects["Opportunity"]["AccountId"]) <= accounts
        people = contacts | set(records.objects["Lead"]["Id"])
        things = {one for name in ("Opportunity", "Case") for one in records.objects[name]["Id"]}
        for activities in (records.objects["Task"], records.objects["Event"]):
            assert set(activities["WhoId"]) <= people
            assert set(activities["WhatId"]) - {None} <= things
            assert set(activities["AccountId"]) - {None} <= accounts
    tables = population.erp.tables
    customers = set(tables["customer"]["customer_number"])

    assert set(tables["contact"]["customer_number"]) | set(tables["order"]["customer_number"]) <= customers


def test_changes_are_spread_over_the_year_and_the_last_week() -> None:
    """Every one of the last seven days has a few percent of the changes, and nothing is in the future."""
    times = history(np.random.default_rng(1), 20_000, AS_OF)
    now = np.datetime64(AS_OF.replace(tzinfo=None), "ms")
    days = Counter(((now - times.modified) // np.timedelta64(1, "D")).tolist())

    assert all(0.02 < days[day] / 20_000 < 0.10 for day in range(7))
    assert (times.created <= times.modified).all()
    assert (times.modified <= times.stamped).all()
    assert times.stamped.max() <= now
    assert times.created.min() >= now - np.timedelta64(timedelta(days=365))
