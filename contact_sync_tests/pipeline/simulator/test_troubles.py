"""What goes wrong on request really goes wrong on the wire, as seen by a client that hides nothing."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.troubles import TROUBLES
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load

LIMITS = f"{BASE}/limits"
QUERY = f"{BASE}/query"


@pytest.mark.parametrize("name", ["500", "502", "503", "406", "420", "429"])
def test_a_request_is_refused_once(instance: SalesforceInstance, client: Client, name: str) -> None:
    """The status is as planned, with an empty body where Salesforce sends none; the next request is answered."""
    instance.disturbances.plan("limits", TROUBLES[name])

    refused = client.get(LIMITS)

    assert TROUBLES[name].status == refused.status_code
    assert (TROUBLES[name].code is None) == (refused.content == b"")
    assert client.get(LIMITS).is_success


def test_only_the_planned_request_goes_wrong(instance: SalesforceInstance, client: Client) -> None:
    """Others of its kind before and after it are answered."""
    instance.disturbances.plan("limits", TROUBLES["503"], after=1)

    assert [200, 503, 200] == [client.get(LIMITS).status_code for _ in range(3)]


def test_a_lost_session_is_lost_for_every_request(instance: SalesforceInstance, client: Client) -> None:
    """All tokens end, not only this reply."""
    instance.disturbances.plan("limits", TROUBLES["session lost"])

    assert [401, 401] == [client.get(LIMITS).status_code for _ in range(2)]


@pytest.mark.parametrize("name", ["reset before the reply", "reset in the headers", "reset in the body"])
def test_a_connection_is_reset(instance: SalesforceInstance, client: Client, name: str) -> None:
    """The client sees a broken connection, and the request has been handled."""
    instance.disturbances.plan("limits", TROUBLES[name])

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.get(LIMITS)

    assert 1 == instance.requests["limits"]
    assert client.get(LIMITS).is_success


def test_a_reset_after_the_body_loses_nothing(instance: SalesforceInstance, client: Client) -> None:
    """The body has arrived whole; only the connection is gone, and the next request with it if it is on its way."""
    instance.disturbances.plan("limits", TROUBLES["reset after the body"])

    assert client.get(LIMITS).json()["DailyApiRequests"]
    with suppress(httpx.ReadError, httpx.RemoteProtocolError):
        client.get(LIMITS)
    assert client.get(LIMITS).is_success


def test_a_stalled_reply_ends_when_the_client_gives_up(instance: SalesforceInstance, client: Client) -> None:
    """Nothing comes until the client's own time-out."""
    instance.disturbances.plan("limits", TROUBLES["stalled"])

    with pytest.raises(httpx.ReadTimeout):
        client.get(LIMITS, timeout=0.2)

    assert client.get(LIMITS).is_success


def test_a_connection_is_closed_too_early(instance: SalesforceInstance, client: Client) -> None:
    """There is no error on the way: only the length that was announced tells that the body is not whole."""
    instance.disturbances.plan("limits", TROUBLES["closed in the body"])

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get(LIMITS)

    assert client.get(LIMITS).is_success


def test_missing_rows_are_told_by_the_count_only(instance: SalesforceInstance, client: Client) -> None:
    """A page is well-formed and lacks a record that its count still has; asked for again, it is whole."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(3)])
    job = client.bulk_query("SELECT Id FROM Contact")
    for kind in ("query", "bulk_query_results"):
        instance.disturbances.plan(kind, TROUBLES["rows missing"])

    reply = client.get(QUERY, params={"q": "SELECT Id FROM Contact"}).json()

    assert (3, 2) == (reply["totalSize"], len(reply["records"]))
    (short,), (whole,) = client.pages(job), client.pages(job)
    assert "3" == short.headers["Sforce-NumberOfRecords"] == whole.headers["Sforce-NumberOfRecords"]
    assert [2, 3] == [len(page.text.splitlines()) - 1 for page in (short, whole)]


def test_damaged_gzip_is_damaged(instance: SalesforceInstance, client: Client) -> None:
    """The body cannot be unpacked, though its framing is right."""
    instance.disturbances.plan("limits", TROUBLES["damaged gzip"])

    with client.stream("GET", LIMITS) as reply:
        raw = b"".join(reply.iter_raw())

    assert int(reply.headers["Content-Length"]) == len(raw)
    with pytest.raises((EOFError, OSError)):
        gzip.decompress(raw)


def receive(connection: socket.socket, received: bytearray) -> None:
    """Take what comes until the end."""
    while chunk := connection.recv(100):
        received += chunk


def test_headers_arrive_in_part(instance: SalesforceInstance, client: Client) -> None:
    """What a client gets before the reset is the beginning of a reply, not the end of its headers."""
    instance.disturbances.plan("limits", TROUBLES["reset in the headers"])
    request = f"GET {LIMITS} HTTP/1.1\r\nHost: org\r\nAuthorization: {client.headers['Authorization']}\r\n\r\n"
    received = bytearray()
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(request.encode())
        with pytest.raises(ConnectionResetError):
            receive(connection, received)

    assert b"HTTP/1.1 200 OK\r\nContent-Ty" == received


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("locator repeated", [0, 1, 0, 1, 2, 3]),
        ("locator skips a row", [0, 1, 3, 4]),
        ("locator unknown", [0, 1, "INVALID_QUERY_LOCATOR"]),
        ("locator missing", [0, 1]),
    ],
)
@pytest.mark.parametrize("read", ["query", "bulk"])
def test_a_locator_is_wrong(
    instance: SalesforceInstance, client: Client, read: str, name: str, expected: list[int | str]
) -> None:
    """The first of the pages of two rows says wrongly where the next one is; the others are right."""
    load(instance, [{"LastName": str(number)} for number in range(5)])
    instance.org.page_size = instance.org.limits.query_page = 2
    job = client.bulk_query("SELECT LastName FROM Contact ORDER BY LastName")
    kind = "query" if read == "query" else "bulk_query_results"
    instance.disturbances.plan(kind, TROUBLES[name])

    assert expected == [*(by_rest(client) if read == "query" else in_bulk(client, job["id"]))][: len(expected)]


def by_rest(client: Client) -> Iterator[int | str]:
    """What a client reads that follows `nextRecordsUrl`."""
    reply = client.get(QUERY, params={"q": "SELECT LastName FROM Contact ORDER BY LastName"})
    while reply.is_success:
        page = reply.json()
        yield from (int(one["LastName"]) for one in page["records"])
        if page["done"]:
            return
        reply = client.get(page["nextRecordsUrl"])
    yield str(reply.json()[0]["errorCode"])


def in_bulk(client: Client, job_id: str) -> Iterator[int | str]:
    """What a client reads that follows `Sforce-Locator`."""
    reply = client.get(f"{BASE}/jobs/query/{job_id}/results")
    while reply.is_success:
        yield from (int(line.strip('"')) for line in reply.text.splitlines()[1:])
        if reply.headers["Sforce-Locator"] == "null":
            return
        reply = client.get(f"{BASE}/jobs/query/{job_id}/results", params={"locator": reply.headers["Sforce-Locator"]})
    yield str(reply.json()[0]["errorCode"])


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("locator repeated", [2, 2, 2]),
        ("locator skips a row", [2, 2, 1]),
        ("locator unknown", [2, 2, None]),
        ("locator missing", [2, 2]),
    ],
)
def test_a_listed_address_is_wrong(
    instance: SalesforceInstance, client: Client, name: str, rows: list[int | None]
) -> None:
    """The last of three listed pages of two rows is another one, is shorter, is none, or is left out."""
    load(instance, [{"LastName": str(number)} for number in range(6)])
    instance.org.page_size = 2
    job = client.bulk_query("SELECT LastName FROM Contact")
    instance.disturbances.plan("bulk_query_result_pages", TROUBLES[name])
    listing = client.get(f"{BASE}/jobs/query/{job['id']}/resultPages").json()
    pages = [client.get(one["resultUrl"]) for one in listing["resultPages"]]

    assert rows == [int(one.headers["Sforce-NumberOfRecords"]) if one.is_success else None for one in pages]


def test_a_result_of_a_load_lacks_a_row_that_its_job_counts(instance: SalesforceInstance, client: Client) -> None:
    """Nothing but the count of the job tells; asked for again, the file is whole."""
    job = client.ingest("Account", "insert", "Name\nAcme\nBell\n")
    instance.disturbances.plan("bulk_ingest_results", TROUBLES["rows missing"])
    path = f"{BASE}/jobs/ingest/{job['id']}/successfulResults"
    files = [client.get(path).content.decode().splitlines() for _ in range(2)]

    assert (2, [2, 3]) == (job["numberRecordsProcessed"], [len(lines) for lines in files])


def test_an_org_forgets_jobs_and_cursors(instance: SalesforceInstance, client: Client) -> None:
    """All of them, with this request and for every later one."""
    load(instance, [{"LastName": str(number)} for number in range(3)])
    instance.org.limits.query_page = 2
    job = client.bulk_query("SELECT Id FROM Contact")
    loaded = client.ingest("Account", "insert", "Name\nAcme\n")
    following = client.get(QUERY, params={"q": "SELECT Id FROM Contact"}).json()["nextRecordsUrl"]
    instance.disturbances.plan("bulk_query_results", TROUBLES["jobs and cursors forgotten"])
    paths = (f"{BASE}/jobs/query/{job['id']}/results", f"{BASE}/jobs/ingest/{loaded['id']}", following)

    assert [404, 404, 400] == [client.get(path).status_code for path in paths]
    assert [] == list(instance.org.results.iterdir())


def test_a_job_is_made_that_fails(instance: SalesforceInstance, client: Client) -> None:
    """The request that makes it succeeds; the next job is well again."""
    load(instance, [{"LastName": str(number)} for number in range(3)])
    instance.disturbances.plan("bulk_query_create", TROUBLES["job fails"])
    jobs = [client.bulk_query("SELECT Id FROM Contact") for _ in range(2)]

    assert [("Failed", 1), ("JobComplete", 3)] == [(one["state"], one["numberRecordsProcessed"]) for one in jobs]


@pytest.mark.parametrize(("name", "written"), [("reset before the reply", 1), ("reset before the effect", 0)])
@pytest.mark.parametrize("kind", ["create", "insert_collection", "composite"])
def test_a_lost_answer_to_a_write(
    instance: SalesforceInstance, client: Client, kind: str, name: str, written: int
) -> None:
    """The connection is reset, and whether the record was written cannot be told from that."""
    record = {"attributes": {"type": "Contact"}, "LastName": "Doe"}
    inner = {"method": "POST", "url": f"{BASE}/sobjects/Contact", "referenceId": "a", "body": {"LastName": "Doe"}}
    path, body = {
        "create": ("/sobjects/Contact", {"LastName": "Doe"}),
        "insert_collection": ("/composite/sobjects", {"records": [record]}),
        "composite": ("/composite", {"compositeRequest": [inner]}),
    }[kind]
    instance.disturbances.plan(kind, TROUBLES[name])
    with pytest.raises(httpx.HTTPError):
        client.post(f"{BASE}{path}", json=body)

    assert written == instance.store.count("Contact")
    assert client.post(f"{BASE}{path}", json=body).is_success
    assert written + 1 == instance.store.count("Contact")


def test_a_part_of_a_composite_write_is_refused_alone(instance: SalesforceInstance, client: Client) -> None:
    """A trouble with a status strikes one subrequest, which has no effect; its neighbours have theirs."""
    asked = [
        {"method": "POST", "url": f"{BASE}/sobjects/Contact", "referenceId": name, "body": {"LastName": name}}
        for name in ("one", "two", "three")
    ]
    instance.disturbances.plan("create", TROUBLES["503"], after=1)
    found = client.post(f"{BASE}/composite", json={"compositeRequest": asked}).json()["compositeResponse"]

    assert [201, 503, 201] == [one["httpStatusCode"] for one in found]
    assert ["one", "three"] == [one["LastName"] for one in instance.store.records("Contact")]
