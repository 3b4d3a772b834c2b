"""Addresses that are too long, documents that are packed, and troubles inside a composite request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.troubles import TROUBLES

DATA = "/services/data/v62.0"


@pytest.fixture
def org(tmp_path: Path) -> Iterator[SalesforceInstance]:
    """A running org."""
    instance = SalesforceInstance("core", tmp_path, clock=lambda: datetime.now(UTC))
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def client(org: SalesforceInstance) -> Iterator[httpx.Client]:
    """A client with a session."""
    token = org.org.sessions.open(org.org.user_ids["integration"])
    with httpx.Client(base_url=org.url, headers={"Authorization": f"Bearer {token}"}, timeout=5) as client:
        yield client


def test_an_address_has_a_longest_length(client: httpx.Client) -> None:
    """Above 16,384 bytes it is refused; an address that fits is refused when its headers do not."""
    query = "SELECT Id FROM Contact WHERE LastName = '{}'"

    found = [
        client.get(f"{DATA}/query", params={"q": query.format("x" * 12_000)}).status_code,
        client.get(f"{DATA}/query", params={"q": query.format("x" * 16_384)}).status_code,
        client.get(f"{DATA}/query", params={"q": query.format("x" * 12_000)}, headers={"X": "y" * 5_000}).status_code,
    ]

    assert [200, 414, 431] == found


def test_a_document_is_packed_for_who_accepts_that(client: httpx.Client) -> None:
    """The same document with and without gzip."""
    packed = client.get(f"{DATA}/sobjects/Contact/describe")
    plain = client.get(f"{DATA}/sobjects/Contact/describe", headers={"Accept-Encoding": "identity"})

    assert ("gzip", None) == (packed.headers.get("Content-Encoding"), plain.headers.get("Content-Encoding"))
    assert plain.json() == packed.json()


def test_a_part_of_a_composite_request_goes_wrong(org: SalesforceInstance, client: httpx.Client) -> None:
    """Only the planned subrequest is refused; the request itself succeeds."""
    org.disturbances.plan("describe", TROUBLES["503"], after=1)
    names = ("Contact", "Account", "Lead")
    asked = [{"method": "GET", "url": f"{DATA}/sobjects/{name}/describe", "referenceId": name} for name in names]

    reply = client.post(f"{DATA}/composite", json={"compositeRequest": asked})

    found = {one["referenceId"]: one["httpStatusCode"] for one in reply.json()["compositeResponse"]}
    assert {"Contact": 200, "Account": 503, "Lead": 200} == found
