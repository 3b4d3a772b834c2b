"""What an org says about many objects at once: few requests, remembered descriptions, settled times and deletions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from contact_sync.connectors.base import Upcoming
from contact_sync.connectors.salesforce import SalesforceSource
from contact_sync.connectors.salesforce.router import Forgetful
from contact_sync.errors import QuotaExhaustedError, UnknownObjectError
from contact_sync_tests.unit.connectors.scripted_org import DATA, Org, problem

if TYPE_CHECKING:
    from contact_sync.catalog import CatalogObject
    from contact_sync.connectors.salesforce import SalesforceClient
    from contact_sync.settings import SalesforceInstance

COVERED = "2026-11-20T11:59:00.000+0000"
EARLIEST = "2026-11-06T00:00:00.000+0000"
SINCE = datetime(2026, 11, 20, tzinfo=UTC)
DELETED = [{"id": "003A", "deletedDate": "2026-11-20T10:00:00.000+0000"}]


def answer(path: str, headers: dict[str, str], *, changed: bool = True) -> tuple[int, Any]:
    """What the org says to one GET."""
    if path.endswith("/describe"):
        if "If-Modified-Since" in headers and not changed:
            return 304, None
        fields = [{"name": "Id", "type": "id"}, {"name": "SystemModstamp", "type": "datetime"}]
        return 200, {"fields": fields, "replicateable": "Plain" not in path}
    if "/updated/" in path:
        return 200, {"ids": [], "latestDateCovered": COVERED}
    if "/deleted/" in path:
        return 200, {"deletedRecords": DELETED, "earliestDateAvailable": EARLIEST, "latestDateCovered": COVERED}
    return 404, [{"errorCode": "NOT_FOUND", "message": "nothing"}]


@pytest.fixture
def many(org: Org) -> Org:
    """An org that answers composite requests, and each of their questions on its own."""

    def composite(request: httpx.Request) -> httpx.Response:
        found = []
        for one in json.loads(request.content)["compositeRequest"]:
            status, body = answer(one["url"], one["httpHeaders"])
            found.append({"referenceId": one["referenceId"], "httpStatusCode": status, "body": body, "httpHeaders": {}})
        return httpx.Response(200, json={"compositeResponse": found[::-1]})

    org.on("POST /composite", composite)
    for name in ("Contact", "Plain"):
        for verb in ("describe", "updated/", "deleted/"):
            org.on(f"GET /sobjects/{name}/{verb}", alone)
    return org


def alone(request: httpx.Request) -> httpx.Response:
    """A question of its own."""
    status, body = answer(str(request.url.path), dict(request.headers))
    return httpx.Response(status, json=body)


def objects(contact: CatalogObject, count: int) -> list[CatalogObject]:
    """Objects of many names."""
    return [contact.model_copy(update={"object": f"Thing_{number}__c"}) for number in range(count)]


def test_many_objects_cost_few_requests(many: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """60 objects are described, and asked what is settled and deleted, in nine calls, and in none afterwards."""
    items = objects(contact, 60)

    source.prepare([Upcoming(item=item, deletions_since=SINCE) for item in items])

    for item in items:
        assert ["Id", "SystemModstamp"] == [field.name for field in source.fields(item)]
        assert datetime(2026, 11, 20, 11, 59, tzinfo=UTC) == source.settled(item)
        found = source.deletions(item, SINCE)
        assert found is not None
        assert found.is_complete
        assert [{"Id": "003A", "SystemModstamp": "2026-11-20T10:00:00.000Z"}] == found.rows.to_pylist()
    assert [f"{DATA}/composite"] * 9 == [request.url.path for request in many.requests[1:]]


def test_an_org_without_the_resource_is_asked_one_by_one(
    many: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """A refused composite request is no failure: each question is asked on its own."""
    many.on("POST /composite", lambda _: problem(404, "NOT_FOUND"))

    source.prepare([Upcoming(item=contact, deletions_since=SINCE)])

    assert source.settled(contact) is not None
    assert source.deletions(contact, SINCE) is not None


def test_an_exhausted_limit_is_no_reason_to_ask_one_by_one(
    many: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Where no requests are left the reading stops at once."""
    many.on("POST /composite", lambda _: problem(403, "REQUEST_LIMIT_EXCEEDED"))

    with pytest.raises(QuotaExhaustedError):
        source.prepare([Upcoming(item=contact, deletions_since=SINCE)])


def test_what_was_settled_is_asked_anew_for_each_reading(
    many: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """An answer is used once: a later reading must not trust an earlier one's."""
    source.prepare([Upcoming(item=contact, deletions_since=None)])
    source.settled(contact)
    assert 0 == many.count("GET /sobjects/Contact/updated/")

    source.settled(contact)

    assert 1 == many.count("GET /sobjects/Contact/updated/")


def test_an_object_that_does_not_replicate_is_not_asked(
    many: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Without getUpdated and getDeleted nothing is known: neither what is settled nor what is gone."""
    plain = contact.model_copy(update={"object": "Plain"})

    assert source.settled(plain) is None
    assert source.deletions(plain, SINCE) is None
    assert 1 == len([request for request in many.requests if "sobjects" in request.url.path])


def test_a_span_too_far_back_is_an_incomplete_account(
    many: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """An org that does not remember so long says so by a code or by its earliest date; both force a sweep."""
    source.fields(contact)
    early = source.deletions(contact, datetime(2026, 11, 1, tzinfo=UTC))
    many.on("GET /sobjects/Contact/deleted/", lambda _: problem(400, "INVALID_REPLICATION_DATE"))
    refused = source.deletions(contact, datetime(2026, 1, 1, tzinfo=UTC))

    assert early is not None
    assert refused is not None
    assert (False, False) == (early.is_complete, refused.is_complete)
    assert 0 == refused.rows.num_rows


def test_an_unchanged_description_is_not_sent_again(
    org: Org, client: SalesforceClient, instance: SalesforceInstance, contact: CatalogObject
) -> None:
    """The next source of the same memory asks only for changes; after some hours it asks for all of it again."""
    asked: list[str | None] = []

    def describe(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("If-Modified-Since"))
        status, body = answer(request.url.path, dict(request.headers), changed=asked[-1] is None)
        return httpx.Response(status) if body is None else httpx.Response(status, json=body)

    org.on("GET /sobjects/Contact/describe", describe)
    memory = Forgetful()
    sources = [SalesforceSource("core", instance, client=client, memory=memory) for _ in range(3)]

    first, second = (source.fields(contact) for source in sources[:2])
    known = dict(memory.recall("description/Contact") or {})
    memory.learn("description/Contact", {**known, "at": (client.time() - timedelta(hours=7)).isoformat()})
    sources[2].fields(contact)

    assert first == second
    assert [True, False, True] == [one is None for one in asked]


def test_a_hidden_field_still_exists(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """FieldDefinition lists what describe does not show; an org that refuses to answer may hide all of them."""
    records = [{"QualifiedApiName": "Email"}, {"QualifiedApiName": "Phone"}]
    org.on("GET /query", {"totalSize": 2, "done": True, "records": records})

    assert frozenset({"Email"}) == source.hidden(contact, {"Email", "Fax"})

    org.on("GET /query", lambda _: problem(400, "INVALID_TYPE"))
    assert frozenset({"Email", "Fax"}) == source.hidden(contact, {"Email", "Fax"})


def test_an_unknown_object_is_named(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """An object that the org does not know is an error that names it."""
    org.on("GET /sobjects/Contact/describe", lambda _: problem(404, "NOT_FOUND"))

    with pytest.raises(UnknownObjectError, match="Contact"):
        source.fields(contact)


def test_the_time_is_the_orgs(org: Org, client: SalesforceClient, source: SalesforceSource) -> None:
    """The date of a reply moves the clock; one that cannot be read moves nothing."""
    there = datetime(2030, 1, 1, 12, tzinfo=UTC)
    org.on("GET /limits", lambda _: httpx.Response(200, json={}, headers={"Date": "Tue, 01 Jan 2030 12:00:00 GMT"}))
    client.get(f"{DATA}/limits", subject="limits")
    assert there <= source.time() < there + timedelta(minutes=1)

    org.on("GET /limits", lambda _: httpx.Response(200, json={}, headers={"Date": "soon"}))
    client.get(f"{DATA}/limits", subject="limits")
    assert there <= source.time() < there + timedelta(minutes=1)
