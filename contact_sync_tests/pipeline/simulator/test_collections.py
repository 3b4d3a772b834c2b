"""sObject Collections and composite requests: results in order, all or none, duplicates, and reading back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load

COLLECTIONS = f"{BASE}/composite/sobjects"
BY_KEY = f"{COLLECTIONS}/Contact/Contact_Sync_Key__c"


def of(object_name: str, **fields: object) -> dict[str, Any]:
    """A record as it is sent."""
    return {"attributes": {"type": object_name}, **fields}


def codes(reply: httpx.Response) -> list[str | None]:
    """The code of each result, None where it succeeded."""
    assert httpx.codes.OK == reply.status_code, reply.text
    return [None if one["success"] else one["errors"][0]["statusCode"] for one in reply.json()]


def test_a_collection_lives_from_create_to_delete(instance: SalesforceInstance, client: Client) -> None:
    """Records of several objects are created, changed, read back and deleted, and results are in the order sent."""
    sent = [of("Account", Name="Acme"), of("Contact", LastName="A"), of("Contact"), of("Contact", LastName="B")]
    made = client.post(COLLECTIONS, json={"records": sent})
    account, first, _, second = (one.get("id") for one in made.json())
    changed = client.patch(COLLECTIONS, json={"records": [of("Contact", id=first, Title="CEO")]})
    read = client.get(f"{COLLECTIONS}/Contact", params={"ids": f"{second},{first}", "fields": "LastName,Title"})
    gone = client.delete(COLLECTIONS, params={"ids": f"{account},{second[:15]},nonsense,{second}"})
    back = client.post(f"{COLLECTIONS}/Contact", json={"ids": [first, second], "fields": ["Title"]}).json()

    assert [None, None, "REQUIRED_FIELD_MISSING", None] == codes(made)
    assert [{"id": first, "success": True, "errors": []}] == changed.json()
    assert [("B", None), ("A", "CEO")] == [(one["LastName"], one["Title"]) for one in read.json()]
    assert [None, None, "MALFORMED_ID", "ENTITY_IS_DELETED"] == codes(gone)
    assert ("CEO", None) == (back[0]["Title"], back[1])
    assert (0, 1) == (instance.store.count("Account"), instance.store.count("Contact"))


def test_upsert_tells_what_was_created(instance: SalesforceInstance, client: Client) -> None:
    """A key that is there is changed, another one created; a key that is repeated is refused each time, as is none."""
    load(instance, [{"LastName": "Known", "Contact_Sync_Key__c": "a"}])
    keys = ["a", "b", "c", "c", None]
    reply = client.patch(
        BY_KEY, json={"records": [of("Contact", Contact_Sync_Key__c=one, LastName="X") for one in keys]}
    )

    assert [None, None, "DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"] == codes(reply)
    assert [False, True] == [one["created"] for one in reply.json()[:2]]
    assert 2 == instance.store.count("Contact")


def test_with_all_or_none_one_error_undoes_the_others(instance: SalesforceInstance, client: Client) -> None:
    """Rows without an error of their own say that they were rolled back, and nothing counts as written."""
    (known,) = load(instance, [{"LastName": "Known", "Contact_Sync_Key__c": "a"}])
    before = dict(instance.writes)
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    rows = [of("Contact", Contact_Sync_Key__c="a", LastName="New"), of("Contact", Contact_Sync_Key__c="b")]
    upserted = client.patch(BY_KEY, json={"allOrNone": True, "records": rows})
    deleted = client.delete(COLLECTIONS, params={"ids": f"{known},{known[:-4]}0IAA", "allOrNone": "true"})

    assert [rolled_back, "REQUIRED_FIELD_MISSING"] == codes(upserted)
    assert rolled_back == codes(deleted)[0]
    assert ["Known"] == [one["LastName"] for one in instance.store.records("Contact")]
    assert before == instance.writes


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([of("Contact", LastName="A")] * 201, "EXCEEDED_ID_LIMIT"),
        ([of("Contact", LastName="A"), of("Account", Name="A")] * 6, "LIMIT_EXCEEDED"),
        ([{"LastName": "A"}], "INVALID_TYPE"),
        ([of("Nothing", Name="A")], "INVALID_TYPE"),
    ],
)
def test_a_collection_that_makes_no_sense_is_refused_whole(
    shared_instance: SalesforceInstance, shared_client: Client, records: list[dict[str, Any]], code: str
) -> None:
    """More than 200 records, more than ten runs of one object, or a record of no object: nothing is written."""
    reply = shared_client.post(COLLECTIONS, json={"records": records})

    assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])
    assert 0 == shared_instance.store.count("Contact")


def test_an_unknown_field_cannot_be_read_back(shared_client: Client) -> None:
    """The whole request is refused."""
    reply = shared_client.get(f"{COLLECTIONS}/Contact", params={"ids": "003000000000001", "fields": "Nothing"})

    assert (400, "INVALID_FIELD") == (reply.status_code, reply.json()[0]["errorCode"])


@pytest.mark.parametrize(("is_strict", "statuses"), [(True, [400, 400, 400]), (False, [201, 400, 201])])
def test_a_composite_request_may_be_all_or_none(
    instance: SalesforceInstance, client: Client, is_strict: bool, statuses: list[int]
) -> None:
    """Then a part that fails halts and undoes the others, each of which says so."""
    asked = [
        {"method": "POST", "url": f"{BASE}/sobjects/Contact", "referenceId": f"r{number}", "body": body}
        for number, body in enumerate(({"LastName": "A"}, {"FirstName": "B"}, {"LastName": "C"}))
    ]
    reply = client.post(f"{BASE}/composite", json={"allOrNone": is_strict, "compositeRequest": asked})
    found = reply.json()["compositeResponse"]

    assert statuses == [one["httpStatusCode"] for one in found]
    assert "REQUIRED_FIELD_MISSING" == found[1]["body"][0]["errorCode"]
    assert is_strict == (found[0]["body"] == found[2]["body"])
    assert (0 if is_strict else 2) == instance.store.count("Contact")


def test_collections_in_a_strict_composite_are_strict(instance: SalesforceInstance, client: Client) -> None:
    """allOrNone of the outer request overrides that of the inner one."""
    rows = [of("Contact", LastName="A"), of("Contact")]
    inner = {"method": "POST", "url": COLLECTIONS, "referenceId": "a", "body": {"allOrNone": False, "records": rows}}
    reply = client.post(f"{BASE}/composite", json={"allOrNone": True, "compositeRequest": [inner]})
    results = reply.json()["compositeResponse"][0]["body"]

    assert ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"] == [
        one["errors"][0]["statusCode"] for one in results
    ]
    assert 0 == instance.store.count("Contact")
