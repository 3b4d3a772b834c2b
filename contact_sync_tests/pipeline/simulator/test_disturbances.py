"""Jobs fail where that is planned, and only there."""

from __future__ import annotations

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client


def test_a_job_fails_with_its_message(instance: SalesforceInstance, client: Client) -> None:
    """A planned failure ends the next query job and the next ingest job as Failed; nothing is written."""
    instance.disturbances.fail_job("InternalServerError : planned", times=2)
    query = client.bulk_query("select Id from Contact")
    ingest = client.ingest("Contact", "insert", "LastName\nDoe\n")

    assert [("Failed", "InternalServerError : planned")] * 2 == [
        (one["state"], one["errorMessage"]) for one in (query, ingest)
    ]
    assert 0 == instance.store.count("Contact")
    assert "JobComplete" == client.bulk_query("select Id from Contact")["state"]


def test_an_ingest_job_fails_half_way(instance: SalesforceInstance, client: Client) -> None:
    """What it has done stays done; the rest is unprocessed."""
    instance.disturbances.fail_job("InternalServerError : planned", after_rows=2)
    job = client.ingest("Contact", "insert", "LastName\nA\nB\nC\n")
    files = {
        name: client.get(f"{BASE}/jobs/ingest/{job['id']}/{name}").text.splitlines()[1:]
        for name in ("successfulResults", "failedResults", "unprocessedrecords")
    }

    assert ("Failed", 2, 2) == (job["state"], job["numberRecordsProcessed"], instance.store.count("Contact"))
    assert [2, 0, 1] == [len(lines) for lines in files.values()]
    assert ['"C"'] == files["unprocessedrecords"]
