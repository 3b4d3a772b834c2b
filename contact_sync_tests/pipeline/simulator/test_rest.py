"""The REST API: describe, single records, queries and pages, replication."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load

CONTACT_FIELDS = [
    "Id",
    "IsDeleted",
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
    "OwnerId",
    "MasterRecordId",
    "AccountId",
    "LastName",
    "FirstName",
    "Salutation",
    "Name",
    "MailingStreet",
    "MailingCity",
    "MailingState",
    "MailingPostalCode",
    "MailingCountry",
    "MailingAddress",
    "Phone",
    "MobilePhone",
    "Email",
    "Title",
    "Department",
    "LeadSource",
    "HasOptedOutOfEmail",
    "DoNotCall",
    "Description",
    "Contact_Sync_Key__c",
]


def test_describe_tells_the_agreed_fields(shared_client: Client) -> None:
    """Contact has exactly the fields of the contract, with the flags that clients go by."""
    description = shared_client.get(f"{BASE}/sobjects/Contact/describe").json()
    fields = {field["name"]: field for field in description["fields"]}

    assert set(CONTACT_FIELDS) == set(fields)
    assert "003" == description["keyPrefix"]
    key = fields["Contact_Sync_Key__c"]
    assert (64, True, True, False) == (key["length"], key["externalId"], key["unique"], key["caseSensitive"])
    assert ("address", "MailingAddress") == (
        fields["MailingAddress"]["type"],
        fields["MailingCity"]["compoundFieldName"],
    )
    assert (["Account"], "Account") == (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"])
    assert not fields["LastName"]["nillable"]
    assert not fields["SystemModstamp"]["updateable"]


def test_all_objects_are_listed(shared_client: Client) -> None:
    """The global describe lists every object, and each can be described."""
    names = [one["name"] for one in shared_client.get(f"{BASE}/sobjects/").json()["sobjects"]]

    assert {"Contact", "Account", "Lead", "Opportunity", "Case", "Task", "Event", "User", "Organization"} == set(names)
    assert all(httpx.codes.OK == shared_client.get(f"{BASE}/sobjects/{name}/describe").status_code for name in names)


def test_a_record_lives_from_create_to_delete(client: Client) -> None:
    """Create, read, change, clear, delete: each step shows in the next."""
    made = client.post(f"{BASE}/sobjects/Contact", json={"LastName": "Doe", "Phone": "1", "DoNotCall": True})
    path = f"{BASE}/sobjects/Contact/{made.json()['id']}"
    first = client.get(path).json()
    assert httpx.codes.NO_CONTENT == client.patch(path, json={"Phone": None, "FirstName": "Jo"}).status_code
    second = client.get(path, params={"fields": "Phone,Name"}).json()
    assert httpx.codes.NO_CONTENT == client.delete(path).status_code
    gone = client.get(path)

    assert (201, "1", True) == (made.status_code, first["Phone"], first["DoNotCall"])
    assert first["SystemModstamp"].endswith("+0000")
    assert (None, "Jo Doe") == (second["Phone"], second["Name"])
    assert (404, "ENTITY_IS_DELETED") == (gone.status_code, gone.json()[0]["errorCode"])


def test_upsert_by_external_id(client: Client) -> None:
    """The first call creates (201), the second changes the same record (200), which can be asked for by its key."""
    path = f"{BASE}/sobjects/Account/Contact_Sync_Key__c/k%2F1"
    made, changed = client.patch(path, json={"Name": "Acme"}), client.patch(path, json={"Industry": "Energy"})

    assert (201, 200) == (made.status_code, changed.status_code)
    assert made.json()["id"] == changed.json()["id"] == client.get(path).json()["Id"]
    assert "Energy" == client.get(path, params={"fields": "Industry"}).json()["Industry"]
    assert httpx.codes.NOT_FOUND == client.get(path.replace("k%2F1", "k2")).status_code


def test_a_refused_write_names_code_and_fields(shared_client: Client) -> None:
    """A broken row rule is a 400 with the code and the fields concerned."""
    reply = shared_client.post(f"{BASE}/sobjects/Contact", json={"FirstName": "Jo"})

    assert (400, "REQUIRED_FIELD_MISSING", ["LastName"]) == (
        reply.status_code,
        reply.json()[0]["errorCode"],
        reply.json()[0]["fields"],
    )


def test_pages_hold_every_row_once(instance: SalesforceInstance, client: Client) -> None:
    """Following nextRecordsUrl gives totalSize rows, each once, even when `q` is sent again."""
    ids = load(instance, [{"LastName": f"Doe {number}"} for number in range(450)])
    headers = {"Sforce-Query-Options": "batchSize=200"}
    query = {"q": "SELECT Id FROM Contact ORDER BY Name"}
    page = client.get(f"{BASE}/query/", params=query, headers=headers).json()
    sizes, found = [len(page["records"])], [one["Id"] for one in page["records"]]
    while not page["done"]:
        page = client.get(page["nextRecordsUrl"], params=query).json()
        sizes.append(len(page["records"]))
        found += [one["Id"] for one in page["records"]]

    assert [200, 200, 50] == sizes
    assert 450 == page["totalSize"]
    assert sorted(ids) == sorted(found)


def test_counting_and_parents(instance: SalesforceInstance, client: Client) -> None:
    """count() answers with totalSize only; a parent is a record inside the record, or null; an address an object."""
    client.post(f"{BASE}/sobjects/Account", json={"Name": "Acme", "Contact_Sync_Key__c": "a"})
    load(instance, [{"LastName": "A", "Account.Contact_Sync_Key__c": "a", "MailingCity": "Köln"}, {"LastName": "B"}])
    count = client.get(f"{BASE}/query", params={"q": "select count() from Contact"}).json()
    fields = "Account.Name, Account.Owner.Name, MailingAddress"
    first, second = client.get(f"{BASE}/query", params={"q": f"select {fields} from Contact"}).json()["records"]

    assert (2, []) == (count["totalSize"], count["records"])
    assert ("Acme", "Rep One") == (first["Account"]["Name"], first["Account"]["Owner"]["Name"]) or first["Account"][
        "Owner"
    ]
    assert ("Köln", None) == (first["MailingAddress"]["city"], second["MailingAddress"])
    assert second["Account"] is None


@pytest.mark.parametrize(
    ("query", "code"),
    [("select", "MALFORMED_QUERY"), ("select X from Contact", "INVALID_FIELD"), ("select Id from X", "INVALID_TYPE")],
)
def test_a_refused_query_is_a_400(shared_client: Client, query: str, code: str) -> None:
    """The error body is an array with the code."""
    reply = shared_client.get(f"{BASE}/query", params={"q": query})

    assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])


def test_deleted_and_updated_records_are_told(instance: SalesforceInstance, client: Client) -> None:
    """Replication calls give the ids of a span of time; queryAll shows what query hides."""
    kept, gone = load(instance, [{"LastName": "Kept"}, {"LastName": "Gone"}])
    client.delete(f"{BASE}/sobjects/Contact/{gone}")
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(minutes=5)).isoformat()}
    deleted = client.get(f"{BASE}/sobjects/Contact/deleted/", params=span).json()
    updated = client.get(f"{BASE}/sobjects/Contact/updated/", params=span).json()
    shown, hidden = (
        client.get(f"{BASE}/{verb}", params={"q": "select Id from Contact"}) for verb in ("queryAll", "query")
    )

    assert [gone] == [one["id"] for one in deleted["deletedRecords"]]
    assert [kept] == updated["ids"]
    assert updated["latestDateCovered"] >= deleted["earliestDateAvailable"]
    assert (2, 1) == (shown.json()["totalSize"], hidden.json()["totalSize"])


@pytest.mark.parametrize(
    "path", ["/nowhere", f"{BASE}/nothing", f"{BASE}/sobjects/Nothing/describe", f"{BASE}/jobs/query/750"]
)
def test_unknown_addresses_are_not_found(shared_client: Client, path: str) -> None:
    """An address that does not exist is a 404 with an error body."""
    reply = shared_client.get(path)

    assert (404, "NOT_FOUND") == (reply.status_code, reply.json()[0]["errorCode"])


def test_organization_and_users_can_be_asked_for(shared_instance: SalesforceInstance, shared_client: Client) -> None:
    """The org tells its id and that it is a sandbox; its users are there."""
    query = "SELECT Id, Name, IsSandbox, InstanceName FROM Organization"
    (organization,) = shared_client.get(f"{BASE}/query", params={"q": query}).json()["records"]
    users = shared_client.get(f"{BASE}/query", params={"q": "select Id, Username from User"}).json()["records"]

    assert (shared_instance.org.organization_id, True) == (organization["Id"], organization["IsSandbox"])
    assert set(shared_instance.org.user_ids.values()) == {user["Id"] for user in users}


def test_columns_of_a_query(shared_client: Client) -> None:
    """With columns=true a query answers with what it would select; fields of parents are below their parent."""
    asked = {"q": "SELECT Id, Account.Name, Account.Id, DoNotCall FROM Contact", "columns": "true"}
    found = shared_client.get(f"{BASE}/query", params=asked).json()

    assert "Contact" == found["entityName"]
    assert [("Id", []), ("Account", ["Name", "Id"]), ("DoNotCall", [])] == [
        (one["columnName"], [inner["columnName"] for inner in one["joinColumns"]]) for one in found["columnMetadata"]
    ]


def test_the_list_of_objects_is_sent_when_one_has_changed(
    clocked_instance: SalesforceInstance, clocked_client: Client, moment: list[datetime]
) -> None:
    """A client that knows the list gets 304 until an object changes, then the list again."""
    known = {"If-Modified-Since": clocked_client.get(f"{BASE}/sobjects").headers["Last-Modified"]}
    unchanged = clocked_client.get(f"{BASE}/sobjects", headers=known)
    moment[0] += timedelta(minutes=1)
    clocked_instance.store.schema.hide_field("Lead", "Email")
    changed = clocked_client.get(f"{BASE}/sobjects", headers=known)

    assert (304, b"") == (unchanged.status_code, unchanged.content)
    assert (200, True) == (changed.status_code, len(changed.json()["sobjects"]) > 1)


def test_a_record_is_sent_when_it_has_changed(client: Client) -> None:
    """If-Modified-Since goes by its LastModifiedDate, in whole seconds."""
    path = f"{BASE}/sobjects/Contact/{client.post(f'{BASE}/sobjects/Contact', json={'LastName': 'A'}).json()['id']}"
    now = datetime.now(UTC)
    statuses = [
        client.get(path, headers={"If-Modified-Since": format_datetime(since, usegmt=True)}).status_code
        for since in (now, now - timedelta(minutes=1))
    ]

    assert [304, 200] == statuses


def first_page(client: Client) -> str:
    """Ask for more contacts than fit a page; the address of the next one."""
    page = client.get(
        f"{BASE}/query", params={"q": "select LastName from Contact"}, headers={"Sforce-Query-Options": "batchSize=200"}
    ).json()
    return str(page["nextRecordsUrl"])


def test_cursors_are_kept_for_two_days(
    clocked_instance: SalesforceInstance, clocked_client: Client, moment: list[datetime]
) -> None:
    """By the org's clock; until then a page is as it was when the query ran, afterwards its locator is invalid."""
    ids = load(clocked_instance, [{"LastName": f"Doe {number:03}"} for number in range(250)])
    following = first_page(clocked_client)
    clocked_client.delete(f"{BASE}/sobjects/Contact/{ids[-1]}")
    moment[0] += timedelta(days=2)
    kept = clocked_client.get(following).json()
    moment[0] += timedelta(seconds=1)
    gone = clocked_client.get(following)

    assert [f"Doe {number:03}" for number in range(200, 250)] == [one["LastName"] for one in kept["records"]]
    assert (400, "INVALID_QUERY_LOCATOR") == (gone.status_code, gone.json()[0]["errorCode"])
    assert [] == list((clocked_instance.org.results.parent / "cursors").iterdir())


def test_any_number_of_cursors_can_be_open(instance: SalesforceInstance, client: Client) -> None:
    """Since API version 56.0 no new cursor costs an old one."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(201)])
    following = [first_page(client) for _ in range(30)]

    assert 30 == len(set(following))
    assert [1] * 30 == [len(client.get(one).json()["records"]) for one in following]


def test_an_org_may_send_smaller_pages(instance: SalesforceInstance, client: Client) -> None:
    """What a client asks for is a maximum."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(5)])
    instance.org.limits.query_page = 2
    page = client.get(f"{BASE}/query", params={"q": "select Id from Contact"}).json()

    assert (5, False, 2) == (page["totalSize"], page["done"], len(page["records"]))
