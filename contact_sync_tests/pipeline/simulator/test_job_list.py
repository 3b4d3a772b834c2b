"""The lists of Bulk jobs: pages of 1,000, filters, and locators that are not the org's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client

JOBS = 2_001


@pytest.fixture
def many_jobs(instance: SalesforceInstance, client: Client) -> set[str]:
    """Ids of many query jobs, beside one ingest job."""
    client.ingest("Contact", "insert", "LastName\nDoe\n")
    job = instance.org.query_jobs[client.bulk_query("select Id from Contact")["id"]]
    for _ in range(JOBS - 1):
        copy = replace(job, id=instance.org.new_job_id())
        instance.org.query_jobs[copy.id] = copy
    return set(instance.org.query_jobs)


def test_all_jobs_are_listed_page_by_page(client: Client, many_jobs: set[str]) -> None:
    """Pages of 1,000 jobs, each named once; the address of the next page repeats the filters."""
    listing = client.get(f"{BASE}/jobs/query", params={"jobType": "V2Query", "concurrencyMode": "parallel"}).json()
    sizes, found = [len(listing["records"])], [one["id"] for one in listing["records"]]
    while not listing["done"]:
        assert "jobType=V2Query&concurrencyMode=parallel&queryLocator=" in listing["nextRecordsUrl"]
        listing = client.get(listing["nextRecordsUrl"]).json()
        sizes.append(len(listing["records"]))
        found += [one["id"] for one in listing["records"]]

    assert [1_000, 1_000, 1] == sizes
    assert many_jobs == set(found)
    assert listing["nextRecordsUrl"] is None


@pytest.mark.parametrize(
    ("resource", "filters", "operations"),
    [
        ("query", {}, ["query"]),
        ("ingest", {}, ["insert"]),
        ("query", {"jobType": "V2Ingest"}, ["insert"]),
        ("query", {"jobType": "Classic"}, []),
        ("ingest", {"jobType": "BigObjectIngest"}, []),
        ("query", {"isPkChunkingEnabled": "true"}, []),
        ("query", {"isPkChunkingEnabled": "false", "jobType": "", "queryLocator": ""}, ["query"]),
        ("query", {"concurrencyMode": "Parallel"}, ["query"]),
        ("query", {"concurrencyMode": "serial"}, []),
    ],
)
def test_jobs_are_filtered(client: Client, resource: str, filters: dict[str, str], operations: list[str]) -> None:
    """By kind, by chunking, which only jobs of Bulk API 1 can have enabled, and by mode; an empty filter is none."""
    client.bulk_query("select Id from Contact")
    client.ingest("Contact", "insert", "LastName\nDoe\n")
    listing = client.get(f"{BASE}/jobs/{resource}", params=filters).json()

    assert (True, operations) == (listing["done"], [one["operation"] for one in listing["records"]])


@pytest.mark.parametrize(
    ("filters", "code"),
    [({"jobType": "V3"}, "INVALID_REQUEST"), ({"queryLocator": "x"}, "INVALID_QUERY_LOCATOR")],
)
def test_filters_and_locators_must_be_known(shared_client: Client, filters: dict[str, str], code: str) -> None:
    """A kind of job that does not exist, and a locator of one's own making."""
    reply = shared_client.get(f"{BASE}/jobs/query", params=filters)

    assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])
