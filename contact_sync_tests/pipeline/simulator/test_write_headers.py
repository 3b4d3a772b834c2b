"""Headers of REST writes: only if unmodified, whose write it is, and whether duplicates may be saved."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, client_of_org_with, load

CONTACTS = f"{BASE}/sobjects/Contact"


def unmodified(since: datetime) -> dict[str, str]:
    """The header that makes a request depend on a record as it was at a time."""
    return {"If-Unmodified-Since": format_datetime(since, usegmt=True)}


@pytest.mark.parametrize(("seconds", "statuses"), [(-1, [412, 412, 412]), (0, [200, 204, 200]), (1, [200, 204, 200])])
def test_what_was_modified_since_is_not_overwritten(
    clocked_instance: SalesforceInstance,
    clocked_client: Client,
    moment: list[datetime],
    seconds: int,
    statuses: list[int],
) -> None:
    """A later LastModifiedDate is a 412 and nothing is changed; a time in the future or of the same second is none."""
    moment[0] += timedelta(milliseconds=900)
    (record_id,) = load(clocked_instance, [{"LastName": "Doe", "Contact_Sync_Key__c": "k"}])
    since = unmodified(moment[0].replace(microsecond=0) + timedelta(seconds=seconds))
    got = clocked_client.get(f"{CONTACTS}/{record_id}", headers=since)
    replies = [
        clocked_client.patch(f"{CONTACTS}/{path}", json={"Title": "CEO"}, headers=since)
        for path in (record_id, "Contact_Sync_Key__c/k")
    ]
    record = clocked_instance.store.record("Contact", record_id)

    assert statuses == [one.status_code for one in (got, *replies)]
    assert record is not None
    assert (None if seconds < 0 else "CEO") == record["Title"]
    assert seconds >= 0 or "PRECONDITION_FAILED" == replies[0].json()[0]["errorCode"]


def test_a_deletion_has_no_condition(
    clocked_instance: SalesforceInstance, clocked_client: Client, moment: list[datetime]
) -> None:
    """DELETE does not support the header: the record is gone although it was modified since."""
    (record_id,) = load(clocked_instance, [{"LastName": "Doe"}])
    reply = clocked_client.delete(f"{CONTACTS}/{record_id}", headers=unmodified(moment[0] - timedelta(days=1)))

    assert (204, 0) == (reply.status_code, clocked_instance.store.count("Contact"))


def test_conditions_hold_for_parts_of_a_composite_request(
    clocked_instance: SalesforceInstance, clocked_client: Client, moment: list[datetime]
) -> None:
    """Each subrequest has the headers of its own; a new key has nothing that could have been modified."""
    (record_id,) = load(clocked_instance, [{"LastName": "Doe"}])
    now, earlier = moment[0], moment[0] - timedelta(seconds=1)
    asked = [
        {
            "method": "PATCH",
            "url": f"{CONTACTS}/{path}",
            "referenceId": f"r{number}",
            "httpHeaders": unmodified(since),
            "body": {"LastName": f"New {number}"},
        }
        for number, (path, since) in enumerate(
            ((record_id, earlier), (record_id, now), ("Contact_Sync_Key__c/new", earlier))
        )
    ]
    found = clocked_client.post(f"{BASE}/composite", json={"compositeRequest": asked}).json()["compositeResponse"]

    assert [412, 204, 201] == [one["httpStatusCode"] for one in found]
    assert ["New 1", "New 2"] == [one["LastName"] for one in clocked_instance.store.records("Contact")]


def test_a_condition_that_cannot_be_read_is_refused(shared_instance: SalesforceInstance, shared_client: Client) -> None:
    """An invalid time on a PATCH is a 400."""
    reply = shared_client.patch(
        f"{CONTACTS}/Contact_Sync_Key__c/k", json={"LastName": "A"}, headers={"If-Unmodified-Since": "yesterday"}
    )

    assert (400, 0) == (reply.status_code, shared_instance.store.count("Contact"))


def test_every_write_is_counted_by_the_name_of_its_client(instance: SalesforceInstance, client: Client) -> None:
    """REST, collections, parts of composite requests and Bulk jobs; a subrequest does not inherit the name."""
    named = {"Sforce-Call-Options": "client=contact_sync"}
    inner = {"method": "POST", "url": CONTACTS, "referenceId": "a", "body": {"LastName": "A"}}
    asked = [inner, {**inner, "referenceId": "b", "httpHeaders": {"Sforce-Call-Options": "client=inner, x=y"}}]
    client.post(f"{BASE}/composite", json={"compositeRequest": asked}, headers=named)
    client.get(CONTACTS, headers=named)
    client.headers.update(named)
    client.post(f"{BASE}/composite/sobjects", json={"records": [{"attributes": {"type": "Contact"}, "LastName": "A"}]})
    client.ingest("Contact", "insert", "LastName\nA\n")

    assert {
        ("create", None): 1,
        ("create", "inner"): 1,
        ("insert_collection", "contact_sync"): 1,
        ("bulk_ingest_create", "contact_sync"): 1,
        ("bulk_ingest_upload", "contact_sync"): 1,
        ("bulk_ingest_change", "contact_sync"): 1,
    } == instance.client_names


def test_inherited_headers_cannot_be_set(shared_instance: SalesforceInstance, shared_client: Client) -> None:
    """A subrequest that names one of them fails the whole request before any of it is done."""
    inner = {"method": "POST", "url": CONTACTS, "referenceId": "a", "body": {"LastName": "A"}}
    asked = [inner, {**inner, "referenceId": "b", "httpHeaders": {"Content-Type": "application/json"}}]
    reply = shared_client.post(f"{BASE}/composite", json={"compositeRequest": asked})

    assert (400, 0) == (reply.status_code, shared_instance.store.count("Contact"))


def test_duplicates_are_saved_when_the_client_says_so(tmp_path: Path) -> None:
    """allowSave lets REST writes pass the duplicate rule, which else names the record; Bulk has no such header."""
    person = {"LastName": "Doe", "Email": "doe@example.com"}
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    records = {"records": [{"attributes": {"type": "Contact"}, **person}]}
    with client_of_org_with(Features(duplicate_rule=True), tmp_path) as client:
        made, refused, allowed = (client.post(CONTACTS, json=person, headers=headers) for headers in ({}, {}, allow))
        (saved,) = client.post(f"{BASE}/composite/sobjects", json=records, headers=allow).json()
        job = client.ingest("Contact", "insert", "LastName,Email\nDoe,doe@example.com\n")

    assert (201, 400, 201) == (made.status_code, refused.status_code, allowed.status_code)
    assert (True, 1) == (saved["success"], job["numberRecordsFailed"])
    (error,) = refused.json()
    (match,) = error["duplicateResut"]["matchResults"]
    assert ("DUPLICATES_DETECTED", made.json()["id"]) == (error["errorCode"], match["matchRecords"][0]["record"]["Id"])


def test_the_address_alone_says_which_record(shared_client: Client) -> None:
    """A body that repeats the id or the key is refused."""
    path = f"{CONTACTS}/Contact_Sync_Key__c/k"
    replies = [shared_client.patch(path, json={name: "k", "LastName": "A"}) for name in ("Id", "Contact_Sync_Key__c")]

    assert ["INVALID_FIELD"] * 2 == [one.json()[0]["errorCode"] for one in replies]


def test_an_upsert_may_be_told_to_create_nothing(shared_instance: SalesforceInstance, shared_client: Client) -> None:
    """With updateOnly an unknown key is not found."""
    reply = shared_client.patch(
        f"{CONTACTS}/Contact_Sync_Key__c/k", json={"LastName": "A"}, params={"updateOnly": "true"}
    )

    assert (404, 0) == (reply.status_code, shared_instance.store.count("Contact"))
