"""What an org may have beside its objects: record types, queues, validation rules, and rights its user lacks."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.queues import Queue
from contact_sync.simulator.salesforce.validation_rules import ValidationRule
from contact_sync_tests.pipeline.simulator.client import BASE, Client, client_of_org_with, load
from contact_sync_tests.pipeline.simulator.test_bulk_ingest import results

OBJECTS = f"{BASE}/sobjects"


def ids(client: Client, query: str) -> list[str]:
    """The ids that a query finds."""
    return [one["Id"] for one in client.get(f"{BASE}/query", params={"q": query}).json()["records"]]


def outcome(reply: httpx.Response) -> object:
    """The code with which a write was refused, or its status."""
    return reply.status_code if reply.is_success else reply.json()[0]["errorCode"]


def test_record_types(tmp_path: Path) -> None:
    """A new record has the default one, another of its object can be chosen, one of another object is refused."""
    kinds = (("Contact", ("Customer", "Supplier")), ("Account", ("Partner",)))
    with client_of_org_with(Features(record_types=kinds), tmp_path) as client:
        query = "select Id from RecordType where SobjectType = '{}' order by Name"
        customer, supplier = ids(client, query.format("Contact"))
        (partner,) = ids(client, query.format("Account"))
        made = client.post(f"{OBJECTS}/Contact", json={"LastName": "A"}).json()["id"]
        statuses = [
            outcome(client.patch(f"{OBJECTS}/Contact/{made}", json={"RecordTypeId": one}))
            for one in (supplier, partner, made, "012000000000001AAA")
        ]
        infos = client.get(f"{OBJECTS}/Contact/describe").json()["recordTypeInfos"]
        default = client.post(f"{OBJECTS}/Contact", json={"LastName": "B"}).json()["id"]

        bad = "INVALID_CROSS_REFERENCE_KEY"
        assert [204, bad, bad, bad] == statuses
        assert supplier == client.get(f"{OBJECTS}/Contact/{made}").json()["RecordTypeId"]
        assert customer == client.get(f"{OBJECTS}/Contact/{default}").json()["RecordTypeId"]
        assert [("Customer", True), ("Supplier", False), ("Master", False)] == [
            (one["name"], one["defaultRecordTypeMapping"]) for one in infos
        ]


def test_queues(tmp_path: Path) -> None:
    """A queue owns leads or cases as it is set up, nothing else; no record is without an owner."""
    queues = (Queue("Inbound Leads", ("Lead",)), Queue("Support", ("Case",)))
    lead = {"LastName": "A", "Company": "Acme"}
    with client_of_org_with(Features(queues=queues), tmp_path) as client:
        inbound, support = ids(client, "select Id from Group where Type = 'Queue' order by Name")
        statuses = [
            outcome(client.post(f"{OBJECTS}/{name}", json={**fields, "OwnerId": owner}))
            for name, fields, owner in (
                ("Lead", lead, inbound),
                ("Case", {}, support),
                ("Lead", lead, support),
                ("Contact", {"LastName": "A"}, inbound),
                ("Contact", {"LastName": "A"}, None),
            )
        ]
        (owner,) = [
            field["referenceTo"]
            for field in client.get(f"{OBJECTS}/Lead/describe").json()["fields"]
            if field["name"] == "OwnerId"
        ]

    assert [201, 201, "INVALID_OPERATION", "FIELD_INTEGRITY_EXCEPTION", "INVALID_CROSS_REFERENCE_KEY"] == statuses
    assert ["Group", "User"] == sorted(owner)


def test_validation_rules(tmp_path: Path) -> None:
    """A record for which a rule is true after the write is refused with its message, by REST and Bulk."""
    rule = ValidationRule("Contact", "Email is null and Phone is null", "Give an e-mail address or a phone", "Email")
    with client_of_org_with(Features(validation_rules=(rule,)), tmp_path) as client:
        refused = client.post(f"{OBJECTS}/Contact", json={"LastName": "A"}).json()[0]
        made = client.post(f"{OBJECTS}/Contact", json={"LastName": "A", "Phone": "1"}).json()["id"]
        job = client.ingest("Contact", "update", f"Id,Phone\n{made},#N/A\n")
        (row,) = results(client, job, "failedResults")
        changed = outcome(client.patch(f"{OBJECTS}/Contact/{made}", json={"Phone": None, "Email": "a@example.com"}))

    expected = ("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, ["Email"])
    assert expected == (refused["errorCode"], refused["message"], refused["fields"])
    assert f"FIELD_CUSTOM_VALIDATION_EXCEPTION:{rule.message}:Email --" == row["sf__Error"]
    assert 204 == changed


def test_an_unknown_currency_is_refused(tmp_path: Path) -> None:
    """So is one that is retired."""
    with client_of_org_with(Features(currencies=SOME_CURRENCIES), tmp_path) as client:
        statuses = [
            outcome(client.post(f"{OBJECTS}/Account", json={"Name": "A", "CurrencyIsoCode": code}))
            for code in ("EUR", "XXX", "DEM")
        ]

    bad = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert [201, bad, bad] == statuses


def test_a_field_that_may_only_be_read(instance: SalesforceInstance, client: Client) -> None:
    """Describe tells it, and a row that names the field is refused, by REST and Bulk."""
    instance.store.schema.lock_field("Contact", "Title")
    instance.store.schema.lock_field("Contact", "AccountId")
    described = {one["name"]: one for one in client.get(f"{OBJECTS}/Contact/describe").json()["fields"]}
    refused = outcome(client.post(f"{OBJECTS}/Contact", json={"LastName": "A", "Title": "CEO"}))
    job = client.ingest("Contact", "insert", "LastName,Title\nA,CEO\nB,\n")
    by_key = client.ingest("Contact", "insert", "LastName,Account.Contact_Sync_Key__c\nA,a\n")
    instance.store.schema.lock_field("Contact", "Title", is_locked=False)

    assert [(False, False, True)] * 2 == [
        (described[name]["createable"], described[name]["updateable"], described[name]["nillable"])
        for name in ("Title", "AccountId")
    ]
    assert described["Phone"]["updateable"]
    assert "INVALID_FIELD_FOR_INSERT_UPDATE" == refused
    assert [("A", "INVALID_FIELD_FOR_INSERT_UPDATE")] == [
        (row["LastName"], row["sf__Error"].partition(":")[0]) for row in results(client, job, "failedResults")
    ]
    assert "Failed" == by_key["state"]
    assert 201 == outcome(client.post(f"{OBJECTS}/Contact", json={"LastName": "A", "Title": "CEO"}))


def test_a_field_that_may_not_be_seen_cannot_be_written(instance: SalesforceInstance, client: Client) -> None:
    """To the integration user it does not exist."""
    instance.store.schema.hide_field("Contact", "Title")

    assert "INVALID_FIELD" == outcome(client.post(f"{OBJECTS}/Contact", json={"LastName": "A", "Title": "CEO"}))
    job = client.ingest("Contact", "insert", "LastName,Title\nA,CEO\n")
    assert ("Failed", True) == (job["state"], "Field name not found : Title" in job["errorMessage"])


@pytest.mark.parametrize(
    ("operation", "flag", "code"),
    [
        ("create", "createable", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        ("update", "updateable", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        ("delete", "deletable", "INSUFFICIENT_ACCESS_OR_READONLY"),
    ],
)
def test_what_may_not_be_done_with_an_object(
    instance: SalesforceInstance, client: Client, operation: str, flag: str, code: str
) -> None:
    """Describe tells it, and each row that would do it is refused, while others are written."""
    instance.store.schema.forbid("Contact", operation)
    (record_id,) = load(instance, [{"LastName": "Doe"}])
    path = f"{OBJECTS}/Contact/{record_id}"
    outcomes = {
        "create": outcome(client.post(f"{OBJECTS}/Contact", json={"LastName": "A"})),
        "update": outcome(client.patch(path, json={"Title": "CEO"})),
        "delete": outcome(client.delete(path)),
    }
    described = client.get(f"{OBJECTS}/Contact/describe").json()
    (listed,) = [one for one in client.get(OBJECTS).json()["sobjects"] if "Contact" == one["name"]]

    assert {operation: code} == {name: one for name, one in outcomes.items() if not isinstance(one, int)}
    flags = ("createable", "updateable", "deletable")
    assert [[flag]] * 2 == [[name for name in flags if not one[name]] for one in (described, listed)]


def test_an_object_that_may_not_be_read(instance: SalesforceInstance, client: Client) -> None:
    """To the integration user it does not exist, neither in lists nor in queries nor for jobs."""
    instance.store.schema.forbid("Lead", "read")
    query = client.get(f"{BASE}/query", params={"q": "select Id from Lead"})
    job = client.post(f"{BASE}/jobs/ingest", json={"object": "Lead", "operation": "insert"})

    assert "Lead" not in {one["name"] for one in client.get(OBJECTS).json()["sobjects"]}
    assert ["NOT_FOUND", "INVALID_TYPE", "INVALID_TYPE"] == [
        outcome(one) for one in (client.get(f"{OBJECTS}/Lead/describe"), query, job)
    ]
    instance.store.schema.forbid("Lead")
    assert client.get(f"{OBJECTS}/Lead/describe").is_success
