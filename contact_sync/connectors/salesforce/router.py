"""An org as a Source: what is selected becomes parts of an object, read on the lanes that suit them.

Does not belong here: which lane that is (lanes.py), or how a reading is divided (reading.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from contact_sync.connectors.base import (
    Checkpoint,
    Columns,
    Deletions,
    Field,
    Health,
    Memory,
    ObjectSummary,
    Page,
    Records,
    Selection,
    Upcoming,
    Window,
)
from contact_sync.connectors.salesforce import bulk2
from contact_sync.connectors.salesforce.bulk2 import BulkQuery
from contact_sync.connectors.salesforce.composite import Question, ask_one
from contact_sync.connectors.salesforce.describe import selected
from contact_sync.connectors.salesforce.examine import examine
from contact_sync.connectors.salesforce.http import DATA_PATH, SalesforceClient
from contact_sync.connectors.salesforce.lanes import REST_ROWS, OrgLanes
from contact_sync.connectors.salesforce.overview import Overview
from contact_sync.connectors.salesforce.reading import PartedReading
from contact_sync.connectors.salesforce.rest import QUERY_PATH, RestQuery
from contact_sync.connectors.salesforce.soql import IDS_AT_ONCE, Part, select_one_changed
from contact_sync.connectors.salesforce.wide import WideQuery
from contact_sync.errors import RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from contact_sync.catalog import CatalogObject
    from contact_sync.connectors.examination import Finding, Need
    from contact_sync.settings import SalesforceInstance

JOB_DEADLINE_SECONDS: Final = 4 * 3600.0


class Forgetful:
    """A Memory that lasts as long as the process."""

    def __init__(self) -> None:
        self._facts: dict[str, Mapping[str, Any]] = {}

    def recall(self, topic: str) -> Mapping[str, Any] | None:
        """What was learned last about a topic."""
        return self._facts.get(topic)

    def learn(self, topic: str, value: Mapping[str, Any]) -> None:
        """Keep a fact."""
        self._facts[topic] = value


class SalesforceSource:
    """Reads one org; see the ports Source, Replicable and Examinable.

    `client` may be shared with a SalesforceTarget, whose user then closes it.
    """

    def __init__(
        self,
        instance_name: str,
        settings: SalesforceInstance,
        *,
        client: SalesforceClient | None = None,
        memory: Memory | None = None,
        job_deadline_seconds: float = JOB_DEADLINE_SECONDS,
        page_rows: int = bulk2.PAGE_ROWS,
        rest_rows: int = REST_ROWS,
    ) -> None:
        self._owns_client = client is None
        self.client = client or SalesforceClient(instance_name, settings)
        memory = memory or Forgetful()
        self._rest = RestQuery(self.client)
        self._overview = Overview(self.client, memory)
        self._lanes = OrgLanes(
            client=self.client,
            rest=self._rest,
            bulk=BulkQuery(self.client, job_deadline_seconds=job_deadline_seconds, page_rows=page_rows),
            wide=WideQuery(self._rest),
            memory=memory,
            rest_rows=rest_rows,
        )

    def check(self) -> Health:
        """Log in; the identity is the Organization Id, which a sandbox refresh changes."""
        reply = self.client.get(
            QUERY_PATH,
            subject="Organization",
            parameters={"q": "SELECT Id, Name, InstanceName, IsSandbox FROM Organization"},
        )
        organization = reply["records"][0]
        limits = self._limits()
        kind = "sandbox" if organization["IsSandbox"] else "production"
        return Health(
            identity=organization["Id"],
            description=f"{organization['Name']} ({kind} on {organization['InstanceName']})",
            remaining_calls=limits.get("DailyApiRequests", {}).get("Remaining", self.client.remaining_requests),
            remaining_batches=limits.get("DailyBulkApiBatches", {}).get("Remaining"),
        )

    def _limits(self) -> Mapping[str, Mapping[str, int]]:
        """What is left of each allowance; nothing if our user may not know: some orgs show it to setup users only."""
        answer = ask_one(self.client, Question(path=f"{DATA_PATH}/limits"), subject="limits")
        return answer.document if answer.is_found else {}

    def examine(self, needs: Sequence[Need]) -> tuple[Finding, ...]:
        """What the org lacks, and what our user may not do."""
        return examine(self.client, self._overview.hidden, needs)

    def fields(self, item: CatalogObject) -> tuple[Field, ...]:
        """All fields of an object, those that cannot be selected included."""
        return self._overview.fields(item)

    def objects(self) -> tuple[ObjectSummary, ...]:
        """Every object of the org that our user may see."""
        return self._overview.objects()

    def prepare(self, upcoming: Sequence[Upcoming]) -> None:
        """Ask at once what all of these objects will need."""
        self._overview.prepare(upcoming)

    def settled(self, item: CatalogObject) -> datetime | None:
        """The time before which no transaction is open any more."""
        return self._overview.settled(item)

    def deletions(self, item: CatalogObject, since: datetime) -> Deletions | None:
        """The records deleted since, as the org remembers them for 15 days."""
        return self._overview.deletions(item, since)

    def hidden(self, item: CatalogObject, names: Collection[str]) -> frozenset[str]:
        """Which of these fields exist but may not be seen by our user."""
        return self._overview.hidden(item, names)

    def time(self) -> datetime:
        """The time on the org's clock."""
        return self.client.time()

    def read(self, item: CatalogObject, selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:
        """Yield the selected records, deleted ones included, page by page; a field gone meanwhile is left out once."""
        parts = _parts(item, selection)
        reading = PartedReading(self._lanes.of(item, self._selected(item, selection)), parts, resume=resume)
        pages = reading.pages()
        try:
            first = next(pages)
        except UnknownObjectError as error:
            if error.code != "INVALID_FIELD" or resume is not None:
                raise
            self._overview.fields(item, is_fresh=True)
            pages = PartedReading(self._lanes.of(item, self._selected(item, selection)), parts).pages()
            first = next(pages)
        yield first
        # What was yielded is the caller's: kept here too, its memory would last as long as the reading.
        del first
        yield from pages

    def has_changed(self, item: CatalogObject, since: datetime | None) -> bool:
        """Whether any record, deleted ones included, is newer than `since`."""
        reply = self._rest.first(select_one_changed(item, since), subject=item.object)
        return bool(reply["records"])

    def close(self) -> None:
        """Give connections back, unless the client was given."""
        if self._owns_client:
            self.client.close()

    def _selected(self, item: CatalogObject, selection: Selection) -> tuple[Field, ...]:
        fields = self._overview.fields(item)
        if not isinstance(selection, Columns):
            return selected(item, fields)
        known = {field.name for field in fields}
        anchors = [name for name in (item.key, item.cursor, item.deleted) if name is not None and name in known]
        names = tuple(dict.fromkeys([*anchors, *selection.names]))
        return selected(item.model_copy(update={"columns": names}), fields)


def _parts(item: CatalogObject, selection: Selection) -> list[Part]:
    match selection:
        case Window():
            return [Part(start=selection.start, end=selection.end)]
        case Columns():
            return [Part()]
        case Records():
            keys = selection.keys
            return [Part(ids=keys[at : at + IDS_AT_ONCE]) for at in range(0, len(keys), IDS_AT_ONCE)]
    message = f"{item.name} is read by windows of time, not by files."
    raise RequestRefusedError(message, code="NOT_A_WINDOW", remedy="Check the object's connector.")
