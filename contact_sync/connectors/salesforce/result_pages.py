"""The result of a finished query job as counted pages in order, several of them on their way at a time.

Salesforce lists where pages begin (`resultPages`, five a reply, since version 58.0), so that they can be fetched side
by side; where it does not, each page names the next one. A page waits as a temporary file until its turn comes. Does
not belong here: jobs and what is made of their pages (bulk2.py).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from contact_sync.connectors.csv_blocks import CsvBlocks, cut, unpacked
from contact_sync.connectors.csv_table import DamagedCsvError
from contact_sync.connectors.salesforce.faults import job_gone
from contact_sync.connectors.salesforce.http import DATA_PATH, Download, SalesforceClient
from contact_sync.connectors.salesforce.trail import Trail
from contact_sync.errors import CountMismatchError, RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    import pyarrow as pa

QUERY_JOBS_PATH: Final = f"{DATA_PATH}/jobs/query"
PAGE_ATTEMPTS: Final = 3

_COUNT_HEADER: Final = "Sforce-NumberOfRecords"
_LOCATOR_HEADER: Final = "Sforce-Locator"
_NAMED: Final = 5
"""So many columns are named in a message."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a page is: its place in the reading, and the parameters it is asked for with."""

    number: int
    parameters: Mapping[str, str]

    @property
    def locator(self) -> str | None:
        """The text that Salesforce knows the page by; the first page may do without."""
        return self.parameters.get("locator")


@dataclass(frozen=True, kw_only=True)
class ResultPage:
    """A page that was fetched and found to hold as many records as it declares."""

    address: Address
    content: CsvBlocks
    declared_rows: int | None
    next_locator: str | None
    byte_count: int


class ResultPages:
    """The pages of one job; every page has exactly `columns`."""

    def __init__(
        self, client: SalesforceClient, job_id: str, columns: Sequence[str], *, subject: str, page_rows: int
    ) -> None:
        self._client = client
        self._job_id = job_id
        self._columns = tuple(columns)
        self._subject = subject
        self._page_rows = page_rows
        self._path = f"{QUERY_JOBS_PATH}/{job_id}/results"

    def in_order(
        self, locator: str | None, *, number: int, pages_ahead: int, is_listed: bool
    ) -> Generator[tuple[ResultPage, Address | None], None, None]:
        """The page at `locator`, which is number `number`, and those after it, each with the address of the next one.

        Whoever does not come to the end closes it, which waits for what is on its way.
        pages_ahead: how many pages may be fetched or wait beside the one in use. is_listed: ask where they are.
        """
        trail = Trail(instance_name=self._client.instance_name, subject=self._subject)
        listed = self._listed(locator, number) if is_listed else iter(())
        with ThreadPoolExecutor(max_workers=pages_ahead, thread_name_prefix="salesforce-page") as background:
            coming: deque[tuple[Address, Future[ResultPage]]] = deque()

            def fetch(*addresses: Address) -> None:
                for address in addresses:
                    trail.onward(address.locator or "")
                    coming.append((address, background.submit(self._fetch, address)))

            try:
                fetch(*islice(listed, pages_ahead))
                if not coming:
                    fetch(self._address(locator, number))
                while coming:
                    address, page = coming.popleft()
                    with closing(_Opened(page.result())) as opened:
                        fetch(*islice(listed, 1))
                        if not coming and opened.page.next_locator is not None:
                            fetch(self._address(opened.page.next_locator, address.number + 1))
                        yield opened.page, coming[0][0] if coming else None
            finally:
                for _, page in coming:
                    page.cancel()
                    page.add_done_callback(_discard)

    def tables(self, page: ResultPage, *, skip: int) -> Iterator[pa.Table]:
        """The rows of a page behind the first `skip`, in tables; fetched again where they turn out to be damaged."""
        rows = skip
        for attempt in range(1, PAGE_ATTEMPTS + 1):
            with closing(_Opened(page if attempt == 1 else self._fetch(page.address))) as opened:
                try:
                    for table in opened.page.content.tables(skip=rows):
                        rows += table.num_rows
                        yield table
                except DamagedCsvError as error:
                    if attempt == PAGE_ATTEMPTS:
                        raise self._damaged(page.address, error) from None
                else:
                    return

    def _fetch(self, address: Address) -> ResultPage:
        """Fetch a page until it holds what it declares."""
        for attempt in range(1, PAGE_ATTEMPTS + 1):
            try:
                return self._counted(address, self._download(address))
            except DamagedCsvError as error:
                if attempt == PAGE_ATTEMPTS:
                    raise self._damaged(address, error) from None
        raise AssertionError

    def _download(self, address: Address) -> Download:
        try:
            return self._client.download(
                self._path, subject=self._subject, parameters=address.parameters, headers={"Accept": "text/csv"}
            )
        except UnknownObjectError:
            subject = f"query job {self._job_id} of {self._subject}"
            raise job_gone(instance_name=self._client.instance_name, subject=subject) from None

    def _counted(self, address: Address, download: Download) -> ResultPage:
        """A page as whole records, as many as it declares, of the columns that were asked for."""
        file = download.body
        try:
            if download.is_gzip:
                file = unpacked(download.body)
                download.body.close()
            content = cut(file, self._columns)
            declared = download.headers.get(_COUNT_HEADER)
            if declared is not None and int(declared) != content.records:
                message = f"it has {content.records:,} rows and declares {int(declared):,} rows"
                raise DamagedCsvError(message)  # noqa: TRY301 -- closes the file
            _check_columns(content.columns, self._columns)
        except BaseException:
            file.close()
            raise
        return ResultPage(
            address=address,
            content=content,
            declared_rows=content.records if declared is not None else None,
            next_locator=_locator(download),
            byte_count=download.byte_count,
        )

    def _listed(self, locator: str | None, number: int) -> Iterator[Address]:
        """The addresses that the org lists, from the page at `locator` on; none where it has no such list."""
        found = self._listings()
        if locator is not None:
            found = dropwhile(lambda parameters: parameters.get("locator") != locator, found)
        for position, parameters in enumerate(found):
            if position and "locator" not in parameters:
                return
            yield Address(number=number + position, parameters=parameters)

    def _listings(self) -> Iterator[Mapping[str, str]]:
        """The parameters of all pages, as far as the org lists them.

        What is not listed is found page by page: each names the next one. So a list that ends early, or that names
        anything but pages of this job on this org, is not an error; no address of it is followed, only its parameters
        are used. Whether `nextRecordsUrl` or `nextRecordUrl` is sent the documentation leaves open: it shows both.
        """
        path = f"{QUERY_JOBS_PATH}/{self._job_id}/resultPages"
        parameters: Mapping[str, str] | None = {}
        while parameters is not None:
            reply: Mapping[str, Any] = {}
            with suppress(UnknownObjectError, RequestRefusedError):
                reply = self._client.get(path, subject=self._subject, parameters=parameters or None)
            for page in reply.get("resultPages") or ():
                listed = _parameters(page["resultUrl"], self._path)
                if listed is None:
                    return
                yield listed
            following = reply.get("nextRecordsUrl") or reply.get("nextRecordUrl")
            parameters = _parameters(following, path) if following and not reply.get("done", True) else None

    def _address(self, locator: str | None, number: int) -> Address:
        parameters = {"maxRecords": str(self._page_rows)}
        return Address(number=number, parameters=parameters if locator is None else {**parameters, "locator": locator})

    def _damaged(self, address: Address, error: DamagedCsvError) -> CountMismatchError:
        message = (
            f"Page {address.number} of query job {self._job_id} of {self._subject} arrived damaged "
            f"{PAGE_ATTEMPTS} times: {error}."
        )
        return CountMismatchError(message, remedy="Resume the reading; if it persists, start it anew.")


class _Opened:
    """A page whose file is closed at the end."""

    def __init__(self, page: ResultPage) -> None:
        self.page = page

    def close(self) -> None:
        self.page.content.close()


def _parameters(url: str, path: str) -> dict[str, str] | None:
    """The parameters of an address, if it is the path on the org itself; a plus sign in it is one."""
    parts = urlsplit(url)
    if parts.netloc or parts.path != path:
        return None
    pairs = (pair.partition("=") for pair in parts.query.split("&") if pair)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def _discard(download: Future[ResultPage]) -> None:
    """Close a page that nobody will use."""
    if not download.cancelled() and download.exception() is None:
        download.result().content.close()


def _check_columns(found: Sequence[str], expected: Sequence[str]) -> None:
    """Raise DamagedCsvError unless a page has the columns that were asked for; it quotes no text that arrived."""
    if tuple(found) == tuple(expected):
        return
    missing = [name for name in expected if name not in set(found)]
    more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    unexpected = len(set(found) - set(expected))
    parts = [
        *([f"it lacks the columns {', '.join(missing[:_NAMED])}{more}"] if missing else []),
        *([f"it has {unexpected} columns that were not asked for"] if unexpected else []),
    ]
    raise DamagedCsvError("; ".join(parts) or "its columns are not in the order they were asked for")


def _locator(download: Download) -> str | None:
    """Where the next page starts; the last page says so by the text `null`."""
    locator = download.headers.get(_LOCATOR_HEADER)
    return None if locator in {None, "", "null"} else locator
