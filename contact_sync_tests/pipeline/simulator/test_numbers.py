"""Amounts and currencies on the wire: every digit in JSON and CSV, in every kind of reply, the code beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from contact_sync.simulator import World
from contact_sync.simulator.salesforce import exact_json
from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES
from contact_sync.simulator.salesforce.features import Features
from contact_sync_tests.pipeline.simulator.client import BASE, Client, client_of_org_with

QUERY = "SELECT Id, CurrencyIsoCode, AnnualRevenue FROM Account"
TOLD = "1.23456789012345678E15"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A client of an org with several currencies and one account, created by REST."""
    with client_of_org_with(Features(currencies=SOME_CURRENCIES), tmp_path) as client:
        body = b'{"Name": "Acme", "CurrencyIsoCode": "JPY", "AnnualRevenue": 1234567890123456.78}'
        created = client.post(f"{BASE}/sobjects/Account", content=body)
        assert 201 == created.status_code, created.text
        yield client


def test_json_has_every_digit(client: Client) -> None:
    """A query, a record by its id, and both as subrequests tell the number as it was written, not as a float."""
    found = client.get(f"{BASE}/query", params={"q": QUERY})
    (record,) = found.json()["records"]
    url = f"{BASE}/sobjects/Account/{record['Id']}"
    composite = {"compositeRequest": [{"method": "GET", "url": url, "referenceId": "one"}]}
    batch = {"batchRequests": [{"method": "GET", "url": url.removeprefix("/services/data/")}]}
    replies = [
        found,
        client.get(url),
        client.post(f"{BASE}/composite", json=composite),
        client.post(f"{BASE}/composite/batch", json=batch),
    ]

    assert [True] * 4 == [f'"AnnualRevenue": {TOLD}' in reply.text for reply in replies]
    assert [True] * 4 == ['"CurrencyIsoCode": "JPY"' in reply.text for reply in replies]


def test_a_composite_request_writes_every_digit(client: Client) -> None:
    """A number inside a subrequest's body is not rounded on its way."""
    (record,) = client.get(f"{BASE}/query", params={"q": QUERY}).json()["records"]
    change = {"method": "PATCH", "url": f"{BASE}/sobjects/Account/{record['Id']}", "referenceId": "one"}
    asked = exact_json.dumps(
        {"compositeRequest": [{**change, "body": {"AnnualRevenue": Decimal("9876543210987654.32")}}]}
    )
    client.post(f"{BASE}/composite", content=asked)

    assert '"AnnualRevenue": 9.87654321098765432E15' in client.get(f"{BASE}/query", params={"q": QUERY}).text


def test_bulk_has_the_same_digits_both_ways(client: Client) -> None:
    """A result of a job tells what a reply of REST tells, and a job's upload keeps what it brings."""
    client.ingest("Account", "insert", 'Name,CurrencyIsoCode,AnnualRevenue\n"Beta","EUR","0.10"\n', lineEnding="LF")
    job = client.bulk_query(f"{QUERY} ORDER BY AnnualRevenue")
    (page,) = client.pages(job)

    rows = list(csv.DictReader(page.text.splitlines()))
    assert [("EUR", "0.1"), ("JPY", TOLD)] == [(row["CurrencyIsoCode"], row["AnnualRevenue"]) for row in rows]


def test_pages_of_amounts_are_in_their_order(client: Client) -> None:
    """A result of several pages, which the org keeps aside, is ordered by the number and not by its text."""
    amounts = ["9", "10", "1.5", "200"] * 60
    body = "Name,CurrencyIsoCode,AnnualRevenue\n" + "".join(f"A,EUR,{amount}\n" for amount in amounts)
    client.ingest("Account", "insert", body, lineEnding="LF")

    query = {"q": f"{QUERY} WHERE AnnualRevenue < 1000 ORDER BY AnnualRevenue"}
    page = client.get(f"{BASE}/query", params=query, headers={"Sforce-Query-Options": "batchSize=200"}).json()
    following = client.get(page["nextRecordsUrl"]).json()

    records = [*page["records"], *following["records"]]
    assert sorted(map(float, amounts)) == [record["AnnualRevenue"] for record in records]


def test_the_currencies_can_be_queried(client: Client) -> None:
    """A client learns the rates, and the org's own currency, as from Salesforce; it cannot write them."""
    query = "SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType WHERE IsActive = true ORDER BY IsoCode"
    rows = client.get(f"{BASE}/query", params={"q": query}).json()["records"]
    (organization,) = client.get(
        f"{BASE}/query", params={"q": "SELECT DefaultCurrencyIsoCode FROM Organization"}
    ).json()["records"]

    assert [("EUR", 0.921659, False), ("JPY", 155.123456, False), ("USD", 1.0, True)] == [
        (row["IsoCode"], row["ConversionRate"], row["IsCorporate"]) for row in rows
    ]
    assert "USD" == organization["DefaultCurrencyIsoCode"]
    assert 400 == client.post(f"{BASE}/sobjects/CurrencyType", json={"IsoCode": "CHF"}).status_code


def test_a_world_has_the_features_it_is_asked_for(tmp_path: Path) -> None:
    """One of two orgs has several currencies, with records in each of them."""
    features = {"core": Features(currencies=SOME_CURRENCIES)}
    as_of = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with World.start(
        tmp_path, contacts=300, accounts=60, erp=False, objects=False, as_of=as_of, features=features
    ) as world:
        amounts = world.org("core").store.records("Opportunity")

        assert {one.iso_code for one in SOME_CURRENCIES} == {row["CurrencyIsoCode"] for row in amounts}
        assert world.org("emea").store.schema.find("CurrencyType") is None
