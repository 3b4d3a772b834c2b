"""Writing to an org by ingest jobs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pyarrow as pa
import pytest

from contact_sync.connectors.salesforce.ingest import split_errors
from contact_sync.connectors.target import CLEAR, JobState, JobStatus, Operation
from contact_sync.errors import RequestRefusedError, SourceUnreachableError
from contact_sync_tests.unit.connectors.scripted_org import URL, FakeTime, Org, csv_bytes, problem

if TYPE_CHECKING:
    from contact_sync.connectors.salesforce import SalesforceTarget

JOB = "/jobs/ingest/750B"
KEY = "Contact_Sync_Key__c"
ROWS = pa.table({KEY: ["k1", "k2"], "Phone": [None, CLEAR], "Description": ['a\r\n"b",c', "NULL"]})


def body(content: bytes) -> httpx.Response:
    """A result file."""
    return httpx.Response(200, content=content)


@pytest.fixture(autouse=True)
def _job(org: Org) -> None:
    org.on("POST /jobs/ingest", {"id": "750B", "state": "Open"})
    org.on(f"GET {JOB}", {"id": "750B", "state": "Open"})
    org.on(f"PUT {JOB}/batches", lambda _: httpx.Response(201))
    org.on(f"PATCH {JOB}", {"id": "750B", "state": "UploadComplete"})


def test_a_job_says_what_will_be_uploaded(org: Org, target: SalesforceTarget) -> None:
    """Object, operation, external id, and the line ends that will be written are all said."""
    assert "750B" == target.create_job("Contact", Operation.UPSERT, key=KEY)

    expected = {
        "object": "Contact",
        "operation": "upsert",
        "externalIdFieldName": KEY,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    assert expected == json.loads(org.requests[-1].content)


def test_a_job_whose_creation_was_not_answered_is_aborted(org: Org, target: SalesforceTarget) -> None:
    """It may be there, open, with a time of creation in whole seconds; only such a job of ours is given up."""
    date = {"Date": "Thu, 26 Nov 2026 12:00:00 GMT"}
    token = {"access_token": "token", "instance_url": URL, "id": f"{URL}/id/00D/005A"}
    org.fail("POST /services/oauth2/token", lambda _: httpx.Response(200, json=token, headers=date))
    assert "005A" == target.user_id()
    org.fail("POST /jobs/ingest", lambda _: httpx.Response(502))
    ours = {"object": "Contact", "operation": "update", "state": "Open", "createdById": "005A"}
    ours["createdDate"] = "2026-11-26T12:00:00.000+0000"
    jobs = [
        {**ours, "id": "750A"},
        {**ours, "id": "750X", "createdById": "005Z"},
        {**ours, "id": "750Y", "createdDate": "2026-11-26T11:59:59.000+0000"},
        {**ours, "id": "750Z", "operation": "insert"},
    ]
    org.on("GET /jobs/ingest", {"done": True, "nextRecordsUrl": None, "records": jobs})
    org.on("PATCH /jobs/ingest/750A", {"state": "Aborted"})

    assert "750B" == target.create_job("Contact", Operation.UPDATE, key="Id")
    assert (2, 1) == (org.count("POST /jobs/ingest"), org.count("PATCH /jobs/ingest/750A"))


def test_only_an_upsert_has_an_external_id(org: Org, target: SalesforceTarget) -> None:
    """An update finds its records by Id and must not name an external id."""
    target.create_job("Contact", Operation.UPDATE, key="Id")

    assert "externalIdFieldName" not in json.loads(org.requests[-1].content)


def test_an_upload_is_one_put_and_then_the_start(org: Org, target: SalesforceTarget) -> None:
    """Null leaves a field alone, CLEAR empties it, all other text is sent as it is, line breaks included."""
    target.upload("750B", ROWS)

    put, patch = org.requests[-2:]
    expected = f'"{KEY}","Phone","Description"\n"k1",,"a\r\n""b"",c"\n"k2","#N/A","NULL"\n'
    assert expected.encode() == put.content
    assert str(len(put.content)) == put.headers["Content-Length"]
    assert {"state": "UploadComplete"} == json.loads(patch.content)


def test_too_large_an_upload_is_refused_before_it_is_sent(org: Org, target: SalesforceTarget) -> None:
    """The error tells the size and what to do; nothing is sent."""
    rows = pa.table({KEY: ["k"], "Description": ["x" * 10_000]})

    with pytest.raises(RequestRefusedError, match=r"10,0\d\d bytes.*fewer rows") as raised:
        target.upload("750B", rows)

    assert "UPLOAD_TOO_LARGE" == raised.value.code
    assert 0 == org.count(f"PUT {JOB}/batches")


def test_an_upload_with_unknown_outcome_does_not_start_the_job(org: Org, target: SalesforceTarget) -> None:
    """If the PUT may or may not have arrived, it is neither repeated nor is the job started."""
    org.fail(f"PUT {JOB}/batches", lambda _: httpx.Response(503))

    with pytest.raises(SourceUnreachableError):
        target.upload("750B", ROWS)

    assert (1, 0) == (org.count(f"PUT {JOB}/batches"), org.count(f"PATCH {JOB}"))


@pytest.mark.parametrize(("state", "starts"), [("Open", 2), ("InProgress", 1)])
def test_a_start_with_unknown_outcome_is_repeated_only_while_the_job_is_open(
    org: Org, target: SalesforceTarget, state: str, starts: int
) -> None:
    """A lost reply to the start is cleared up by asking the job."""
    org.fail(f"PATCH {JOB}", lambda _: httpx.Response(502))
    org.on(f"GET {JOB}", {"state": state})

    target.upload("750B", ROWS)

    assert starts == org.count(f"PATCH {JOB}")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Open", JobState.OPEN),
        ("UploadComplete", JobState.RUNNING),
        ("InProgress", JobState.RUNNING),
        ("JobComplete", JobState.FINISHED),
        ("Failed", JobState.FAILED),
        ("Aborted", JobState.ABORTED),
    ],
)
def test_states_of_a_job(org: Org, target: SalesforceTarget, state: str, expected: JobState) -> None:
    """Every state of Salesforce has a meaning here."""
    org.on(f"GET {JOB}", {"state": state})

    assert expected is target.job_status("750B").state


def test_a_failed_job_tells_why(org: Org, target: SalesforceTarget) -> None:
    """The code, what it had done before, and whether the same rows in another job could fare better."""
    job = {"state": "Failed", "numberRecordsProcessed": 3, "numberRecordsFailed": 1}
    org.on(f"GET {JOB}", {**job, "errorMessage": "InvalidBatch : Field name not found : Jane"})
    assert JobStatus(
        state=JobState.FAILED, code="InvalidBatch", is_hopeless=True, processed=3, refused=1
    ) == target.job_status("750B")

    org.on(f"GET {JOB}", {**job, "errorMessage": "InternalServerError : Retried more than fifteen times"})
    assert ("JOB_RETRIED", False) == (target.job_status("750B").code, target.job_status("750B").is_hopeless)


def test_a_state_that_is_not_known_is_an_error(org: Org, target: SalesforceTarget) -> None:
    """A new state is not taken for any of the known ones."""
    org.on(f"GET {JOB}", {"state": "Paused"})

    with pytest.raises(RequestRefusedError, match=r"750B.*Paused"):
        target.job_status("750B")


def test_a_job_that_is_gone_is_told_apart(org: Org, target: SalesforceTarget) -> None:
    """A forgotten job has a code of its own."""
    org.on(f"GET {JOB}", lambda _: problem(404, "NOT_FOUND"))

    with pytest.raises(RequestRefusedError) as raised:
        target.job_status("750B")

    assert "JOB_GONE" == raised.value.code


def test_waiting_ends_with_the_job(org: Org, target: SalesforceTarget) -> None:
    """Waiting returns the state in which the job ended."""
    org.on(f"GET {JOB}", {"state": "JobComplete"})
    org.fail(f"GET {JOB}", *[lambda _: httpx.Response(200, json={"state": "InProgress"})] * 3)

    assert JobState.FINISHED is target.wait("750B", timeout_seconds=60).state
    assert 4 == org.count(f"GET {JOB}")


def test_waiting_ends_with_the_time(org: Org, target: SalesforceTarget, fake_time: FakeTime) -> None:
    """When the time is up the job is said to be running, and nothing is done to it."""
    org.on(f"GET {JOB}", {"state": "InProgress"})

    assert JobState.RUNNING is target.wait("750B", timeout_seconds=60).state
    assert pytest.approx(60) == fake_time.seconds


def test_a_job_is_aborted(org: Org, target: SalesforceTarget) -> None:
    """Giving up is one request."""
    target.abort("750B")

    assert {"state": "Aborted"} == json.loads(org.requests[-1].content)


def offer_results(org: Org, written: bytes, refused: bytes, unprocessed: bytes) -> None:
    """Give the job its three result files."""
    org.on(f"GET {JOB}/successfulResults", lambda _: body(written))
    org.on(f"GET {JOB}/failedResults", lambda _: body(refused))
    org.on(f"GET {JOB}/unprocessedrecords", lambda _: body(unprocessed))


def test_results_are_joined_by_key(org: Org, target: SalesforceTarget) -> None:
    """Each row sent has one result, found by its key although columns and rows come in any order."""
    error = "DUPLICATE_VALUE:duplicate value found:\nPhone duplicates: 003X:--"
    offer_results(
        org,
        csv_bytes([("sf__Id", "sf__Created", "Phone", KEY), ("003B", "false", "", "k2"), ("003A", "true", "1", "k1")]),
        csv_bytes([("sf__Id", "sf__Error", KEY, "Phone"), ("", error, "k3", "a\nb")]),
        csv_bytes([("Phone", KEY), ("", "k4")]),
    )

    results = pa.concat_tables(target.results("750B", key=KEY)).sort_by("key")

    assert [
        ("k1", "003A", True, None, None),
        ("k2", "003B", False, None, None),
        ("k3", None, False, "DUPLICATE_VALUE", "duplicate value found:\nPhone duplicates: 003X"),
        ("k4", None, False, None, None),
    ] == [tuple(row.values()) for row in results.to_pylist()]


def test_a_job_without_results_has_none(org: Org, target: SalesforceTarget) -> None:
    """Empty result files are no rows."""
    offer_results(org, b"", csv_bytes([("sf__Id", "sf__Error", KEY)]), b"")

    assert [0, 0, 0] == [table.num_rows for table in target.results("750B", key=KEY)]


def test_results_without_the_key_are_an_error(org: Org, target: SalesforceTarget) -> None:
    """Results that cannot be joined are not taken for unprocessed rows."""
    offer_results(org, csv_bytes([("sf__Id", "sf__Created"), ("003A", "true")]), b"", b"")

    with pytest.raises(RequestRefusedError, match=f"successfulResults of job 750B.*{KEY}"):
        list(target.results("750B", key=KEY))


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
        ),
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--",
            "UNABLE_TO_LOCK_ROW",
            "unable to obtain exclusive access",
        ),
        ("STRING_TOO_LONG:too long: a:b:City, Phone --", "STRING_TOO_LONG", "too long: a:b"),
        ("something else", "UNKNOWN", "something else"),
        (
            "INVALID_FIELD:Foreign key external ID: a:b\nc not found for field Key__c in entity Account:Key__c --",
            "PARENT_NOT_FOUND",
            "The org has no record with the External ID by which this row names its parent.",
        ),
        (
            "INVALID_FIELD:No such column 'X' on entity 'Contact':--",
            "INVALID_FIELD",
            "No such column 'X' on entity 'Contact'",
        ),
        (
            "STRING_TOO_LONG:Foreign key external ID: a not found for field Key__c in entity Account:--",
            "STRING_TOO_LONG",
            "Foreign key external ID: a not found for field Key__c in entity Account",
        ),
    ],
)
def test_row_errors_are_split(text: str, code: str, message: str) -> None:
    """Code and message are told apart; the list of fields at the end is dropped."""
    codes, messages = split_errors(pa.chunked_array([[text]]))

    assert ([code], [message]) == (codes.to_pylist(), messages.to_pylist())


def test_live_records_are_counted(org: Org, target: SalesforceTarget) -> None:
    """Deleted records do not count."""
    org.on("GET /query", {"totalSize": 7, "done": True, "records": []})

    assert 7 == target.count("Contact")

    assert "SELECT count() FROM Contact" == org.requests[-1].url.params["q"]


@pytest.mark.parametrize("text", ["x" * 90, '"' * 45, "é" * 45])
def test_a_job_takes_as_many_rows_as_fit_into_its_file(org: Org, target: SalesforceTarget, text: str) -> None:
    """The file of that many rows is within the limit, and one row more would not be; quotes count twice."""
    rows = pa.table({KEY: [f"k{number:03}" for number in range(300)], "Description": [text] * 300})

    count = target.rows_that_fit(rows)
    target.upload("750B", rows.slice(0, count))
    with pytest.raises(RequestRefusedError, match=r"10,[01]\d\d bytes"):
        target.upload("750B", rows.slice(0, count + 1))

    assert 10_000 - 105 < len(next(one.content for one in org.requests if one.method == "PUT")) <= 10_000
    assert 3 == target.rows_that_fit(rows.slice(0, 3))
