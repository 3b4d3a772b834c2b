"""What an org says about its objects: their fields, up to when they are settled, and which records are gone.

Asked for many objects at once when they are announced, otherwise one by one; kept for the life of a source, and the
descriptions from run to run, so that an unchanged one is not sent again. Does not belong here: reading records.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa

from contact_sync import arrow_values
from contact_sync.connectors.base import Deletions, Field, Memory, ObjectSummary, Upcoming
from contact_sync.connectors.salesforce.composite import Answer, Question, ask_all, ask_one
from contact_sync.connectors.salesforce.describe import describe_path, fields_of
from contact_sync.connectors.salesforce.faults import refusal
from contact_sync.connectors.salesforce.http import DATA_PATH, SalesforceClient
from contact_sync.connectors.salesforce.rest import bulk_datetime
from contact_sync.errors import RequestRefusedError, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from contact_sync.catalog import CatalogObject

Key = TypeVar("Key")
DESCRIBE_HOURS: Final = 6
"""A description is asked whole this often at least: an org need not count a lost field permission as a change of it."""

_SHORTEST_SPAN: Final = timedelta(minutes=2)
"""getUpdated and getDeleted want more than a minute between start and end, and ignore seconds."""
_NOT_MODIFIED: Final = 304
_KEY: Final = "Id"
_DELETED: Final = "IsDeleted"
_CURSORS: Final = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
_TOO_FAR_BACK: Final = frozenset({"INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT"})


@dataclass(frozen=True, kw_only=True)
class Description:
    """The fields of an object, and whether getUpdated and getDeleted know it."""

    fields: tuple[Field, ...]
    is_replicateable: bool
    described_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Plain values, to be remembered."""
        fields = [{**asdict(field), "references": list(field.references)} for field in self.fields]
        return {"fields": fields, "is_replicateable": self.is_replicateable, "at": self.described_at.isoformat()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Description:
        """The inverse of `as_json`."""
        return cls(
            fields=tuple(Field(**{**field, "references": tuple(field["references"])}) for field in value["fields"]),
            is_replicateable=value["is_replicateable"],
            described_at=datetime.fromisoformat(value["at"]),
        )


class Overview:
    """What one org says about its objects."""

    def __init__(self, client: SalesforceClient, memory: Memory) -> None:
        self._client = client
        self._memory = memory
        self._descriptions: dict[str, Description] = {}
        self._settled: dict[str, Answer] = {}
        self._deleted: dict[tuple[str, datetime], Answer] = {}

    def prepare(self, upcoming: Sequence[Upcoming]) -> None:
        """Ask about all of these objects in as few requests as possible; what is refused is asked again one by one."""
        # An org without the resource answers every question on its own.
        with suppress(RequestRefusedError, UnknownObjectError):
            self._describe_all([one.item.object for one in upcoming])
            known = [one for one in upcoming if self._is_known_to_replicate(one.item)]
            spans = [self._span("updated", one.item, None) for one in known]
            self._keep(self._settled, [one.item.object for one in known], spans)
            wanted = [(one.item, one.deletions_since) for one in known if one.deletions_since is not None]
            spans = [self._span("deleted", item, since) for item, since in wanted]
            self._keep(self._deleted, [(item.object, since) for item, since in wanted], spans)

    def _describe_all(self, names: Sequence[str]) -> None:
        missing = [name for name in names if name not in self._descriptions]
        questions = [self._describe(name) for name in missing]
        for name, answer in zip(missing, ask_all(self._client, questions), strict=True):
            self._take_description(name, answer)

    def _is_known_to_replicate(self, item: CatalogObject) -> bool:
        return item.object in self._descriptions and self._descriptions[item.object].is_replicateable

    def _keep(self, answers: dict[Key, Answer], keys: Sequence[Key], questions: Sequence[Question]) -> None:
        found = zip(keys, ask_all(self._client, questions), strict=True)
        answers.update({key: answer for key, answer in found if answer.is_found})

    def objects(self) -> tuple[ObjectSummary, ...]:
        """Every object of the org: one call for their names, and one for each 25 descriptions."""
        reply = self._client.get(f"{DATA_PATH}/sobjects", subject="the list of objects")
        unreadable = {one["name"]: _why_unreadable(one) for one in reply["sobjects"]}
        wanted = [name for name, why in unreadable.items() if not why]
        with suppress(RequestRefusedError, UnknownObjectError):
            self._describe_all(wanted)
        found = []
        for name, why in unreadable.items():
            if why:
                found.append(ObjectSummary(object=name, left_out=why))
                continue
            if name not in self._descriptions:
                self._take_description(name, ask_one(self._client, self._describe(name), subject=name))
            description = self._descriptions.get(name)
            found.append(_summary(name, description.fields if description else ()))
        return tuple(found)

    def fields(self, item: CatalogObject, *, is_fresh: bool = False) -> tuple[Field, ...]:
        """The fields of an object, asked again if is_fresh; raise UnknownObjectError if there is no such object."""
        if is_fresh or item.object not in self._descriptions:
            answer = ask_one(self._client, self._describe(item.object, is_whole=is_fresh), subject=item.object)
            self._take_description(item.object, answer)
            if item.object not in self._descriptions:
                raise refusal(instance_name=self._client.instance_name, subject=item.object, code=answer.code)
        return self._descriptions[item.object].fields

    def settled(self, item: CatalogObject) -> datetime | None:
        """The time before which no transaction is open any more: getUpdated's latestDateCovered, if it may be asked."""
        if not self._is_replicateable(item):
            return None
        answer = self._settled.pop(item.object, None) or ask_one(
            self._client, self._span("updated", item, None), subject=item.object
        )
        return _time(answer.document["latestDateCovered"]) if answer.is_found else None

    def deletions(self, item: CatalogObject, since: datetime) -> Deletions | None:
        """What getDeleted says; None for an object of which it says nothing, so that sweeps alone can tell."""
        if not self._is_replicateable(item):
            return None
        answer = self._deleted.pop((item.object, since), None) or ask_one(
            self._client, self._span("deleted", item, since), subject=item.object
        )
        if answer.code in _TOO_FAR_BACK:
            nothing = _deleted_rows(item, [])
            return Deletions(rows=nothing, covered_until=since, is_complete=False)
        if not answer.is_found:
            return None
        document = answer.document
        return Deletions(
            rows=_deleted_rows(item, document["deletedRecords"]),
            covered_until=_time(document["latestDateCovered"]),
            is_complete=_time(document["earliestDateAvailable"]) <= since,
        )

    def hidden(self, item: CatalogObject, names: Collection[str]) -> frozenset[str]:
        """Which fields exist though they are not described: FieldDefinition lists them whatever our user may see.

        An org that refuses to answer is taken to hide them, so that somebody looks.
        """
        soql = f"SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = '{item.object}'"  # noqa: S608 -- from the catalog
        try:
            reply = self._client.get(f"{DATA_PATH}/query", subject=item.object, parameters={"q": soql})
        except (RequestRefusedError, UnknownObjectError):
            return frozenset(names)
        return frozenset(names) & {record["QualifiedApiName"] for record in reply["records"]}

    def _is_replicateable(self, item: CatalogObject) -> bool:
        self.fields(item)
        return self._descriptions[item.object].is_replicateable

    def _describe(self, name: str, *, is_whole: bool = False) -> Question:
        known = None if is_whole else self._remembered(name)
        headers = {}
        if known is not None and self._client.time() - known.described_at < timedelta(hours=DESCRIBE_HOURS):
            headers["If-Modified-Since"] = format_datetime(known.described_at, usegmt=True)
        return Question(path=describe_path(name), headers=headers)

    def _take_description(self, name: str, answer: Answer) -> None:
        known = self._remembered(name)
        if answer.status == _NOT_MODIFIED and known is not None:
            self._descriptions[name] = known
        elif answer.is_found:
            # A second earlier: what changes within the second of the answer must not look unmodified later.
            described_at = self._client.time().replace(microsecond=0) - timedelta(seconds=1)
            found = Description(
                fields=fields_of(answer.document),
                is_replicateable=bool(answer.document.get("replicateable")),
                described_at=described_at,
            )
            if known is None or replace(known, described_at=described_at) != found or self._is_old(known):
                self._memory.learn(_topic(name), found.as_json())
            self._descriptions[name] = found

    def _is_old(self, known: Description) -> bool:
        return self._client.time() - known.described_at >= timedelta(hours=DESCRIBE_HOURS)

    def _remembered(self, name: str) -> Description | None:
        value = self._memory.recall(_topic(name))
        return Description.from_json(value) if value is not None else None

    def _span(self, verb: str, item: CatalogObject, since: datetime | None) -> Question:
        end = self._client.time()
        start = min(since or end, end - _SHORTEST_SPAN)
        parameters = {"start": _parameter(start), "end": _parameter(end)}
        return Question(path=f"{DATA_PATH}/sobjects/{item.object}/{verb}/", parameters=parameters)


def _why_unreadable(listed: Mapping[str, Any]) -> str:
    if not listed.get("queryable"):
        return "it cannot be queried"
    return "it is deprecated" if listed.get("deprecatedAndHidden") else ""


def _summary(name: str, fields: Sequence[Field]) -> ObjectSummary:
    """How to read an object: by the first of the time stamps that it has; without one it is read whole each time."""
    names = {field.name for field in fields}
    if _KEY not in names:
        return ObjectSummary(object=name, left_out="it has no Id")
    cursor = next((one for one in _CURSORS if one in names), None)
    return ObjectSummary(object=name, key=_KEY, cursor=cursor, deleted=_DELETED if _DELETED in names else None)


def _topic(name: str) -> str:
    return f"description/{name}"


def _parameter(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(bulk_datetime(text))


def _deleted_rows(item: CatalogObject, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    ids = arrow_values.texts([record["id"] for record in records])
    times = arrow_values.texts([bulk_datetime(record["deletedDate"]) for record in records])
    return pa.Table.from_arrays([ids, times], names=[item.key, item.cursor or "SystemModstamp"])
