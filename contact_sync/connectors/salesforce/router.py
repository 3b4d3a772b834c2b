"""An org as a Source: each reading goes by REST while it is small, and by Bulk API 2.0 otherwise.

200 objects every 15 minutes would be 19,200 Bulk jobs a day, and an org allows 10,000; above 2,000 rows REST costs more
requests than a job. Does not belong here: how either lane works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus

from contact_sync.connectors.base import Checkpoint, Field, Health, Page, Selection, Window
from contact_sync.connectors.salesforce import bulk2, rest
from contact_sync.connectors.salesforce.bulk2 import BulkQuery
from contact_sync.connectors.salesforce.describe import describe, selected
from contact_sync.connectors.salesforce.http import DATA_PATH, SalesforceClient
from contact_sync.connectors.salesforce.rest import QUERY_PATH, RestQuery
from contact_sync.connectors.salesforce.soql import select_one_changed, select_window
from contact_sync.errors import RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from contact_sync.catalog import CatalogObject
    from contact_sync.settings import SalesforceInstance

REST_ROWS: Final = 2_000
"""Up to here the REST reply is the reading."""
REST_STATEMENT_BYTES: Final = 14_000
"""A request's URI and headers may have 16,384 bytes together."""
JOB_DEADLINE_SECONDS: Final = 4 * 3600.0


class SalesforceSource:
    """Reads one org; see the Source port. `client` may be shared with a SalesforceTarget, whose user then closes it."""

    def __init__(
        self,
        instance_name: str,
        settings: SalesforceInstance,
        *,
        client: SalesforceClient | None = None,
        job_deadline_seconds: float = JOB_DEADLINE_SECONDS,
        page_rows: int = bulk2.PAGE_ROWS,
    ) -> None:
        self._owns_client = client is None
        self.client = client or SalesforceClient(instance_name, settings)
        self._rest = RestQuery(self.client)
        self._bulk = BulkQuery(self.client, job_deadline_seconds=job_deadline_seconds, page_rows=page_rows)

    def check(self) -> Health:
        """Log in; the identity is the Organization Id, which a sandbox refresh changes."""
        reply = self.client.get(
            QUERY_PATH,
            subject="Organization",
            parameters={"q": "SELECT Id, Name, InstanceName, IsSandbox FROM Organization"},
        )
        organization = reply["records"][0]
        limits = self.client.get(f"{DATA_PATH}/limits", subject="limits")
        kind = "sandbox" if organization["IsSandbox"] else "production"
        return Health(
            identity=organization["Id"],
            description=f"{organization['Name']} ({kind} on {organization['InstanceName']})",
            remaining_calls=limits["DailyApiRequests"]["Remaining"],
        )

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """All fields of an object, those that cannot be selected included."""
        return describe(self.client, item.object)

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Yield the records of a Window, deleted ones included, page by page."""
        if not isinstance(selection, Window):
            message = f"{item.name} is read by windows of time, not by files."
            raise RequestRefusedError(message, code="NOT_A_WINDOW", remedy="Check the object's connector.")
        fields = selected(item, self.fields(item))
        columns = [field.name for field in fields]
        if resume is None:
            yield from self._read_new(item, selection, fields)
        elif resume["lane"] == rest.LANE:
            yield from self._rest.resume(resume, fields, subject=item.object)
        else:
            yield from self._bulk.resume(resume, columns, subject=item.object)

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Whether any record, deleted ones included, is newer than `since`."""
        reply = self._rest.first(select_one_changed(item, since), subject=item.object)
        return bool(reply["records"])

    def close(self) -> None:
        """Give connections back, unless the client was given."""
        if self._owns_client:
            self.client.close()

    def _read_new(self, item: CatalogObject, window: Window, fields: tuple[Field, ...]) -> Iterator[Page]:
        soql = select_window(item, [field.name for field in fields], window)
        fits_rest = len(quote_plus(soql)) <= REST_STATEMENT_BYTES
        if fits_rest and window.start is not None:
            reply = self._rest.first(soql, subject=item.object)
            if int(reply["totalSize"]) <= REST_ROWS:
                yield from self._rest.pages(reply, fields, subject=item.object)
                return
        yield from self._read_in_bulk(item, soql, fields, fits_rest=fits_rest)

    def _read_in_bulk(
        self, item: CatalogObject, soql: str, fields: tuple[Field, ...], *, fits_rest: bool
    ) -> Iterator[Page]:
        try:
            job_id = self._bulk.create(soql, subject=item.object)
        except UnknownObjectError:
            # The object has just been described, so it exists: it is one of those that Bulk API does not support.
            if not fits_rest:
                raise
            yield from self._rest.pages(self._rest.first(soql, subject=item.object), fields, subject=item.object)
            return
        job = self._bulk.wait(job_id, subject=item.object)
        yield from self._bulk.pages(job, [field.name for field in fields])
