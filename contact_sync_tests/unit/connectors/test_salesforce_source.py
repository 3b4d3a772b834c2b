"""Reading an org in bulk: paging, counting, resuming, and jobs that fail."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import httpx
import pytest

from contact_sync.connectors.salesforce import SalesforceSource
from contact_sync.errors import CountMismatchError, RequestRefusedError
from contact_sync_tests.unit.connectors.scripted_org import (
    DATA,
    EVERYTHING,
    RESULTS,
    FakeTime,
    Org,
    ids_of,
    page_of,
    problem,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from contact_sync.catalog import CatalogObject
    from contact_sync.connectors.salesforce import SalesforceClient
    from contact_sync.settings import SalesforceInstance

pytestmark = pytest.mark.usefixtures("contact_fields")


def test_all_fields_are_listed_and_compound_ones_cannot_be_selected(
    source: SalesforceSource, contact: CatalogObject
) -> None:
    """Addresses and files are described, but no reading selects them."""
    selectable = {field.name: field.is_selectable for field in source.fields(contact)}

    assert {"Id": True, "Name": True, "MailingAddress": False, "Photo": False, "SystemModstamp": True} == selectable


def test_a_large_load_goes_by_bulk_with_a_statement_that_can_be_chunked(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """REST is asked once how much there is; the job includes deleted records, and nothing forbids chunking."""
    list(source.read(contact, EVERYTHING))

    job = next(request for request in three_pages.requests if request.url.path == f"{DATA}/jobs/query")
    assert 1 == three_pages.count("GET /queryAll")
    assert b'"operation":"queryAll"' in job.content
    assert (
        b'"SELECT Id, Name, SystemModstamp FROM Contact WHERE SystemModstamp < 2026-11-20T12:00:00.000Z"' in job.content
    )


def test_every_page_arrives_counted(three_pages: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """All rows arrive in order, each page says what it and the whole reading hold, only the last is last."""
    pages = list(source.read(contact, EVERYTHING))

    assert ["1", "2", "3", "4", "5"] == ids_of(pages)
    assert [(1, 2, 5), (2, 2, 5), (3, 1, 5)] == [
        (page.number, page.declared_rows, page.declared_total) for page in pages
    ]
    assert [False, False, True] == [page.is_last for page in pages]
    assert len(page_of("1", "2")) == pages[0].byte_count


def test_a_reading_resumes_after_any_page(three_pages: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Given the checkpoint of a page, the same job is read on after that page; no new job is created."""
    pages = list(source.read(contact, EVERYTHING))

    for position, page in enumerate(pages[:-1]):
        rest = list(source.read(contact, EVERYTHING, resume=page.checkpoint))
        assert [later.number for later in pages[position + 1 :]] == [later.number for later in rest]
        assert ids_of(pages[position + 1 :]) == ids_of(rest)
    assert 1 == three_pages.count("POST /jobs/query")


def test_a_reading_given_up_half_way_ends_cleanly(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Closing the iterator after a page leaves no file open and no thread behind."""
    reading = source.read(contact, EVERYTHING)

    assert ["1", "2"] == next(reading).rows["Id"].to_pylist()
    reading.close()  # type: ignore[attr-defined]


def test_a_job_that_is_gone_cannot_be_resumed(
    org: Org, three_pages: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """A forgotten job is told apart from every other refusal, so that the reading can be started anew."""
    first = next(source.read(contact, EVERYTHING))
    org.on(RESULTS, lambda _: problem(404, "NOT_FOUND"))

    with pytest.raises(RequestRefusedError) as raised:
        list(source.read(contact, EVERYTHING, resume=first.checkpoint))

    assert "JOB_GONE" == raised.value.code


@pytest.mark.parametrize(("losses", "is_read"), [(1, True), (3, True), (4, False)])
def test_a_job_that_is_gone_before_it_brought_anything_is_made_again(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject, losses: int, *, is_read: bool
) -> None:
    """Nothing was yielded yet, so another job is as good; an org that forgets each of them is an error."""
    state = f"GET {DATA}/jobs/query/750A"
    honest, left = three_pages.answers[state], [None] * losses

    def answer(request: httpx.Request) -> httpx.Response:
        if not left:
            return honest(request)
        left.pop()
        return problem(404, "NOT_FOUND")

    three_pages.answers[state] = answer

    if is_read:
        assert ["1", "2", "3", "4", "5"] == ids_of(list(source.read(contact, EVERYTHING)))
    else:
        with pytest.raises(RequestRefusedError, match="does not keep"):
            list(source.read(contact, EVERYTHING))
    assert min(losses, 3) + 1 == three_pages.count("POST /jobs/query")


def test_pages_that_go_in_circles_are_an_error(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """A page without rows that names itself as the next one is read once."""
    headers = {"Sforce-NumberOfRecords": "0", "Sforce-Locator": "9"}
    three_pages.answers[f"GET {DATA}/jobs/query/750A/results"] = lambda _: httpx.Response(
        200, content=page_of(), headers=headers
    )

    with pytest.raises(CountMismatchError, match="names a page of Contact that was read already"):
        list(source.read(contact, EVERYTHING))


def short_page(_: httpx.Request) -> httpx.Response:
    """A page that pretends to hold two rows."""
    headers = {"Sforce-NumberOfRecords": "2", "Sforce-Locator": "1"}
    return httpx.Response(200, content=page_of("1"), headers=headers)


def cut_page(_: httpx.Request) -> httpx.Response:
    """A page whose compressed body has lost its end, although its framing is right."""
    headers = {"Sforce-NumberOfRecords": "2", "Sforce-Locator": "1", "Content-Encoding": "gzip"}
    return httpx.Response(200, stream=httpx.ByteStream(gzip.compress(page_of("1", "2"))[:-9]), headers=headers)


@pytest.mark.parametrize("damaged", [short_page, cut_page])
def test_a_page_that_does_not_hold_what_it_declares_is_read_again(
    three_pages: Org,
    source: SalesforceSource,
    contact: CatalogObject,
    damaged: Callable[[httpx.Request], httpx.Response],
) -> None:
    """Two bad copies of a page are followed by the good one."""
    path = f"{DATA}/jobs/query/750A/results"
    honest, copies = three_pages.answers[f"GET {path}"], [damaged, damaged]

    def results(request: httpx.Request) -> httpx.Response:
        is_first_page = "locator" not in request.url.params
        return copies.pop()(request) if is_first_page and copies else honest(request)

    three_pages.answers[f"GET {path}"] = results

    assert ["1", "2", "3", "4", "5"] == ids_of(list(source.read(contact, EVERYTHING)))
    assert [] == copies


def test_a_page_that_stays_short_is_an_error(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """After three short copies the reading fails and names object, job and page; the pages before it were delivered."""
    org.query_job([page_of("1", "2"), page_of("3")], [2, 2])
    reading = source.read(contact, EVERYTHING)

    assert ["1", "2"] == next(reading).rows["Id"].to_pylist()
    with pytest.raises(CountMismatchError, match=r"Page 2 of query job 750A of Contact.*2 rows"):
        next(reading)
    assert 4 == org.count(RESULTS)


def test_a_job_that_sends_fewer_rows_than_it_processed_is_an_error(
    org: Org, source: SalesforceSource, contact: CatalogObject
) -> None:
    """Whole pages that are missing at the end are noticed, and the last page is not delivered."""
    org.query_job([page_of("1", "2"), page_of("3", "4")], [2, 2], total=6)
    reading = source.read(contact, EVERYTHING)
    next(reading)

    with pytest.raises(CountMismatchError, match="declared 6 rows and sent 4"):
        next(reading)


def test_resuming_still_proves_the_total(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Rows read before the interruption count towards the total after it."""
    org.query_job([page_of("1", "2"), page_of("3", "4")], [2, 2], total=6)
    first = next(source.read(contact, EVERYTHING))

    with pytest.raises(CountMismatchError):
        list(source.read(contact, EVERYTHING, resume=first.checkpoint))


def test_a_job_without_rows_is_one_empty_page(org: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """Nothing to read is a page without rows, with the columns of the statement even if no byte comes."""
    org.query_job([b""], [0])

    (page,) = source.read(contact, EVERYTHING)

    assert (0, ["Id", "Name", "SystemModstamp"], True) == (page.rows.num_rows, page.rows.column_names, page.is_last)


def test_a_session_may_end_at_any_request_of_a_reading(
    three_pages: Org,
    client: SalesforceClient,
    instance: SalesforceInstance,
    source: SalesforceSource,
    contact: CatalogObject,
) -> None:
    """Every request of a bulk reading survives the end of its session."""
    clean = list(source.read(contact, EVERYTHING))
    names = {f"{request.method} {request.url.path}" for request in three_pages.requests} - {
        "POST /services/oauth2/token"
    }

    for name in names:
        three_pages.failures[name].append(lambda _: problem(401, "INVALID_SESSION_ID"))
    logins = three_pages.logins

    another = SalesforceSource("core", instance, client=client)
    assert ids_of(clean) == ids_of(list(another.read(contact, EVERYTHING)))
    assert 5 == len(names)
    assert logins + len(names) == three_pages.logins


def test_a_slow_job_is_asked_less_and_less(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject, fake_time: FakeTime
) -> None:
    """A job that is still running is asked after growing delays."""
    running = httpx.Response(200, json={"state": "InProgress"})
    three_pages.fail("GET /jobs/query/750A", *[lambda _: running] * 4)

    list(source.read(contact, EVERYTHING))

    assert pytest.approx([0.1, 0.2, 0.4, 0.8]) == fake_time.slept


def test_a_job_that_never_ends_is_aborted(three_pages: Org, source: SalesforceSource, contact: CatalogObject) -> None:
    """After the deadline the job is aborted and the error says so."""
    three_pages.on("GET /jobs/query/750A", {"state": "InProgress"})
    three_pages.on("PATCH /jobs/query/750A", {"state": "Aborted"})

    with pytest.raises(RequestRefusedError, match="100 seconds") as raised:
        list(source.read(contact, EVERYTHING))

    assert "JOB_TIMEOUT" == raised.value.code
    assert 1 == three_pages.count("PATCH /jobs/query/750A")


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"state": "Failed", "errorMessage": "InvalidBatch : Jane Roe"}, "InvalidBatch"),
        ({"state": "Failed", "errorMessage": "Retried more than fifteen times"}, "JOB_RETRIED"),
        ({"state": "Aborted", "errorMessage": None}, "JOB_FAILED"),
    ],
)
def test_a_failed_job_is_an_error_with_its_code(
    three_pages: Org, source: SalesforceSource, contact: CatalogObject, job: dict[str, str | None], code: str
) -> None:
    """The error has the code of the job's message and nothing else of it."""
    three_pages.on("GET /jobs/query/750A", job)

    with pytest.raises(RequestRefusedError, match=f"750A.*{job['state']}") as raised:
        list(source.read(contact, EVERYTHING))

    assert code == raised.value.code
    assert "Jane" not in str(raised.value)
