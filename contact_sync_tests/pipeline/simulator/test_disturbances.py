"""Planned faults strike once, where they were planned, and look on the wire like the real ones."""

from __future__ import annotations

import httpx
import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import BASE, Client, load


def test_a_request_is_refused_as_often_as_planned(instance: SalesforceInstance, client: Client) -> None:
    """Two planned refusals of describe answer with 503, the third request and other kinds are served."""
    instance.disturbances.refuse("describe", times=2)
    codes = [client.get(f"{BASE}/sobjects/Contact/describe").status_code for _ in range(3)]

    assert [503, 503, 200] == codes
    assert httpx.codes.OK == client.get(f"{BASE}/limits").status_code


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


def test_a_short_page_has_fewer_rows_than_its_header_says(instance: SalesforceInstance, client: Client) -> None:
    """The page that is planned short lacks a record; read again, it is whole."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(5)])
    job = client.bulk_query("select Id from Contact")
    instance.disturbances.shorten_page()
    (short,), (whole,) = client.pages(job), client.pages(job)

    assert "5" == short.headers["Sforce-NumberOfRecords"] == whole.headers["Sforce-NumberOfRecords"]
    assert [4, 5] == [len(page.text.splitlines()) - 1 for page in (short, whole)]


def test_a_cut_body_breaks_the_connection(instance: SalesforceInstance, client: Client) -> None:
    """A cut page is an error of the transport, and can be read again."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(50)])
    job = client.bulk_query("select Id from Contact")
    instance.disturbances.cut_body()
    with pytest.raises(httpx.RemoteProtocolError):
        client.pages(job)

    assert 51 == len(client.pages(job)[0].text.splitlines())
