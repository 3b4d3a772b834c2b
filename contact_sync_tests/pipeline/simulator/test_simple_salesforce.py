"""An unmodified client of somebody else gets the same rows: simple-salesforce, with its https turned into http."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceMalformedRequest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import load


class OverHttp(HTTPAdapter):
    """simple-salesforce always asks by https; a simulator answers by http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send the request by http."""
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def salesforce(instance: SalesforceInstance) -> Iterator[Salesforce]:
    """A logged-in client."""
    session = requests.Session()
    session.mount("https://127.0.0.1", OverHttp())
    token = instance.org.sessions.open(instance.org.user_ids["integration"])
    yield Salesforce(instance_url=instance.url.replace("http://", "https://"), session_id=token, session=session)
    session.close()


def test_records_and_queries(instance: SalesforceInstance, salesforce: Salesforce) -> None:
    """Create, upsert, get, describe, query over pages and errors work through its REST classes."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(2_100)])
    made = salesforce.Contact.create({"LastName": "Ångström"})
    salesforce.Contact.upsert("Contact_Sync_Key__c/k1", {"LastName": "Keyed"})
    found = salesforce.query_all("SELECT Id, LastName FROM Contact")

    assert "Ångström" == salesforce.Contact.get(made["id"])["LastName"]
    assert (2_102, 2_102) == (found["totalSize"], len(found["records"]))
    assert "Contact_Sync_Key__c" in {field["name"] for field in salesforce.Contact.describe()["fields"]}
    with pytest.raises(SalesforceMalformedRequest):
        salesforce.query("SELECT Nothing FROM Contact")


def test_a_bulk_query_gives_the_same_rows(instance: SalesforceInstance, salesforce: Salesforce) -> None:
    """Its Bulk 2.0 handler reads all pages, with the text that was put in."""
    texts = [f'row {number}, "quoted" 😀\nline' for number in range(250)]
    load(instance, [{"LastName": "Doe", "Description": text} for text in texts])
    pages = salesforce.bulk2.Contact.query("SELECT Description FROM Contact", wait=0)
    found = [row["Description"] for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]

    assert texts == found


def test_a_bulk_upsert_writes_rows(instance: SalesforceInstance, salesforce: Salesforce) -> None:
    """Its Bulk 2.0 handler creates and changes records by external id."""
    records = [{"Contact_Sync_Key__c": f"k{number}", "LastName": f"Doe {number}"} for number in range(20)]
    (job,) = salesforce.bulk2.Contact.upsert(records=records, external_id_field="Contact_Sync_Key__c", wait=0)

    assert (0, 20) == (job["numberRecordsFailed"], job["numberRecordsTotal"])
    assert {one["LastName"] for one in records} == {one["LastName"] for one in instance.store.records("Contact")}
