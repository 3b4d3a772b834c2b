"""Bulk 2.0 ingest jobs: life cycle, outcomes by row, three states of a cell, and uploads that fail a job."""

from __future__ import annotations

import csv
import io
import socket
from pathlib import Path

import httpx
import pytest

from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, client_of_org_with, load


def results(client: Client, job: dict[str, object], listing: str) -> list[dict[str, str]]:
    """The rows of a result file of a job."""
    reply = client.get(f"{BASE}/jobs/ingest/{job['id']}/{listing}")
    assert httpx.codes.OK == reply.status_code
    return list(csv.DictReader(io.StringIO(reply.content.decode(), newline="")))


def test_every_row_ends_in_exactly_one_result(client: Client) -> None:
    """Sent = successful + failed + unprocessed, with ids and codes, and the job completes although rows failed."""
    content = "LastName,Email,Contact_Sync_Key__c\nA,,1\n,,2\nC,bad,3\nD,d@example.com,1\n"
    job = client.ingest("Contact", "insert", content)
    successful, failed = results(client, job, "successfulResults"), results(client, job, "failedResults/")

    assert ("JobComplete", 4, 3) == (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"])
    assert [("A", "true")] == [(row["LastName"], row["sf__Created"]) for row in successful]
    assert {"2": "REQUIRED_FIELD_MISSING", "3": "INVALID_EMAIL_ADDRESS", "1": "DUPLICATE_VALUE"} == {
        row["Contact_Sync_Key__c"]: row["sf__Error"].partition(":")[0] for row in failed
    }
    assert [] == results(client, job, "unprocessedrecords") == results(client, job, "UNPROCESSEDRECORDS/")


def test_empty_stays_not_available_clears(instance: SalesforceInstance, client: Client) -> None:
    """In an update an empty cell leaves the field alone and #N/A clears it."""
    (record_id,) = load(instance, [{"LastName": "Doe", "Phone": "1", "Title": "CEO", "Department": "IT"}])
    job = client.ingest("Contact", "update", f"Id,Phone,Title,Department\n{record_id},,#N/A,R&D\n")
    record = instance.store.record("Contact", record_id)

    assert 0 == job["numberRecordsFailed"]
    assert record is not None
    assert ("1", None, "R&D") == (record["Phone"], record["Title"], record["Department"])


def test_upsert_by_external_id_with_a_parent(instance: SalesforceInstance, client: Client) -> None:
    """Upsert creates and changes by external id, finds parents by theirs, and refuses repeated keys."""
    client.ingest("Account", "insert", "Name,Contact_Sync_Key__c\nAcme,acme\n")
    header = "Contact_Sync_Key__c,LastName,Account.Contact_Sync_Key__c,Id\n"
    options = {"externalIdFieldName": "Contact_Sync_Key__c"}
    first = client.ingest("Contact", "upsert", header + "a,A,acme,\nb,B,nobody,\nc,C,,\nc,C,,\n,D,,\n", **options)
    second = client.ingest("Contact", "upsert", header + "a,Anders,#N/A,\n", **options)
    codes = sorted(row["sf__Error"].partition(":")[0] for row in results(client, first, "failedResults"))
    (changed,) = results(client, second, "successfulResults")

    assert ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "INVALID_FIELD", "MISSING_ARGUMENT"] == codes
    assert "false" == changed["sf__Created"]
    assert [("Anders", None)] == [(one["LastName"], one["AccountId"]) for one in instance.store.records("Contact")]


def test_delete_by_id(instance: SalesforceInstance, client: Client) -> None:
    """Deleted records go to the recycle bin; a second delete is refused."""
    (record_id,) = load(instance, [{"LastName": "Doe"}])
    first, second = (client.ingest("Contact", "delete", f"Id\n{record_id}\n") for _ in range(2))

    assert (0, 1) == (first["numberRecordsFailed"], second["numberRecordsFailed"])
    assert (0, 1) == (instance.store.count("Contact"), instance.store.count("Contact", "IsDeleted = 1"))


def test_results_are_not_in_the_order_sent(client: Client) -> None:
    """Clients cannot rely on the order of results."""
    names = [f"Doe {number:03d}" for number in range(100)]
    job = client.ingest("Contact", "insert", "LastName\n" + "\n".join(names))
    found = [row["LastName"] for row in results(client, job, "successfulResults")]

    assert names != found
    assert names == sorted(found)


def test_more_rows_than_a_chunk_keep_their_neighbours(instance: SalesforceInstance, client: Client) -> None:
    """One bad row among a thousand fails alone, and rows of one chunk share a time stamp."""
    cells = [f"Doe {number}" for number in range(1_000)]
    cells[500] = "#N/A"
    job = client.ingest("Contact", "insert", "LastName,Title\n" + "\n".join(f"{cell},x" for cell in cells))

    assert (1_000, 1) == (job["numberRecordsProcessed"], job["numberRecordsFailed"])
    assert 999 == instance.store.count("Contact")


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("LastName,Nothing\nA,b\n", {}, "Field name not found : Nothing"),
        ("LastName\r\nA\r\n", {"lineEnding": "LF"}, "LineEnding is invalid"),
        ("LastName\nA\n", {"lineEnding": "CRLF"}, "LineEnding is invalid"),
    ],
)
def test_an_unreadable_upload_fails_the_job(
    shared_client: Client, content: str, options: dict[str, str], message: str
) -> None:
    """The job ends as Failed with the reason, nothing is written, and results are empty."""
    job = shared_client.ingest("Contact", "insert", content, **options)

    assert "Failed" == job["state"]
    assert message in str(job["errorMessage"])
    assert [] == results(shared_client, job, "successfulResults")


def test_a_job_takes_one_upload_and_can_be_aborted(client: Client) -> None:
    """A second upload, closing without data and changes after the end are refused; an aborted job writes nothing."""
    job = client.post(f"{BASE}/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()
    path = f"{BASE}/jobs/ingest/{job['id']}"
    early = client.patch(path, json={"state": "UploadComplete"})
    uploads = [client.put(f"/{job['contentUrl']}/", content="LastName\nA\n").status_code for _ in range(2)]
    aborted = client.patch(path, json={"state": "Aborted"}).json()
    late = client.patch(path, json={"state": "UploadComplete"})

    assert ("Open", 400, [201, 400], "Aborted", 400) == (
        job["state"],
        early.status_code,
        uploads,
        aborted["state"],
        late.status_code,
    )


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"object": "Nothing", "operation": "insert"}, "INVALID_TYPE"),
        ({"object": "Contact", "operation": "erase"}, "INVALIDOPERATION"),
        ({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Email"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "insert", "lineEnding": "CR"}, "INVALID_REQUEST"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(shared_client: Client, asked: dict[str, str], code: str) -> None:
    """Objects, operations, keys and formats are checked when the job is created."""
    reply = shared_client.post(f"{BASE}/jobs/ingest", json=asked)

    assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])


def test_a_failed_job_leaves_the_rest_unprocessed(instance: SalesforceInstance, client: Client) -> None:
    """What was done before is in the results, and every other row is unprocessed, whatever batch it is in."""
    instance.org.limits.batch_rows = 3
    instance.disturbances.fail_job("InternalServerError : Retried more than twenty times", after_rows=4)
    names = [f"Doe {number}" for number in range(8)]
    job = client.ingest("Contact", "insert", "LastName\n" + "\n".join(names))
    done, left = results(client, job, "successfulResults"), results(client, job, "unprocessedrecords")

    assert ("Failed", 4) == (job["state"], job["numberRecordsProcessed"])
    assert "InternalServerError : Retried more than twenty times" == job["errorMessage"]
    assert (4, 4) == (len(done), len(left))
    assert names == sorted(row["LastName"] for row in [*done, *left])
    assert 4 == instance.store.count("Contact")


def test_a_job_that_never_ends_is_aborted(instance: SalesforceInstance, client: Client) -> None:
    """It stays InProgress; after the abort all its rows are unprocessed."""
    instance.disturbances.stick_job()
    path = (
        f"{BASE}/jobs/ingest/"
        + client.post(f"{BASE}/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()["id"]
    )
    client.put(f"{path}/batches", content="LastName\nA\nB\n")
    client.patch(path, json={"state": "UploadComplete"})
    while (state := client.get(path).json()["state"]) == "UploadComplete":
        pass
    client.patch(path, json={"state": "Aborted"})
    job = client.finished(path)

    assert ("InProgress", "Aborted", 0) == (state, job["state"], job["numberRecordsProcessed"])
    assert ["A", "B"] == [row["LastName"] for row in results(client, job, "unprocessedrecords")]
    assert 0 == instance.store.count("Contact")


def test_a_small_job_comes_in_one_request(instance: SalesforceInstance, client: Client) -> None:
    """Job and content are parts of one request, whose text is taken as it is; the job is closed at once."""
    parts = [
        b'--XX\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n',
        b'{"object": "Contact", "operation": "insert", "lineEnding": "LF", "assignmentRuleId": "01Q000000000001"}\r\n',
        b'--XX\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name="content"; filename="content"\r\n\r\n',
        'LastName,Description\nA,"one\r\ntwo ☃"\n'.encode(),
        b"\r\n--XX--\r\n",
    ]
    headers = {"Content-Type": 'multipart/form-data; boundary="XX"'}
    made = client.post(f"{BASE}/jobs/ingest", content=b"".join(parts), headers=headers).json()
    job = client.finished(f"{BASE}/jobs/ingest/{made['id']}")

    assert ("UploadComplete", "01Q000000000001") == (made["state"], made["assignmentRuleId"])
    assert ("JobComplete", 0) == (job["state"], job["numberRecordsFailed"])
    assert ["one\r\ntwo ☃"] == [one["Description"] for one in instance.store.records("Contact")]


def test_a_large_job_does_not_come_in_one_request(shared_client: Client) -> None:
    """More than 100,000 characters have to be uploaded on their own."""
    head = b'--X\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    job = b'{"object": "Contact", "operation": "insert"}'
    body = head % (b"job", job) + head % (b"content", b"LastName\n" + b"A\n" * 50_000) + b"--X--"
    reply = shared_client.post(
        f"{BASE}/jobs/ingest", content=body, headers={"Content-Type": "multipart/form-data; boundary=X"}
    )

    assert (400, "INVALID_REQUEST") == (reply.status_code, reply.json()[0]["errorCode"])


def test_an_upload_has_a_limit(instance: SalesforceInstance, client: Client) -> None:
    """It counts after an encoding that adds a third: of 150 MB a client can use 112."""
    instance.org.limits.upload_bytes = 16
    path = (
        f"{BASE}/jobs/ingest/"
        + client.post(f"{BASE}/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()["id"]
    )
    statuses = [
        client.put(f"{path}/batches", content=content).status_code for content in ("LastName\nABCD", "LastName\nABC")
    ]

    assert [413, 201] == statuses


def test_an_upload_that_breaks_off_has_no_effect(client: Client) -> None:
    """Of a client that dies in the middle of it the job is open still, and takes another upload."""
    path = (
        f"{BASE}/jobs/ingest/"
        + client.post(f"{BASE}/jobs/ingest", json={"object": "Contact", "operation": "insert"}).json()["id"]
    )
    head = f"PUT {path}/batches HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
    with socket.create_connection((client.base_url.host, int(client.base_url.port or 0))) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\nLastName\nA\n".encode())

    assert "Open" == client.get(path).json()["state"]
    assert 400 == client.patch(path, json={"state": "UploadComplete"}).status_code
    assert 201 == client.put(f"{path}/batches", content="LastName\nA\n").status_code


@pytest.mark.parametrize("may", [True, False])
def test_deleting_for_good_needs_a_permission(tmp_path: Path, may: bool) -> None:
    """hardDelete leaves nothing in the recycle bin; getDeleted still tells it."""
    with client_of_org_with(Features(hard_delete=may), tmp_path) as client:
        record_id = client.post(f"{BASE}/sobjects/Contact", json={"LastName": "A"}).json()["id"]
        asked = {"object": "Contact", "operation": "hardDelete"}
        if may:
            job = client.ingest("Contact", "hardDelete", f"Id\n{record_id}\n")
            found = client.get(f"{BASE}/queryAll", params={"q": "select Id from Contact"}).json()

            assert (0, 0) == (job["numberRecordsFailed"], found["totalSize"])
        else:
            reply = client.post(f"{BASE}/jobs/ingest", json=asked)

            assert (400, "FEATURENOTENABLED") == (reply.status_code, reply.json()[0]["errorCode"])
