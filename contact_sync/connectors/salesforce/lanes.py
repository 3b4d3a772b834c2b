"""Which lane a part of an object takes: REST while it is small, Bulk API 2.0 otherwise, REST where Bulk is refused.

200 objects every 15 minutes would be 19,200 Bulk jobs a day, and an org allows 10,000; above 2,000 rows REST costs more
requests than a job. What Bulk refuses is remembered, since no document lists it. Does not belong here: how lanes work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from contact_sync.connectors.base import Checkpoint, Field, Memory, Page
from contact_sync.connectors.salesforce import bulk2, rest, wide
from contact_sync.connectors.salesforce.bulk2 import BulkQuery
from contact_sync.connectors.salesforce.rest import RestQuery
from contact_sync.connectors.salesforce.soql import Part, fits_address, select, select_in_order
from contact_sync.connectors.salesforce.wide import WideQuery
from contact_sync.errors import RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contact_sync.catalog import CatalogObject
    from contact_sync.connectors.salesforce.http import SalesforceClient

REST_ROWS: Final = 2_000
"""Up to here the REST reply is the reading."""
REFUSAL_DAYS: Final = 30
"""So long a refusal of Bulk API is believed before it is tried again."""

_REFUSALS: Final = frozenset({"FUNCTIONALITY_NOT_ENABLED", "API_ERROR", "INVALIDENTITY", "NOT_FOUND", "INVALID_TYPE"})
"""Codes by which a job for an object that was just described is refused, because Bulk API does not support it."""


@dataclass(frozen=True, kw_only=True)
class OrgLanes:
    """The lanes of one org; each is safe to use for several objects at a time."""

    client: SalesforceClient
    rest: RestQuery
    bulk: BulkQuery
    wide: WideQuery
    memory: Memory
    rest_rows: int = REST_ROWS

    def of(self, item: CatalogObject, fields: Sequence[Field]) -> ObjectLanes:
        """The lanes of an object, for a reading of these fields."""
        return ObjectLanes(org=self, item=item, fields=tuple(fields))


@dataclass(frozen=True, kw_only=True)
class ObjectLanes:
    """The Lanes of one reading of an object."""

    org: OrgLanes
    item: CatalogObject
    fields: tuple[Field, ...]

    def begin(self, part: Part) -> Iterator[Page]:
        """Choose the lane by what the org says the part holds."""
        if not fits_address(self._statement(part)):
            return self._begin_wide(part)
        try:
            reply = self.org.rest.first(self._statement(part), subject=self.item.object)
        except RequestRefusedError as error:
            if error.code != "QUERY_TIMEOUT" or self._is_refused():
                raise
            return self._in_bulk(part)
        if int(reply["totalSize"]) <= self.org.rest_rows or self._is_refused():
            return self._by_rest(reply)
        return self._in_bulk(part)

    def resume(self, part: Part, checkpoint: Checkpoint) -> Iterator[Page]:
        """Continue on the lane that the checkpoint is of."""
        subject = self.item.object
        match checkpoint["lane"]:
            case rest.LANE:
                return self.org.rest.resume(checkpoint, self.fields, subject=subject)
            case wide.LANE:
                fields = [field for field in self.fields if field.name in set(checkpoint["columns"])]
                total = checkpoint["total"]
                return self.org.wide.pages(self.item, part, fields, total=total, resume=checkpoint)
            case bulk2.LANE:
                names = checkpoint["columns"]
                return _named(self.org.bulk.resume(checkpoint, names, subject=subject), names)
        message = f"{self.item.name}: a checkpoint names a lane that does not exist."
        raise RequestRefusedError(message, code="UNKNOWN_LANE", remedy="The reading is started anew.")

    def halves(self, part: Part) -> Sequence[Part]:
        """Divide by time while that helps, then by ids."""
        return part.halves_of_time() or self._halves_of_ids(part) or ()

    def _begin_wide(self, part: Part) -> Iterator[Page]:
        total = self.org.wide.count(self.item, part)
        if total <= self.org.rest_rows or self._is_refused():
            return self.org.wide.pages(self.item, part, self.fields, total=total)
        return self._in_bulk(part)

    def _by_rest(self, reply: Any) -> Iterator[Page]:
        return self.org.rest.pages(reply, self.fields, subject=self.item.object)

    def _in_bulk(self, part: Part) -> Iterator[Page]:
        try:
            job_id = self.org.bulk.create(self._statement(part), subject=self.item.object)
        except (UnknownObjectError, RequestRefusedError) as error:
            if error.code not in _REFUSALS:
                raise
            self.org.memory.learn(self._topic, {"code": error.code, "at": self.org.client.time().isoformat()})
            return self.begin(part)
        job = self.org.bulk.wait(job_id, subject=self.item.object)
        return _named(self.org.bulk.pages(job, self._names), self._names)

    def _is_refused(self) -> bool:
        known = self.org.memory.recall(self._topic)
        if known is None:
            return False
        return self.org.client.time() - datetime.fromisoformat(known["at"]) < timedelta(days=REFUSAL_DAYS)

    def _halves_of_ids(self, part: Part) -> tuple[Part, Part] | None:
        ends = []
        for is_descending in (False, True):
            soql = select_in_order(
                self.item, [self.item.key], part.conditions(self.item), limit=1, is_descending=is_descending
            )
            reply = self.org.rest.first(soql, subject=self.item.object)
            ends += [str(record[self.item.key]) for record in reply["records"]]
        return part.halves_of_ids(*ends) if len(ends) == len((False, True)) else None

    def _statement(self, part: Part) -> str:
        return select(self.item, self._names, part.conditions(self.item))

    @property
    def _names(self) -> list[str]:
        return [field.name for field in self.fields]

    @property
    def _topic(self) -> str:
        return f"bulk_refuses/{self.item.object}"


def _named(pages: Iterator[Page], names: Sequence[str]) -> Iterator[Page]:
    """Pages whose checkpoints name the columns: those of a job stay, whatever the object has when it is resumed."""
    for page in pages:
        checkpoint = page.checkpoint and {**page.checkpoint, "columns": list(names)}
        yield replace(page, checkpoint=checkpoint)
        del page
