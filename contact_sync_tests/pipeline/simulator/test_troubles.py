"""What goes wrong on request really goes wrong on the wire, as seen by a client that hides nothing."""

from __future__ import annotations

import gzip

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


@pytest.mark.parametrize("name", ["reset before the reply", "reset in the body"])
def test_a_connection_is_reset(instance: SalesforceInstance, client: Client, name: str) -> None:
    """The client sees a broken connection, and the request has been handled."""
    instance.disturbances.plan("limits", TROUBLES[name])

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.get(LIMITS)

    assert 1 == instance.requests["limits"]
    assert client.get(LIMITS).is_success


def test_a_reset_after_the_body_loses_nothing(instance: SalesforceInstance, client: Client) -> None:
    """The body has arrived whole; only the connection is gone."""
    instance.disturbances.plan("limits", TROUBLES["reset after the body"])

    assert client.get(LIMITS).json()["DailyApiRequests"]
    assert client.get(LIMITS).is_success


def test_a_stalled_reply_ends_when_the_client_gives_up(instance: SalesforceInstance, client: Client) -> None:
    """Nothing comes until the client's own time-out."""
    instance.disturbances.plan("limits", TROUBLES["stalled"])

    with pytest.raises(httpx.ReadTimeout):
        client.get(LIMITS, timeout=0.2)

    assert client.get(LIMITS).is_success


def test_missing_rows_are_told_by_the_count_only(instance: SalesforceInstance, client: Client) -> None:
    """A query's reply is well-formed and lacks a record that its total still counts."""
    load(instance, [{"LastName": f"Doe {number}"} for number in range(3)])
    instance.disturbances.plan("query", TROUBLES["rows missing"])

    reply = client.get(QUERY, params={"q": "SELECT Id FROM Contact"}).json()

    assert (3, 2) == (reply["totalSize"], len(reply["records"]))


def test_damaged_gzip_is_damaged(instance: SalesforceInstance, client: Client) -> None:
    """The body cannot be unpacked, though its framing is right."""
    instance.disturbances.plan("limits", TROUBLES["damaged gzip"])

    with client.stream("GET", LIMITS) as reply:
        raw = b"".join(reply.iter_raw())

    assert int(reply.headers["Content-Length"]) == len(raw)
    with pytest.raises((EOFError, OSError)):
        gzip.decompress(raw)
