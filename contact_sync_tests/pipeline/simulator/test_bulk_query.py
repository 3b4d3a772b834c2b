"""Bulk 2.0 query jobs: counts, pages, snapshots, text that survives, and refusals."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from itertools import chain

import httpx
import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load

AWKWARD = [
    "NULL",
    "#N/A",
    "null",
    "NA",
    "007",
    'a "quoted", b',
    "line\nline",
    "line\r\nline",
    "a\u2028b",
    "😀 Łódź",
    "=1+1",
]


def rows(page: httpx.Response) -> list[dict[str, str]]:
    """The records of a result page."""
    return list(csv.DictReader(io.StringIO(page.content.decode(), newline="")))


@pytest.mark.parametrize(
    ("parameters", "sizes"),
    [({}, [100, 100, 50]), ({"maxRecords": "90"}, [90, 90, 70]), ({"maxRecords": "120"}, [100, 100, 50])],
)
def test_pages_and_counts_agree(
    instance: SalesforceInstance, client: Client, parameters: dict[str, str], sizes: list[int]
) -> None:
    """The job's count, the header of each page and its rows agree; every page has a header row; ids come once."""
    ids = load(instance, [{"LastName": f"Doe {number}"} for number in range(250)])
    job = client.bulk_query("select Id, LastName, IsDeleted from Contact")
    pages = client.pages(job, **parameters)
    found = [row["Id"] for row in chain.from_iterable(map(rows, pages))]

    assert ("JobComplete", 250, "V2Query") == (job["state"], job["numberRecordsProcessed"], job["jobType"])
    assert (
        sizes == [int(page.headers["Sforce-NumberOfRecords"]) for page in pages] == [len(rows(page)) for page in pages]
    )
    assert all(page.text.startswith('"Id","LastName","IsDeleted"\n') for page in pages)
    assert sorted(ids) == sorted(found)
    assert (1, 1) == (instance.jobs["query"], instance.requests["bulk_query_create"])


def test_a_page_can_be_read_again_after_writes(instance: SalesforceInstance, client: Client) -> None:
    """A locator gives the same rows as before, whatever was written since the job ran."""
    ids = load(instance, [{"LastName": f"Doe {number}"} for number in range(150)])
    job = client.bulk_query("select Id, LastName from Contact")
    before = client.pages(job)
    client.delete(f"{BASE}/sobjects/Contact/{ids[120]}")
    load(instance, [{"LastName": "Later"}])
    after = client.pages(job)

    assert [page.content for page in before] == [page.content for page in after]


def test_text_is_byte_exact_and_values_have_their_form(instance: SalesforceInstance, client: Client) -> None:
    """Awkward text comes out as it went in; null is empty, flags are words, times end in Z with milliseconds."""
    load(instance, [{"LastName": "Doe", "Description": text} for text in AWKWARD])
    fields = "Description, Phone, DoNotCall, SystemModstamp, Account.Name"
    (page,) = client.pages(client.bulk_query(f"select {fields} from Contact"))
    found = rows(page)

    assert AWKWARD == [row["Description"] for row in found]
    assert {("", "false", "")} == {(row["Phone"], row["DoNotCall"], row["Account.Name"]) for row in found}
    assert all(row["SystemModstamp"][10] == "T" and row["SystemModstamp"].endswith("Z") for row in found)
    assert "gzip" == page.headers["Content-Encoding"]


def test_result_pages_can_be_fetched_side_by_side(instance: SalesforceInstance, client: Client) -> None:
    """Following resultPages gives every page address, five at a time, and they hold all rows."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(620)])
    job = client.bulk_query("select Id from Contact")
    listing = client.get(f"{BASE}/jobs/query/{job['id']}/resultPages").json()
    addresses = [page["resultUrl"] for page in listing["resultPages"]]
    assert 5 == len(addresses)
    while not listing["done"]:
        listing = client.get(listing["nextRecordUrl"]).json()
        addresses += [page["resultUrl"] for page in listing["resultPages"]]

    assert 7 == len(addresses)
    assert 620 == len({row["Id"] for address in addresses for row in rows(client.get(address))})


def test_query_all_brings_deleted_records(instance: SalesforceInstance, client: Client) -> None:
    """A queryAll job has deleted records, a query job does not; an empty result still has its header."""
    (record_id,) = load(instance, [{"LastName": "Gone"}])
    client.delete(f"{BASE}/sobjects/Contact/{record_id}")
    (hidden,) = client.pages(client.bulk_query("select Id, IsDeleted from Contact"))
    (shown,) = client.pages(client.bulk_query("select Id, IsDeleted from Contact", operation="queryAll"))

    assert '"Id","IsDeleted"\n' == hidden.text
    assert [{"Id": record_id, "IsDeleted": "true"}] == rows(shown)


def test_delimiter_and_line_ending_are_as_asked(instance: SalesforceInstance, client: Client) -> None:
    """Pages are written with the delimiter and the line ending of the job."""
    load(instance, [{"LastName": "Doe"}])
    job = client.bulk_query("select LastName, Phone from Contact", columnDelimiter="TAB", lineEnding="CRLF")
    (page,) = client.pages(job)

    assert '"LastName"\t"Phone"\r\n"Doe"\t""\r\n' == page.text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("select Id from Nothing", "INVALID_TYPE"),
        ("select Id from Organization", "INVALIDENTITY"),
        ("select MailingAddress from Contact", "FUNCTIONALITY_NOT_ENABLED"),
        ("select count() from Contact", "API_ERROR"),
        ("select Id from Contact limit 1 offset 1", "API_ERROR"),
        ("select Id from Contact where", "MALFORMED_QUERY"),
        ("select Nothing from Contact", "INVALID_FIELD"),
    ],
)
def test_what_bulk_cannot_do_is_refused(shared_client: Client, query: str, code: str) -> None:
    """A query that Bulk does not support is refused when the job is created."""
    reply = shared_client.post(f"{BASE}/jobs/query", json={"operation": "query", "query": query})

    assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])


def test_a_job_belongs_to_its_version_and_can_be_deleted(client: Client) -> None:
    """Results under another version are a conflict; a deleted job is not found; an ended job cannot be aborted."""
    job = client.bulk_query("select Id from Contact")
    path = f"{BASE}/jobs/query/{job['id']}"

    assert httpx.codes.CONFLICT == client.get(path.replace("v62", "v61") + "/results").status_code
    assert "INVALIDJOBSTATE" == client.patch(path, json={"state": "Aborted"}).json()[0]["errorCode"]
    assert [job["id"]] == [one["id"] for one in client.get(f"{BASE}/jobs/query").json()["records"]]
    assert httpx.codes.NO_CONTENT == client.delete(path).status_code
    assert httpx.codes.NOT_FOUND == client.get(path).status_code


@pytest.mark.parametrize("limit", ["bulk_query_jobs", "bulk_query_megabytes"])
def test_jobs_of_a_day_are_limited(
    clocked_instance: SalesforceInstance, clocked_client: Client, moment: list[datetime], limit: str
) -> None:
    """A job above the number of jobs, or of megabytes of results, is refused until a day has gone by."""
    asked = {"operation": "query", "query": "select Id, Description from Contact"}
    load(clocked_instance, [{"LastName": "Doe", "Description": "x" * 30_000}] * 40)
    setattr(clocked_instance.org.limits, limit, 1)
    clocked_client.bulk_query(asked["query"])
    reply = clocked_client.post(f"{BASE}/jobs/query", json=asked)
    moment[0] += timedelta(days=1)
    later = clocked_client.post(f"{BASE}/jobs/query", json=asked)

    assert (400, "LIMIT_EXCEEDED") == (reply.status_code, reply.json()[0]["errorCode"])
    assert 200 == later.status_code


@pytest.mark.parametrize(
    ("clause", "is_supported"),
    [("", True), (" where DoNotCall = false", True), (" order by Id", False), (" limit 9", False)],
)
def test_order_and_limit_switch_chunking_off(shared_client: Client, clause: str, is_supported: bool) -> None:
    """A job says whether the org could have cut it by primary key."""
    job = shared_client.bulk_query(f"select Id from Contact{clause}")

    assert is_supported is job["isPkChunkingSupported"]


def test_addresses_of_pages_can_be_switched_off(instance: SalesforceInstance, client: Client) -> None:
    """An org that knows no resultPages answers 404, and still serves the pages one after another."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(150)])
    instance.org.limits.result_pages = False
    job = client.bulk_query("select Id from Contact")

    assert 404 == client.get(f"{BASE}/jobs/query/{job['id']}/resultPages").status_code
    assert [100, 50] == [len(rows(page)) for page in client.pages(job)]


def test_jobs_are_forgotten_after_seven_days(moment: list[datetime], clocked_client: Client) -> None:
    """By the org's clock: the job, its result and its place in the list are gone; a younger job stays."""
    old = clocked_client.bulk_query("select Id from Contact")
    loaded = clocked_client.ingest("Contact", "insert", "LastName\nDoe\n")
    moment[0] += timedelta(days=3)
    young = clocked_client.bulk_query("select Id from Contact")
    moment[0] += timedelta(days=4, seconds=1)
    paths = (
        f"query/{old['id']}",
        f"query/{old['id']}/results",
        f"ingest/{loaded['id']}",
        f"query/{young['id']}/results",
    )
    statuses = [clocked_client.get(f"{BASE}/jobs/{path}").status_code for path in paths]
    listed = [one["id"] for one in clocked_client.get(f"{BASE}/jobs/query").json()["records"]]

    assert [404, 404, 404, 200] == statuses
    assert [young["id"]] == listed


def test_a_job_that_fails_half_way_gives_nothing(instance: SalesforceInstance, client: Client) -> None:
    """It says how far it came and why it failed; none of its pages is to be had."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(250)])
    instance.disturbances.fail_job("InternalServerError : planned", after_rows=120)
    job = client.bulk_query("select Id from Contact")
    path = f"{BASE}/jobs/query/{job['id']}"
    page = client.get(f"{path}/results")

    assert ("Failed", 120, "InternalServerError : planned") == (
        job["state"],
        job["numberRecordsProcessed"],
        job["errorMessage"],
    )
    assert (204, b"") == (page.status_code, page.content)
    assert "INVALIDJOBSTATE" == client.get(f"{path}/resultPages").json()[0]["errorCode"]


@pytest.mark.parametrize(("interruptions", "state", "retries"), [(0, "JobComplete", 0), (3, "JobComplete", 3)])
def test_an_org_repeats_attempts(
    instance: SalesforceInstance, client: Client, interruptions: int, state: str, retries: int
) -> None:
    """What is interrupted is done again by the org, which counts that; the result is whole."""
    load(instance, [{"LastName": "Doe"}] * 5)
    instance.disturbances.interrupt_job(times=interruptions)
    job = client.bulk_query("select Id from Contact")

    assert (state, retries, 5) == (job["state"], job["retries"], job["numberRecordsProcessed"])


def test_an_org_gives_up_after_fifteen_repetitions(instance: SalesforceInstance, client: Client) -> None:
    """A job that takes too long each time fails, and advises to filter more."""
    load(instance, [{"LastName": "Doe"}] * 5)
    instance.org.limits.rows_in_time = 4
    job = client.bulk_query("select Id from Contact")

    assert ("Failed", 15) == (job["state"], job["retries"])
    assert "Retried more than fifteen times" in job["errorMessage"]


def test_a_job_says_how_long_it_has_been_worked_on(
    clocked_instance: SalesforceInstance, clocked_client: Client, moment: list[datetime]
) -> None:
    """The time is real and stands still when the job has ended; when that was is told by the org's clock."""
    load(clocked_instance, [{"LastName": f"Doe {number}"} for number in range(2_000)])
    clocked_instance.disturbances.stick_job()
    stuck = clocked_client.post(
        f"{BASE}/jobs/query", json={"operation": "query", "query": "select Id from Contact"}
    ).json()
    done = clocked_client.bulk_query("select Id, Name, LastName from Contact")
    moment[0] += timedelta(hours=1)
    clocked_client.patch(f"{BASE}/jobs/query/{stuck['id']}", json={"state": "Aborted"})
    again, aborted = (clocked_client.get(f"{BASE}/jobs/query/{one['id']}").json() for one in (done, stuck))

    assert 0 < done["totalProcessingTime"] == again["totalProcessingTime"] <= aborted["totalProcessingTime"]
    assert "2026-11-20T12:00:00.000+0000" == again["systemModstamp"] == aborted["createdDate"]
    assert "2026-11-20T13:00:00.000+0000" == aborted["systemModstamp"]
