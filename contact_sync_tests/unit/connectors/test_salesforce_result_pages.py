"""The pages of a job's result: fetched side by side, in order, whole, and resumed anywhere."""

from __future__ import annotations

import gzip
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from contact_sync.connectors.salesforce import SalesforceClient
from contact_sync.connectors.salesforce.bulk2 import BulkQuery, QueryJob
from contact_sync.errors import CountMismatchError
from contact_sync_tests.unit.connectors.scripted_org import DATA, RESULTS, Org, csv_bytes, ids_of, page_of, problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from contact_sync.connectors.base import Page

COLUMNS = ["Id", "Name", "SystemModstamp"]
PAGES = 12
ROWS = 3
IDS = [str(number) for number in range(PAGES * ROWS)]
PATH = f"{DATA}/jobs/query/750A"


@pytest.fixture
def listed(org: Org) -> Org:
    """A job of twelve pages with three rows each, which the org lists five at a time."""
    org.query_job([page_of(*IDS[first : first + ROWS]) for first in range(0, len(IDS), ROWS)], [ROWS] * PAGES)
    org.on("GET /jobs/query/750A/resultPages", listing())
    return org


def listing(*, host: str = "", last: int = PAGES, has_first: bool = True) -> Callable[[httpx.Request], httpx.Response]:
    """Addresses of the pages as the org sends them, up to page `last`."""

    def answer(request: httpx.Request) -> httpx.Response:
        first = int(request.url.params.get("locator", "0"))
        urls = [f"{host}{PATH}/results?locator={number}" for number in range(first, min(first + 5, last))]
        if first == 0 and not has_first:
            urls[0] = f"{host}{PATH}/results"
        document: dict[str, Any] = {"resultPages": [{"resultUrl": url} for url in urls], "done": first + 5 >= last}
        if first + 5 < last:
            document["nextRecordsUrl"] = f"{host}{PATH}/resultPages?locator={first + 5}"
        return httpx.Response(200, json=document)

    return answer


def query(client: SalesforceClient, pages_ahead: int = 4) -> BulkQuery:
    """A reader that asks for pages of one row, so that every job is worth listing."""
    return BulkQuery(client, job_deadline_seconds=10, page_rows=1, pages_ahead=pages_ahead)


def read(client: SalesforceClient, **position: Any) -> list[Page]:
    """The pages of the job."""
    job = QueryJob(**{"id": "750A", "subject": "Contact", "total": len(IDS), **position})
    return list(query(client).pages(job, COLUMNS))


@pytest.mark.parametrize("has_first", [True, False])
def test_listed_pages_are_fetched_and_arrive_in_order(listed: Org, client: SalesforceClient, has_first: bool) -> None:
    """Every page is asked for once, by the locator of the list, also when the first one has none."""
    listed.on("GET /jobs/query/750A/resultPages", listing(has_first=has_first))

    pages = read(client)

    assert IDS == ids_of(pages)
    assert list(range(1, PAGES + 1)) == [page.number for page in pages]
    assert [False] * (PAGES - 1) + [True] == [page.is_last for page in pages]
    assert (PAGES, 3) == (listed.count(RESULTS), listed.count("GET /jobs/query/750A/resultPages"))


@pytest.mark.parametrize("pages_ahead", [1, 3])
def test_pages_are_fetched_side_by_side_but_not_more_than_allowed(
    listed: Org, client: SalesforceClient, pages_ahead: int
) -> None:
    """So many requests are under way at once, no more; the first ones wait until all of them have come."""
    honest, barrier = listed.answers[f"GET {PATH}/results"], threading.Barrier(pages_ahead)
    under_way, most = [0], [0]

    def results(request: httpx.Request) -> httpx.Response:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        if int(request.url.params["locator"]) < pages_ahead:
            barrier.wait(timeout=10)
        under_way[0] -= 1
        return honest(request)

    listed.answers[f"GET {PATH}/results"] = results
    job = QueryJob(id="750A", subject="Contact", total=len(IDS))

    assert IDS == ids_of(list(query(client, pages_ahead).pages(job, COLUMNS)))
    assert pages_ahead == most[0]


@pytest.mark.parametrize("status", [400, 404])
def test_without_a_list_each_page_names_the_next(listed: Org, client: SalesforceClient, status: int) -> None:
    """An org that does not know the resource is read page by page."""
    listed.on("GET /jobs/query/750A/resultPages", lambda _: problem(status, "NOT_FOUND"))

    assert IDS == ids_of(read(client))


def test_a_list_that_ends_early_is_no_end(listed: Org, client: SalesforceClient) -> None:
    """The last listed page names another one, so the reading goes on."""
    listed.on("GET /jobs/query/750A/resultPages", listing(last=7))

    assert IDS == ids_of(read(client))


@pytest.mark.parametrize("host", ["https://elsewhere.test", "//elsewhere.test"])
def test_no_address_on_another_host_is_followed(listed: Org, client: SalesforceClient, host: str) -> None:
    """A list that names another host is not used; everything comes from the org itself."""
    listed.on("GET /jobs/query/750A/resultPages", listing(host=host))

    assert IDS == ids_of(read(client))
    assert {"org.test"} == {request.url.host for request in listed.requests}


def test_a_locator_keeps_its_plus_and_equals_signs(org: Org, client: SalesforceClient) -> None:
    """A locator is sent back as it was listed, whatever it consists of."""
    urls = [f"{PATH}/results?locator=MTA+w%3D=&x=1"]
    org.on("GET /jobs/query/750A/resultPages", lambda _: httpx.Response(200, json=pages_document(urls)))
    headers = {"Sforce-NumberOfRecords": "1", "Sforce-Locator": "null"}
    org.on("GET /jobs/query/750A/results", lambda _: httpx.Response(200, content=page_of("1"), headers=headers))
    org.on("GET /jobs/query/750A", json.loads('{"state": "JobComplete", "numberRecordsProcessed": 2}'))

    job = QueryJob(id="750A", subject="Contact", total=2)
    with pytest.raises(CountMismatchError, match="declared 2 rows and sent 1"):
        list(query(client).pages(job, COLUMNS))

    assert {"locator": "MTA+w==", "x": "1"} == dict(org.requests[-1].url.params)


def test_a_job_that_fails_leaves_no_thread_behind(listed: Org, client: SalesforceClient) -> None:
    """Also while the error is still looked at, which keeps all that was in use when it was raised."""
    before = {*threading.enumerate()}
    with pytest.raises(CountMismatchError) as raised:
        read(client, total=len(IDS) + 1)

    assert raised.tb is not None
    assert set() == {*threading.enumerate()} - before


def pages_document(urls: list[str]) -> dict[str, Any]:
    """A list of pages that is complete."""
    return {"resultPages": [{"resultUrl": url} for url in urls], "done": True}


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("part_bytes", [1, 10**9])
def test_a_reading_resumes_after_any_part_of_any_page(
    monkeypatch: pytest.MonkeyPatch, listed: Org, client: SalesforceClient, is_listed: bool, part_bytes: int
) -> None:
    """Whole pages and parts of pages have checkpoints; what follows is read on, with or without the list."""
    monkeypatch.setattr("contact_sync.connectors.csv_blocks.cut.__kwdefaults__", {"block_bytes": part_bytes})
    pages = read(client)
    assert (PAGES if part_bytes > 1 else len(IDS)) == len(pages)
    if not is_listed:
        listed.on("GET /jobs/query/750A/resultPages", lambda _: problem(404, "NOT_FOUND"))

    for position, page in enumerate(pages[:-1]):
        checkpoint = json.loads(json.dumps(page.checkpoint))
        rest = list(query(client).resume(checkpoint, COLUMNS, subject="Contact"))
        assert ids_of(pages[position + 1 :]) == ids_of(rest)
        assert [later.number for later in pages[position + 1 :]] == [later.number for later in rest]


def test_a_part_may_be_continued_when_pages_have_another_size(listed: Org, client: SalesforceClient) -> None:
    """Rows that were read of a larger page are passed over, also when they now fill several pages."""
    job = {"locator": "2", "pages": 2, "rows": 2 * ROWS + 7, "rows_of_page": 7}

    assert IDS[2 * ROWS + 7 :] == ids_of(read(client, **job))


def test_a_page_that_proves_damaged_half_way_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch, listed: Org, client: SalesforceClient
) -> None:
    """What was used of the page already is not used twice."""
    monkeypatch.setattr("contact_sync.connectors.csv_blocks.cut.__kwdefaults__", {"block_bytes": 1})
    honest, copies = listed.answers[f"GET {PATH}/results"], [2]

    def results(request: httpx.Request) -> httpx.Response:
        response = honest(request)
        if request.url.params["locator"] == "1" and copies[0]:
            copies[0] -= 1
            return httpx.Response(200, content=response.content.replace(b"name 5", b"\xff"), headers=response.headers)
        return response

    listed.answers[f"GET {PATH}/results"] = results

    assert IDS == ids_of(read(client))
    assert PAGES + 2 == listed.count(RESULTS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (page_of("1").replace(b"name 1", b"Jane\xff"), "it is not UTF-8"),
        (csv_bytes([("Id", "SystemModstamp"), ("Jane", "Roe")]), "it lacks the columns Name"),
        (csv_bytes([(*COLUMNS, "Jane"), ("1", "2", "3", "4")]), "it has 1 columns that were not asked for"),
        (csv_bytes([COLUMNS[::-1], ("1", "2", "3")]), "its columns are not in the order they were asked for"),
        (page_of("1", "2"), "it has 2 rows and declares 1 rows"),
    ],
)
@pytest.mark.parametrize("is_gzip", [False, True])
def test_a_page_that_stays_damaged_names_job_and_page_and_no_value(
    org: Org, client: SalesforceClient, content: bytes, reason: str, is_gzip: bool
) -> None:
    """After three copies the reading ends with what is wrong, without a word of what arrived."""
    headers = {"Sforce-NumberOfRecords": "1", "Sforce-Locator": "null"}
    body, encoding = (gzip.compress(content), {"Content-Encoding": "gzip"}) if is_gzip else (content, {})
    org.on(
        "GET /jobs/query/750A/results",
        lambda _: httpx.Response(200, stream=httpx.ByteStream(body), headers={**headers, **encoding}),
    )

    with pytest.raises(CountMismatchError) as raised:
        read(client, total=1)

    assert f"Page 1 of query job 750A of Contact arrived damaged 3 times: {reason}." in str(raised.value)
    assert "Jane" not in str(raised.value)
    assert 3 == org.count(RESULTS)
