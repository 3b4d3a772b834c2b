"""Person accounts: one account and one contact that stay the same person, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES
from contact_sync.simulator.salesforce.describe import describe_object
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.records import Saved
from contact_sync.simulator.salesforce.store import Cell, timestamp

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STAMPS = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")
SHARED = {
    "LastName": "LastName",
    "FirstName": "FirstName",
    "Salutation": "Salutation",
    "Name": "Name",
    "Phone": "Phone",
    "OwnerId": "OwnerId",
    "CurrencyIsoCode": "CurrencyIsoCode",
    "IsDeleted": "IsDeleted",
    "PersonMailingStreet": "MailingStreet",
    "PersonMailingCity": "MailingCity",
    "PersonMailingState": "MailingState",
    "PersonMailingPostalCode": "MailingPostalCode",
    "PersonMailingCountry": "MailingCountry",
    "PersonMobilePhone": "MobilePhone",
    "PersonEmail": "Email",
    "PersonTitle": "Title",
    "PersonDepartment": "Department",
    "PersonLeadSource": "LeadSource",
    "PersonHasOptedOutOfEmail": "HasOptedOutOfEmail",
    "PersonDoNotCall": "DoNotCall",
    "Contact_Sync_Key__pc": "Contact_Sync_Key__c",
}


@dataclass
class People:
    """An org with person accounts, several currencies and a clock that every write moves on."""

    home: Path
    now: datetime = START

    def __post_init__(self) -> None:
        features = Features(person_accounts=True, currencies=SOME_CURRENCIES)
        self.org = Org("core", self.home, clock=lambda: self.now, object_types=60, features=features)

    def write(self, verb: str, object_name: str, row: object, user_id: str = "editor") -> Saved:
        """One row written a second after the one before."""
        self.now += timedelta(seconds=1)
        (saved,) = getattr(self.org.writer, verb)(object_name, [row], user_id=user_id)
        assert isinstance(saved, Saved)
        return saved

    def insert(self, **values: object) -> str:
        """The id of a new account."""
        saved = self.write("insert", "Account", values, "author")
        assert saved.error is None, saved.error
        return str(saved.id)

    def code(self, verb: str, object_name: str, row: object) -> str:
        """The error of a row that is refused."""
        error = self.write(verb, object_name, row).error
        return "" if error is None else error.code

    def record(self, object_name: str, record_id: object) -> dict[str, Cell]:
        """A record that is there."""
        found = self.org.store.record(object_name, str(record_id))
        assert found is not None
        return found

    def halves(self, account_id: str) -> tuple[dict[str, Cell], dict[str, Cell]]:
        """An account and its contact, which must agree in all that they share."""
        account = self.record("Account", account_id)
        contact = self.record("Contact", account["PersonContactId"])
        assert (1, account_id) == (contact["IsPersonAccount"], contact["AccountId"])
        assert {name: account[name] for name in (*SHARED, *STAMPS)} == {
            name: contact[SHARED.get(name, name)] for name in (*SHARED, *STAMPS)
        }
        return account, contact


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """An org without accounts, with record types of other objects."""
    people = People(tmp_path / "core")
    with closing(people.org):
        yield people


def type_id(people: People, developer_name: str) -> str:
    """The id of a record type."""
    (found,) = people.org.store.records("RecordType", "DeveloperName = ?", (developer_name,))
    return str(found["Id"])


def test_a_person_is_an_account_and_a_contact(people: People) -> None:
    """An account with a last name is one: it has the record type, a contact, its name, and a new row's stamps."""
    account_id = people.insert(
        LastName="Doe", FirstName="Jo", PersonEmail="jo@example.com", Phone="1", PersonDoNotCall=True,
        PersonMailingCity="Ghent", CurrencyIsoCode="EUR", Industry="Retail",
    )  # fmt: skip
    account, contact = people.halves(account_id)

    assert ("Jo Doe", 1, type_id(people, "PersonAccount")) == (
        account["Name"],
        account["IsPersonAccount"],
        account["RecordTypeId"],
    )
    assert ("Jo Doe", "jo@example.com", "1", 1, "Ghent", "EUR", "author") == tuple(
        contact[name]
        for name in ("Name", "Email", "Phone", "DoNotCall", "MailingCity", "CurrencyIsoCode", "CreatedById")
    )
    assert timestamp(people.now) == contact["CreatedDate"] == contact["SystemModstamp"] == account["CreatedDate"]


def test_a_business_has_no_person_in_it(people: People) -> None:
    """An account with a name is a business, with its own record type and no contact."""
    account = people.record("Account", people.insert(Name="Acme", PersonEmail=None, PersonDoNotCall=False))

    assert (0, None, type_id(people, "Business_Account"), "Acme") == tuple(
        account[name] for name in ("IsPersonAccount", "PersonContactId", "RecordTypeId", "Name")
    )
    assert 0 == people.org.store.count("Contact")


@pytest.mark.parametrize(
    ("object_name", "values"),
    [
        ("Account", {"FirstName": "Joe", "PersonTitle": "CEO"}),
        ("Account", {"Industry": "Retail"}),
        ("Account", {"LastName": "Roe", "PersonEmail": None}),
        ("Contact", {"FirstName": "Joe", "Title": "CEO"}),
        ("Contact", {"Description": "of the contact alone"}),
        ("Contact", {"Contact_Sync_Key__c": "key-1"}),
    ],
)
def test_to_write_one_half_is_to_write_both(people: People, object_name: str, values: dict[str, object]) -> None:
    """Whatever is written to either, both have it if they share it, both are stamped alike, and no third one is."""
    other = people.insert(LastName="Other")
    account_id = people.insert(LastName="Doe", FirstName="Jo", PersonEmail="jo@example.com")
    before = people.halves(other)
    record = people.record("Account", account_id)
    record_id = account_id if object_name == "Account" else record["PersonContactId"]

    assert "" == people.code("update", object_name, {"Id": record_id, **values})

    account, contact = people.halves(account_id)
    written = account if object_name == "Account" else contact
    assert list(values.values()) == [written[name] for name in values]
    assert (timestamp(people.now), "editor") == (account["SystemModstamp"], account["LastModifiedById"])
    assert f"{account['FirstName']} {account['LastName']}" == account["Name"]
    assert before == people.halves(other)


def test_a_business_does_not_follow_its_contacts(people: People) -> None:
    """An account that is no person stays as it is when a contact of it is written or deleted."""
    business = people.insert(Name="Acme", Phone="1")
    before = people.record("Account", business)
    contact = people.write("insert", "Contact", {"LastName": "Doe", "AccountId": business, "Phone": "2"})
    people.write("update", "Contact", {"Id": contact.id, "FirstName": "Jo"})
    people.write("delete", "Contact", str(contact.id))

    assert (1, "Jo Doe") == tuple(people.record("Contact", contact.id)[name] for name in ("IsDeleted", "Name"))
    assert before == people.record("Account", business)


def test_a_person_is_deleted_and_comes_back_whole(people: People) -> None:
    """With the account its contact goes to the bin, comes out of it, and is purged; never the contact alone."""
    account_id = people.insert(LastName="Doe")
    contact_id = people.halves(account_id)[1]["Id"]

    assert "DELETE_FAILED" == people.code("delete", "Contact", contact_id)
    assert "" == people.code("delete", "Account", account_id)
    assert (1, timestamp(people.now)) == tuple(people.halves(account_id)[1][name] for name in ("IsDeleted", STAMPS[2]))

    people.now += timedelta(seconds=1)
    people.org.writer.undelete("Account", account_id)
    assert (0, timestamp(people.now)) == tuple(people.halves(account_id)[1][name] for name in ("IsDeleted", STAMPS[2]))

    people.org.writer.hard_delete("Account", account_id)
    assert [None, None] == [
        people.org.store.record("Account", account_id),
        people.org.store.record("Contact", str(contact_id)),
    ]
    with people.org.store.reading() as connection:
        purged = connection.execute("select object, Id from purged order by object").fetchall()
    assert [("Account", account_id), ("Contact", contact_id)] == purged


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"LastName": "Doe", "Name": "Doe"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "Acme", "PersonEmail": "a@example.com"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "Acme", "RecordTypeId": "Business_Account", "LastName": "Doe"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"FirstName": "Jo", "RecordTypeId": "PersonAccount"}, "REQUIRED_FIELD_MISSING"),
        ({"FirstName": "Jo"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "Acme", "IsPersonAccount": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "Doe", "PersonContactId": None}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "Doe", "Contact_Sync_Key__pc": "k"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "Doe", "RecordTypeId": "another object's"}, "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_what_is_neither_person_nor_business_is_not_created(people: People, values: dict[str, str], code: str) -> None:
    """A row that mixes both, lacks the last name or names what the org fills in is refused, and leaves no trace."""
    types = people.org.store.records("RecordType", "true")
    ids = {str(one["DeveloperName"]): str(one["Id"]) for one in types if one["SobjectType"] == "Account"}
    ids["another object's"] = next(str(one["Id"]) for one in types if one["SobjectType"] != "Account")
    row = values | ({"RecordTypeId": ids[values["RecordTypeId"]]} if "RecordTypeId" in values else {})

    assert code == people.code("insert", "Account", row)
    assert (0, 0) == (people.org.store.count("Account"), people.org.store.count("Contact"))


def test_what_would_break_a_person_is_refused(people: People) -> None:
    """Its name is made of its parts, it stays what it is, and no contact comes to or leaves its account."""
    person, business = people.insert(LastName="Doe"), people.insert(Name="Acme")
    before = people.halves(person)
    contact_id = before[1]["Id"]

    refused = {
        "Name": ({"Id": person, "Name": "Doe"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        "LastName": ({"Id": person, "LastName": None}, "REQUIRED_FIELD_MISSING"),
        "PersonEmail": ({"Id": business, "PersonEmail": "a@example.com"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        "to business": (
            {"Id": person, "RecordTypeId": type_id(people, "Business_Account")},
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        "to person": ({"Id": business, "RecordTypeId": type_id(people, "PersonAccount")}, "FIELD_INTEGRITY_EXCEPTION"),
    }

    for row, code in refused.values():
        assert code == people.code("update", "Account", row)
    assert "FIELD_INTEGRITY_EXCEPTION" == people.code("insert", "Contact", {"LastName": "Second", "AccountId": person})
    assert "FIELD_INTEGRITY_EXCEPTION" == people.code("update", "Contact", {"Id": contact_id, "AccountId": business})
    with pytest.raises(SimulatorError, match="cannot be merged"):
        people.org.writer.merge("Account", business, person, user_id="editor")
    assert before == people.halves(person)


def test_describe_tells_persons(people: People) -> None:
    """Account has the fields of a person, an address of its own and record types; contact says what it is."""
    account = describe_object(people.org.store.schema.known("Account"))
    fields = {field["name"]: field for field in account["fields"]}
    contact = describe_object(people.org.store.schema.known("Contact"))

    assert set(SHARED) | {"IsPersonAccount", "PersonContactId", "PersonMailingAddress", "RecordTypeId"} < set(fields)
    assert ("email", 80, True, False) == tuple(
        fields["PersonEmail"][name] for name in ("type", "length", "nillable", "custom")
    )
    assert ("PersonMailingAddress", "Name", True) == (
        fields["PersonMailingCity"]["compoundFieldName"],
        fields["LastName"]["compoundFieldName"],
        fields["LastName"]["nillable"],
    )
    assert (["Contact"], "PersonContact", False) == tuple(
        fields["PersonContactId"][name] for name in ("referenceTo", "relationshipName", "createable")
    )
    assert (True, False, False) == tuple(
        fields["Contact_Sync_Key__pc"][name] for name in ("custom", "externalId", "createable")
    )
    assert ("boolean", False) == next(
        (one["type"], one["createable"]) for one in contact["fields"] if one["name"] == "IsPersonAccount"
    )
    assert [("Business_Account", True, False), ("PersonAccount", False, False), ("Master", False, True)] == [
        (one["developerName"], one["defaultRecordTypeMapping"], one["master"]) for one in account["recordTypeInfos"]
    ]
    assert [] == contact["recordTypeInfos"]


def test_an_org_without_the_feature_has_no_trace_of_it(tmp_path: Path) -> None:
    """No field of a person, no record type of an account."""
    with closing(Org("core", tmp_path / "core", clock=lambda: START)) as org:
        names = {field.name for field in org.store.schema.known("Account").fields}

        assert set() == names & (set(SHARED) - {"Name", "Phone", "OwnerId", "IsDeleted"} | {"IsPersonAccount"})
        assert org.store.schema.find("RecordType") is None
        assert [] == describe_object(org.store.schema.known("Account"))["recordTypeInfos"]
