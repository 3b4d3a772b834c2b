"""Person accounts on the wire: created, queried and written by REST and by Bulk."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contact_sync.simulator.salesforce.features import Features
from contact_sync_tests.pipeline.simulator.client import BASE, Client, client_of_org_with


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client of an org with person accounts."""
    with client_of_org_with(Features(person_accounts=True), tmp_path) as client:
        yield client


def query(client: Client, text: str) -> list[dict[str, Any]]:
    """The records of a query."""
    return list(client.get(f"{BASE}/query", params={"q": text}).raise_for_status().json()["records"])


def test_a_person_is_created_by_its_record_type(client: Client) -> None:
    """A client looks the record type up, creates a person with it and reaches the contact through the account."""
    (kind,) = query(client, "SELECT Id FROM RecordType WHERE SobjectType = 'Account' AND IsPersonType = true")
    person = {"RecordTypeId": kind["Id"], "LastName": "Doe", "FirstName": "Jo", "PersonMailingCity": "Ghent"}
    created = client.post(f"{BASE}/sobjects/Account", json=person)
    assert 201 == created.status_code, created.text

    (found,) = query(
        client,
        "SELECT Name, IsPersonAccount, RecordType.DeveloperName, PersonContact.Email, PersonContact.MailingCity, "
        "PersonMailingAddress FROM Account WHERE IsPersonAccount = true",
    )
    assert ("Jo Doe", True, "PersonAccount", "Ghent", "Ghent") == (
        found["Name"],
        found["IsPersonAccount"],
        found["RecordType"]["DeveloperName"],
        found["PersonContact"]["MailingCity"],
        found["PersonMailingAddress"]["city"],
    )


def test_a_change_of_either_is_an_update_of_both(client: Client) -> None:
    """Editing the contact by REST and the account by Bulk moves both in getUpdated's order and in what they say."""
    content = 'LastName,FirstName,PersonEmail\n"Doe","Jo","jo@example.com"\n"Roe","Al",""\n'
    job = client.ingest("Account", "insert", content, lineEnding="LF")
    assert (2, 0) == (job["numberRecordsProcessed"], job["numberRecordsFailed"])
    text = "SELECT Id, PersonContactId, PersonEmail, SystemModstamp, PersonContact.SystemModstamp FROM Account"
    before = {row["Id"]: row for row in query(client, text)}
    doe = next(row for row in before.values() if row["PersonEmail"])

    changed = client.patch(f"{BASE}/sobjects/Contact/{doe['PersonContactId']}", json={"Email": "new@example.com"})
    assert 204 == changed.status_code

    after = {row["Id"]: row for row in query(client, text)}
    found = after.pop(doe["Id"])
    assert "new@example.com" == found["PersonEmail"]
    assert doe["SystemModstamp"] < found["SystemModstamp"] == found["PersonContact"]["SystemModstamp"]
    assert after == {key: row for key, row in before.items() if key != doe["Id"]}

    client.ingest("Account", "update", f'Id,PersonEmail\n"{doe["Id"]}","#N/A"\n', lineEnding="LF")
    job = client.bulk_query("SELECT Id, Email, IsPersonAccount FROM Contact WHERE LastName = 'Doe'")
    (page,) = client.pages(job)
    assert [("", "true")] == [(row["Email"], row["IsPersonAccount"]) for row in csv.DictReader(page.text.splitlines())]


def test_the_name_of_a_person_is_refused(client: Client) -> None:
    """Salesforce says which field does not belong there."""
    reply = client.post(f"{BASE}/sobjects/Account", json={"LastName": "Doe", "Name": "Doe"})

    (error,) = reply.json()
    assert (400, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"]) == (
        reply.status_code,
        error["errorCode"],
        error["fields"],
    )
    assert "bad field names on insert/update call: Name" in error["message"]
