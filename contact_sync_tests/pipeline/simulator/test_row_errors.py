"""Rows that are refused though nothing is wrong with them: locked by others, or because a test says so; and retried."""

from __future__ import annotations

from collections import Counter

from contact_sync.simulator.salesforce.disturbances import Disturbances
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load
from contact_sync_tests.pipeline.simulator.test_bulk_ingest import results

KEY = {"externalIdFieldName": "Contact_Sync_Key__c"}
LOCKED = "UNABLE_TO_LOCK_ROW"


def refused(client: Client, job: dict[str, object]) -> dict[str, str]:
    """Last name of each refused row -> its code."""
    return {row["LastName"]: row["sf__Error"].partition(":")[0] for row in results(client, job, "failedResults")}


def accounts(client: Client, *keys: str) -> None:
    """Accounts with these external ids."""
    client.ingest("Account", "insert", "Name,Contact_Sync_Key__c\n" + "".join(f"A,{key}\n" for key in keys))


def ids(instance: SalesforceInstance) -> dict[object, str]:
    """External id of each account -> its id."""
    return {one["Contact_Sync_Key__c"]: str(one["Id"]) for one in instance.store.records("Account")}


def test_rows_below_a_locked_parent_are_refused(instance: SalesforceInstance, client: Client) -> None:
    """Those that come to it, leave it or stay with it, after a short wait; their neighbours are written."""
    accounts(client, "a", "b")
    locked = ids(instance)["a"]
    rows = [{"LastName": name, "AccountId": ids(instance)[key]} for name, key in (("Leaves", "a"), ("Stays", "a"))]
    leaves, stays = load(instance, rows)
    content = (
        "Id,LastName,Account.Contact_Sync_Key__c\n"
        f"{leaves},Leaves,b\n{stays},Stays,\n{load(instance, [{'LastName': 'x'}])[0]},Comes,a\n"
        f"{load(instance, [{'LastName': 'y'}])[0]},Elsewhere,b\n"
    )
    instance.locks.patience_seconds = 0.01
    with instance.locks.held(locked):
        first = client.ingest("Contact", "update", content)
    second = client.ingest("Contact", "update", content)
    errors = [row["sf__Error"] for row in results(client, first, "failedResults")]

    assert {"Leaves": LOCKED, "Stays": LOCKED, "Comes": LOCKED} == refused(client, first)
    expected = f"{LOCKED}:unable to obtain exclusive access to this record or 1 records: {locked}:--"
    assert Counter({expected: 3}) == Counter(errors)
    assert 0 == second["numberRecordsFailed"]


def test_a_locked_record_is_refused_to_rest_as_well(instance: SalesforceInstance, client: Client) -> None:
    """Changing, deleting and collections; who lets go of the lock in time is waited for."""
    (record_id,) = load(instance, [{"LastName": "Doe"}])
    path = f"{BASE}/sobjects/Contact/{record_id}"
    records = {"records": [{"attributes": {"type": "Contact"}, "id": record_id, "Title": "CEO"}]}
    instance.locks.patience_seconds = 0.01
    with instance.locks.held(record_id):
        replies = [client.patch(path, json={"Title": "CEO"}), client.delete(path)]
        (row,) = client.patch(f"{BASE}/composite/sobjects", json=records).json()

    assert [(400, LOCKED)] * 2 == [(one.status_code, one.json()[0]["errorCode"]) for one in replies]
    assert LOCKED == row["errors"][0]["statusCode"]
    assert 204 == client.patch(path, json={"Title": "CEO"}).status_code


def test_batches_side_by_side_lock_each_other_out(instance: SalesforceInstance, client: Client) -> None:
    """Rows of one parent that are spread over batches of a job fail but for one batch; sorted by parent none does."""
    instance.org.limits.batch_rows = 2
    accounts(client, "a", "b")
    header = "Contact_Sync_Key__c,LastName,Account.Contact_Sync_Key__c\n"
    unsorted = client.ingest("Contact", "upsert", header + "1,1,a\n2,2,b\n3,3,a\n4,4,b\n5,5,a\n", **KEY)
    by_parent = client.ingest("Contact", "upsert", header + "6,6,a\n7,7,a\n8,8,b\n9,9,b\n", **KEY)

    assert {"3": LOCKED, "4": LOCKED, "5": LOCKED} == refused(client, unsorted)
    assert 0 == by_parent["numberRecordsFailed"]


def test_jobs_wait_for_each_other(instance: SalesforceInstance, client: Client) -> None:
    """Rows of one parent in two jobs at the same time are written by both, one after the other."""
    instance.locks.patience_seconds = 30
    accounts(client, "a")
    content = "LastName,Account.Contact_Sync_Key__c\n" + "Doe,a\n" * 400
    paths = []
    for _ in range(2):
        job = client.post(f"{BASE}/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()
        paths.append(f"{BASE}/jobs/ingest/{job['id']}")
        client.put(f"{paths[-1]}/batches", content=content)
    for path in paths:
        client.patch(path, json={"state": "UploadComplete"})

    assert [(400, 0)] * 2 == [
        (job["numberRecordsProcessed"], job["numberRecordsFailed"]) for job in map(client.finished, paths)
    ]


def test_chosen_rows_are_refused_so_many_times(instance: SalesforceInstance, client: Client) -> None:
    """A row with one of the keys, or every n-th of all, gets the code; when it comes again it is written."""
    disturbances: Disturbances = instance.disturbances
    disturbances.refuse_rows("CANNOT_EXECUTE_FLOW_TRIGGER", "The flow failed", keys={"b"}, times=2)
    content = "Contact_Sync_Key__c,LastName\n" + "".join(f"{key},{key}\n" for key in "abcd")
    found = [refused(client, client.ingest("Contact", "upsert", content, **KEY)) for _ in range(3)]
    disturbances.lock_rows(every=2, times=2)
    found += [refused(client, client.ingest("Contact", "upsert", content, **KEY)) for _ in range(2)]

    flow = {"b": "CANNOT_EXECUTE_FLOW_TRIGGER"}
    assert [flow, flow, {}, {"b": LOCKED, "d": LOCKED}, {}] == found


def test_the_population_is_not_disturbed(instance: SalesforceInstance) -> None:
    """Refusals and locks concern requests, not the writes by which a test or the life of an org changes records."""
    instance.disturbances.refuse_rows("UNKNOWN_EXCEPTION", "no", times=100)
    (record_id,) = load(instance, [{"LastName": "Doe"}])
    with instance.locks.held(record_id):
        (saved,) = instance.org.writer.update("Contact", [{"Id": record_id, "Title": "x"}], user_id="005")

    assert saved.error is None
