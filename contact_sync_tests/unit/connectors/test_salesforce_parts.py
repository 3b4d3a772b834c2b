"""Readings that are divided, objects that are too wide for an address, and what is learned of an org."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.connectors.base import Columns, Records, Window
from contact_sync.connectors.salesforce import SalesforceSource
from contact_sync.connectors.salesforce.router import Forgetful
from contact_sync.connectors.salesforce.soql import Part, middle_id
from contact_sync.errors import CountMismatchError, QuotaExhaustedError, RequestRefusedError
from contact_sync_tests.unit.connectors.scripted_org import DATA, END, EVERYTHING, SINCE, Org, ids_of, page_of, problem

if TYPE_CHECKING:
    from contact_sync.catalog import CatalogObject
    from contact_sync.connectors.base import Page
    from contact_sync.connectors.salesforce import SalesforceClient
    from contact_sync.settings import SalesforceInstance

pytestmark = pytest.mark.usefixtures("contact_fields")

DAY = Window(start=END - timedelta(days=1), end=END)
IDS = st.text(alphabet="09AZaz5Mm", min_size=15, max_size=15)


def slow_org(org: Org, *, most: int, ids: list[str]) -> None:
    """An org with these records, of which a job for more than `most` fails for taking too long."""
    jobs: dict[str, list[str]] = {}

    def select(statement: str) -> list[str]:
        first = re.search(r"Id >= '(\w+)'", statement)
        end = re.search(r"Id < '(\w+)'", statement)
        return [one for one in ids if (not first or one >= first[1]) and (not end or one < end[1])]

    def query(request: httpx.Request) -> httpx.Response:
        found = select(request.url.params["q"])
        if "DESC" in request.url.params["q"]:
            found.reverse()
        if "LIMIT 1" in request.url.params["q"]:
            found = found[:1]
        records = [{"attributes": {}, "Id": one} for one in found]
        return httpx.Response(200, json={"totalSize": 2_001, "done": False, "nextRecordsUrl": "/x", "records": records})

    def create(request: httpx.Request) -> httpx.Response:
        job = f"750{len(jobs)}"
        jobs[job] = select(request.content.decode())
        failed = {"state": "Failed", "errorMessage": "InternalServerError : Retried more than fifteen times"}
        done = {"state": "JobComplete", "numberRecordsProcessed": len(jobs[job])}
        org.on(f"GET /jobs/query/{job}", failed if len(jobs[job]) > most else done)
        org.on(f"GET /jobs/query/{job}/results", lambda _: result(job))
        return httpx.Response(200, json={"id": job})

    def result(job: str) -> httpx.Response:
        headers = {"Sforce-NumberOfRecords": str(len(jobs[job])), "Sforce-Locator": "null"}
        return httpx.Response(200, content=page_of(*jobs[job]), headers=headers)

    org.on("GET /queryAll", query)
    org.on("POST /jobs/query", create)


def some_ids(count: int) -> list[str]:
    """Ids as an org gives them."""
    return [f"003000000{number:06d}" for number in range(count)]


def test_a_reading_that_takes_too_long_is_divided_by_ids(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Without a span of time the range of ids is halved until the jobs succeed; all rows arrive once, counted."""
    ids = some_ids(10)
    slow_org(org, most=3, ids=ids)

    pages = list(source.read(contact, EVERYTHING))

    assert ids == ids_of(pages)
    assert list(range(1, len(pages) + 1)) == [page.number for page in pages]
    assert len(ids) == pages[-1].declared_total
    assert [False] * (len(pages) - 1) + [True] == [page.is_last for page in pages]


def test_a_divided_reading_resumes_after_any_page(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """The checkpoint of a page knows the parts ahead: what follows is what followed the first time."""
    ids = some_ids(10)
    slow_org(org, most=3, ids=ids)
    pages = list(source.read(contact, EVERYTHING))

    for position, page in enumerate(pages[:-1]):
        rest = list(source.read(contact, EVERYTHING, resume=page.checkpoint))
        assert ids_of(pages[position + 1 :]) == ids_of(rest)
        assert [later.number for later in pages[position + 1 :]] == [later.number for later in rest]
        assert len(ids) == rest[-1].declared_total


def test_a_long_span_is_divided_by_time_first(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """A day is halved into half days, without asking for ids."""
    slow_org(org, most=0, ids=some_ids(1))

    with pytest.raises(RequestRefusedError):
        list(source.read(contact, DAY))

    asked = [request.url.params["q"] for request in org.requests if request.url.path.endswith("/queryAll")]
    assert "2026-11-19T12:00:00.000Z AND SystemModstamp < 2026-11-20T00:00:00.000Z" in asked[1]


def test_one_record_that_takes_too_long_is_an_error(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """What cannot be divided any more fails with the code of the org's reason."""
    slow_org(org, most=0, ids=some_ids(1))

    with pytest.raises(RequestRefusedError) as raised:
        list(source.read(contact, EVERYTHING))

    assert "JOB_RETRIED" == raised.value.code


@given(first=IDS, last=IDS)
def test_a_middle_id_lies_between(first: str, last: str) -> None:
    """Each half of a range keeps at least one of its ends; one record alone has no middle."""
    first, last = sorted([first, last])
    middle = middle_id(first, last)

    assert (middle is None) == (first == last)
    assert middle is None or first < middle <= last


@given(part=st.builds(Part, start=st.none() | st.just(END), end=st.none() | st.just(END), first_id=st.none() | IDS))
def test_a_part_survives_the_checkpoint(part: Part) -> None:
    """What is written to the ledger is what is read on."""
    assert part == Part.from_json(part.as_json())


def wide_org(org: Org, versions: dict[str, list[str]], *, groups: int) -> None:
    """An org whose 600 fields need several statements; each record's time stamps are used up one by one."""
    names = [f"A_rather_long_field_name_{number}__c" for number in range(600)]
    org.describe("Contact", Id="id", SystemModstamp="datetime", **dict.fromkeys(names, "string"))

    def query(request: httpx.Request) -> httpx.Response:
        statement = request.url.params["q"]
        if "count()" in statement:
            return httpx.Response(200, json={"totalSize": len(versions), "done": True, "records": []})
        after = re.search(r"Id > '(\w+)'", statement)
        asked = statement.removeprefix("SELECT ").split(" FROM ")[0].split(", ")
        found = sorted(one for one in versions if not after or one > after[1])
        limit = int(statement.rsplit(" ", 1)[1])
        records = [
            {"attributes": {}, **dict.fromkeys(asked, f"of {one}"), "Id": one, "SystemModstamp": stamp(one)}
            for one in found[:limit]
        ]
        return httpx.Response(200, json={"totalSize": len(records), "done": True, "records": records})

    def stamp(one: str) -> str:
        stamps = versions[one]
        return stamps.pop(0) if len(stamps) > 1 else stamps[0]

    org.on("GET /queryAll", query)


def test_fields_beyond_an_address_are_asked_in_groups_and_joined(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """No field is dropped, no statement is too long, and no job is created."""
    wide_org(org, {"1": ["2026-11-20T11:30:00.000+0000"], "2": ["2026-11-20T11:30:00.000+0000"]}, groups=2)

    (page,) = source.read(contact, SINCE)

    assert 602 == page.rows.num_columns
    assert {"of 1"} == {row for name in page.rows.column_names[2:] for row in page.rows[name].slice(0, 1).to_pylist()}
    assert all(len(request.url.raw_path) < 16_000 for request in org.requests)
    assert 0 == org.count("POST /jobs/query")


def test_a_record_that_changes_between_the_groups_is_asked_again(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Groups of different versions are not joined; the page is read again until they agree, or given up."""
    old, new = "2026-11-20T11:30:00.000+0000", "2026-11-20T11:31:00.000+0000"
    wide_org(org, {"1": [old, new]}, groups=2)

    (page,) = source.read(contact, SINCE)

    assert ["2026-11-20T11:31:00.000Z"] == page.rows["SystemModstamp"].to_pylist()
    wide_org(org, {"1": [f"2026-11-20T11:{minute}:00.000+0000" for minute in range(10, 60)]}, groups=2)
    with pytest.raises(CountMismatchError, match="Contact changes faster"):
        list(source.read(contact, SINCE))


def test_what_bulk_refuses_is_asked_by_rest_from_then_on(
    org: Org, client: SalesforceClient, instance: SalesforceInstance, contact: CatalogObject
) -> None:
    """The refusal is remembered by the next source of the same memory, and forgotten after a month."""
    org.on("POST /jobs/query", lambda _: problem(400, "INVALIDENTITY"))
    many = {"totalSize": 2_001, "done": True, "records": []}
    org.on("GET /queryAll", many)
    memory = Forgetful()

    for _ in range(2):
        with pytest.raises(CountMismatchError):  # this org declares rows that it does not send
            list(SalesforceSource("core", instance, client=client, memory=memory).read(contact, EVERYTHING))
    assert 1 == org.count("POST /jobs/query")

    memory.learn("bulk_refuses/Contact", {"code": "INVALIDENTITY", "at": "2020-01-01T00:00:00+00:00"})
    with pytest.raises(CountMismatchError):
        list(SalesforceSource("core", instance, client=client, memory=memory).read(contact, EVERYTHING))
    assert 2 == org.count("POST /jobs/query")


def test_a_field_that_has_just_gone_is_described_again_once(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """INVALID_FIELD leads to one new description, and the reading goes on with the fields that are left."""
    source.fields(contact)
    org.describe("Contact", Id="id", SystemModstamp="datetime")
    honest = {"totalSize": 1, "done": True, "records": [{"Id": "1", "SystemModstamp": None}]}

    def query(request: httpx.Request) -> httpx.Response:
        is_old = "Name" in request.url.params["q"]
        return problem(400, "INVALID_FIELD") if is_old else httpx.Response(200, json=honest)

    org.on("GET /queryAll", query)

    assert ["1"] == ids_of(list(source.read(contact, SINCE)))
    assert 2 == org.count("GET /sobjects/Contact/describe")


def test_columns_are_read_with_what_identifies_a_version(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """A few fields come with key and cursor, of all records; fields that do not exist are not invented."""
    org.on("GET /queryAll", {"totalSize": 0, "done": True, "records": []})

    (page,) = source.read(contact, Columns(names=("Name",)))

    assert ["Id", "SystemModstamp", "Name"] == page.rows.column_names
    assert "SELECT Id, SystemModstamp, Name FROM Contact" == org.requests[-1].url.params["q"]


def test_records_are_asked_for_by_the_hundred(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Keys are divided over statements that fit an address; the totals of all add up."""

    def query(request: httpx.Request) -> httpx.Response:
        found = re.findall(r"'(\w+)'", request.url.params["q"])
        records = [{"attributes": {}, "Id": one, "Name": None, "SystemModstamp": None} for one in found]
        return httpx.Response(200, json={"totalSize": len(found), "done": True, "records": records})

    org.on("GET /queryAll", query)
    keys = tuple(some_ids(450))

    pages: list[Page] = list(source.read(contact, Records(keys=keys)))

    assert list(keys) == ids_of(pages)
    assert [None, None, 450] == [page.declared_total for page in pages]
    assert all(len(request.url.raw_path) < 16_000 for request in org.requests)


@pytest.mark.parametrize("usage", ["api-usage=95/100", "api-usage=1/100; per-app-api-usage=240/250(appName=sync)"])
def test_reading_stops_incomplete_before_the_limit_is_used_up(org: Org, client: SalesforceClient, usage: str) -> None:
    """Once a reply says that the share is used, by the org or by the app, nothing more is asked."""
    org.on("GET /limits", lambda _: httpx.Response(200, json={}, headers={"Sforce-Limit-Info": usage}))
    client.get(f"{DATA}/limits", subject="limits")

    with pytest.raises(QuotaExhaustedError, match="incomplete"):
        client.get(f"{DATA}/limits", subject="limits")

    assert 1 == org.count("GET /limits")
