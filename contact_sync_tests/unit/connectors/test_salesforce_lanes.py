"""Which lane a reading takes, the REST lane, and the same text on both lanes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.connectors.base import Field, Files
from contact_sync.connectors.salesforce import SalesforceClient, SalesforceSource
from contact_sync.connectors.salesforce.rest import records_table
from contact_sync.connectors.salesforce.soql import Part, datetime_literal, select
from contact_sync.errors import CountMismatchError, RequestRefusedError, SourceUnreachableError, UnknownObjectError
from contact_sync_tests.unit.connectors.scripted_org import (
    DATA,
    END,
    EVERYTHING,
    SINCE,
    Org,
    csv_bytes,
    ids_of,
    problem,
    records,
)

if TYPE_CHECKING:
    from contact_sync.catalog import CatalogObject
    from contact_sync.settings import SalesforceInstance

pytestmark = pytest.mark.usefixtures("contact_fields")


def test_a_small_window_is_read_by_rest(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Up to 2,000 rows the REST pages are the reading; no job is created, and it resumes by its cursor."""
    more = f"{DATA}/queryAll/01g-2"
    first = {"totalSize": 3, "done": False, "nextRecordsUrl": more, "records": records("1", "2")}
    org.on("GET /queryAll", first)
    org.on("GET /queryAll/01g-2", {"totalSize": 3, "done": True, "records": records("3")})

    pages = list(source.read(contact, SINCE))
    resumed = list(source.read(contact, SINCE, resume=pages[0].checkpoint))

    assert ["1", "2", "3"] == ids_of(pages)
    assert (["3"], 2) == (ids_of(resumed), resumed[0].number)
    assert [(None, 3), (None, 3)] == [(page.declared_rows, page.declared_total) for page in pages]
    assert 0 == org.count("POST /jobs/query")


def test_a_rest_cursor_that_has_expired_is_a_job_that_is_gone(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Both lanes say alike that a reading cannot be resumed."""
    more = f"{DATA}/queryAll/01g-2"
    org.on("GET /queryAll", {"totalSize": 3, "done": False, "nextRecordsUrl": more, "records": records("1")})
    org.on("GET /queryAll/01g-2", lambda _: problem(400, "INVALID_QUERY_LOCATOR"))
    reading = source.read(contact, SINCE)
    next(reading)

    with pytest.raises(RequestRefusedError) as raised:
        next(reading)

    assert "JOB_GONE" == raised.value.code


def test_a_rest_reading_that_goes_in_circles_is_an_error(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """A page that names itself as the next one is read once."""
    more = f"{DATA}/queryAll/01g-2"
    org.on("GET /queryAll", {"totalSize": 3, "done": False, "nextRecordsUrl": more, "records": records("1")})
    org.on("GET /queryAll/01g-2", {"totalSize": 3, "done": False, "nextRecordsUrl": more, "records": []})

    with pytest.raises(CountMismatchError, match="names a page of Contact that was read already"):
        list(source.read(contact, SINCE))
    assert 1 == org.count("GET /queryAll/01g-2")


def test_a_short_rest_reading_is_an_error(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Fewer records than totalSize are never taken for all of them."""
    org.on("GET /queryAll", {"totalSize": 3, "done": True, "records": records("1", "2")})

    with pytest.raises(CountMismatchError, match="declared 3 rows of Contact and sent 2"):
        list(source.read(contact, SINCE))


def test_a_large_window_is_read_by_bulk(three_pages: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Above 2,000 rows the REST answer is dropped and a job is created for the same statement."""
    three_pages.on(
        "GET /queryAll",
        {"totalSize": 2_001, "done": False, "nextRecordsUrl": f"{DATA}/queryAll/2", "records": records("9")},
    )

    assert ["1", "2", "3", "4", "5"] == ids_of(list(source.read(contact, SINCE)))
    assert 1 == three_pages.count("GET /queryAll")


def test_a_statement_too_long_for_an_address_goes_by_bulk(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Hundreds of fields do not fit a request's address: REST is asked for the number only, and it is large."""
    fields = {"Id": "id", **{f"A_rather_long_field_name_{n}__c": "string" for n in range(600)}}
    three_pages.describe("Contact", **fields)
    three_pages.query_job([csv_bytes([list(fields)])], [0])

    list(source.read(contact, SINCE))

    (request,) = [request for request in three_pages.requests if request.url.path.endswith("/queryAll")]
    assert request.url.params["q"].startswith("SELECT count() FROM Contact WHERE SystemModstamp >= ")


def test_an_object_that_bulk_refuses_is_read_by_rest(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """An object that exists but that Bulk API does not support still is read whole."""
    org.on("POST /jobs/query", lambda _: problem(400, "INVALIDENTITY"))
    org.on("GET /queryAll", {"totalSize": 2, "done": True, "records": records("1", "2")})

    assert ["1", "2"] == ids_of(list(source.read(contact, EVERYTHING)))


def test_an_unknown_object_is_named(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """An object that describe does not know is an error that names it."""
    org.on("GET /sobjects/Contact/describe", lambda _: problem(404, "NOT_FOUND"))

    with pytest.raises(UnknownObjectError, match="Contact"):
        list(source.read(contact, EVERYTHING))


def test_columns_of_the_catalog_have_to_exist(source: SalesforceSource, contact: CatalogObject) -> None:
    """A column listed in the catalog that cannot be selected is named."""
    item = contact.model_copy(update={"columns": ("Id", "Photo")})

    with pytest.raises(UnknownObjectError, match="Photo"):
        list(source.read(item, EVERYTHING))


def test_files_cannot_be_read_from_an_org(source: SalesforceSource, contact: CatalogObject) -> None:
    """A selection of files is refused."""
    with pytest.raises(RequestRefusedError, match="salesforce__contact"):
        list(source.read(contact, Files(versions={})))


@pytest.mark.parametrize(("found", "expected"), [(["1"], True), ([], False)])
def test_one_request_tells_whether_anything_changed(
    org: Org, source: SalesforceSource, contact: CatalogObject, found: list[str], expected: bool
) -> None:
    """One record newer than `since` is asked for, deleted ones included."""
    org.on("GET /queryAll", {"totalSize": len(found), "done": True, "records": records(*found)})

    assert expected is source.has_changed(contact, END)

    statement = org.requests[-1].url.params["q"]
    assert "SELECT Id FROM Contact WHERE SystemModstamp > 2026-11-20T12:00:00.000Z LIMIT 1" == statement


def test_check_tells_organization_and_remaining_calls(org: Org, source: SalesforceSource) -> None:
    """The identity is the Organization Id."""
    organization = {"Id": "00D1", "Name": "Acme", "InstanceName": "EU42", "IsSandbox": True}
    org.on("GET /query", {"totalSize": 1, "done": True, "records": [organization]})
    left = {"DailyApiRequests": {"Max": 100, "Remaining": 42}, "DailyBulkApiBatches": {"Max": 10, "Remaining": 7}}
    org.on("GET /limits", left)

    health = source.check()

    assert ("00D1", "Acme (sandbox on EU42)") == (health.identity, health.description)
    assert (42, 7) == (health.remaining_calls, health.remaining_batches)


def test_an_org_that_does_not_show_its_limits_is_healthy(org: Org, source: SalesforceSource) -> None:
    """Some orgs show them to setup users only; requests are then known from the header of each reply."""
    organization = {"Id": "00D1", "Name": "Acme", "InstanceName": "EU42", "IsSandbox": True}
    reply = {"totalSize": 1, "done": True, "records": [organization]}
    header = {"Sforce-Limit-Info": "api-usage=18/5000"}
    org.on("GET /query", lambda _: httpx.Response(200, json=reply, headers=header))
    org.on("GET /limits", lambda _: problem(403, "INSUFFICIENT_ACCESS"))

    health = source.check()

    assert (4_982, None) == (health.remaining_calls, health.remaining_batches)


def test_an_org_that_is_down_is_named(org: Org, source: SalesforceSource) -> None:
    """A check of an org that only answers 503 says which one it is."""
    org.fail("GET /query", *[lambda _: httpx.Response(503)] * 6)

    with pytest.raises(SourceUnreachableError, match=r"core.*503"):
        source.check()


def test_both_lanes_bring_the_same_text() -> None:
    """The same record has the same text whether it comes as JSON or as CSV."""
    kinds = {"Id": "id", "At": "datetime", "Day": "date", "Flag": "boolean", "Amount": "currency", "Note": "textarea"}
    fields = [Field(name=name, type=kind) for name, kind in kinds.items()]
    document = {
        "attributes": {"type": "X"},
        "Id": "1",
        "At": "2024-07-24T14:05:58.000+0000",
        "Day": "2024-07-24",
        "Flag": True,
        "Amount": "12345678901234567.89",
        "Note": "2024-07-24T14:05:58.000+0000",
    }
    empty = {"attributes": {"type": "X"}, "Id": "2", **dict.fromkeys(["At", "Day", "Flag", "Amount", "Note"])}

    expected = [
        {
            "Id": "1",
            "At": "2024-07-24T14:05:58.000Z",
            "Day": "2024-07-24",
            "Flag": "true",
            "Amount": "12345678901234567.89",
            "Note": "2024-07-24T14:05:58.000+0000",
        },
        {"Id": "2", "At": None, "Day": None, "Flag": None, "Amount": None, "Note": None},
    ]
    assert expected == records_table([document, empty], fields).to_pylist()


def test_numbers_keep_every_digit(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """A number that no float can hold arrives digit by digit."""
    org.describe("Contact", Id="id", Amount="currency")
    content = b'{"totalSize":1,"done":true,"records":[{"Id":"1","Amount":12345678901234567.890}]}'
    org.on("GET /queryAll", lambda _: httpx.Response(200, content=content))

    (page,) = source.read(contact, SINCE)

    assert ["12345678901234567.890"] == page.rows["Amount"].to_pylist()


def test_bytes_are_text_whatever_the_reply_says_about_its_charset(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """CSV is UTF-8, also when no charset is named."""
    org.query_job([csv_bytes([("Id", "Name", "SystemModstamp"), ("1", "Zoë 😀", "")])], [1])

    (page,) = source.read(contact, EVERYTHING)

    assert ["Zoë 😀"] == page.rows["Name"].to_pylist()


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - made aware below
def test_windows_of_any_offset_meet_without_gap(moment: datetime) -> None:
    """One moment is one literal in any time zone, so that the end of a window is the start of the next."""
    utc = moment.replace(tzinfo=UTC)

    literal = datetime_literal(utc)

    assert literal == datetime_literal(utc.astimezone(timezone(timedelta(hours=5))))
    assert timedelta(0) <= utc - datetime.fromisoformat(literal) < timedelta(milliseconds=1)


def test_a_window_includes_its_start_and_excludes_its_end(contact: CatalogObject) -> None:
    """Records that share a time stamp are never split between two windows."""
    statement = select(contact, ["Id"], Part(start=SINCE.start, end=SINCE.end).conditions(contact))

    assert (
        "SELECT Id FROM Contact WHERE SystemModstamp >= 2026-11-20T11:00:00.000Z "
        "AND SystemModstamp < 2026-11-20T12:00:00.000Z"
    ) == statement


def test_a_source_closes_its_own_client_only(client: SalesforceClient, instance: SalesforceInstance, org: Org) -> None:
    """A client that was given stays open for the target that shares it."""
    org.on("GET /limits", {})
    SalesforceSource("core", instance, client=client).close()

    assert {} == client.get(f"{DATA}/limits", subject="limits")
