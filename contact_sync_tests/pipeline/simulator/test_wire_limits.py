"""Addresses that are too long, documents that are packed, and troubles inside a composite request."""

from __future__ import annotations

import pytest

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.troubles import TROUBLES
from contact_sync_tests.pipeline.simulator.client import BASE, Client


def test_an_address_has_a_longest_length(client: Client) -> None:
    """Above 16,384 bytes it is refused; an address that fits is refused when its headers do not."""
    query = "SELECT Id FROM Contact WHERE LastName = '{}'"

    found = [
        client.get(f"{BASE}/query", params={"q": query.format("x" * 12_000)}).status_code,
        client.get(f"{BASE}/query", params={"q": query.format("x" * 16_384)}).status_code,
        client.get(f"{BASE}/query", params={"q": query.format("x" * 12_000)}, headers={"X": "y" * 5_000}).status_code,
    ]

    assert [200, 414, 431] == found


def test_a_document_is_packed_for_who_accepts_that(client: Client) -> None:
    """The same document with and without gzip."""
    packed = client.get(f"{BASE}/sobjects/Contact/describe")
    plain = client.get(f"{BASE}/sobjects/Contact/describe", headers={"Accept-Encoding": "identity"})

    assert ("gzip", None) == (packed.headers.get("Content-Encoding"), plain.headers.get("Content-Encoding"))
    assert plain.json() == packed.json()


@pytest.mark.parametrize(("name", "status"), [("503", 503), ("session lost", 401), ("damaged gzip", 200)])
def test_a_part_of_a_composite_request_goes_wrong(
    instance: SalesforceInstance, client: Client, name: str, status: int
) -> None:
    """Only the planned subrequest is refused; the request itself succeeds, and what is of the wire does no harm."""
    instance.disturbances.plan("describe", TROUBLES[name], after=1)
    names = ("Contact", "Account", "Lead")
    asked = [{"method": "GET", "url": f"{BASE}/sobjects/{one}/describe", "referenceId": one} for one in names]

    reply = client.post(f"{BASE}/composite", json={"compositeRequest": asked})

    found = {one["referenceId"]: one["httpStatusCode"] for one in reply.json()["compositeResponse"]}
    assert {"Contact": 200, "Account": status, "Lead": 200} == found
    assert (3, 0) == (instance.org.subrequests["describe"], instance.requests["describe"])
