"""The REST lane of writing: few rows at once, by collections of 200 or, where nobody may be overwritten, one by one.

Sources: REST API Developer Guide, "Using Composite Resources" and "Conditional Requests". A request whose reply is lost
is never repeated. Does not belong here: finding out what became of it, which is decided by whoever planned the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa

from contact_sync import arrow_values
from contact_sync.connectors.base import Field
from contact_sync.connectors.salesforce import kept
from contact_sync.connectors.salesforce.faults import code_in, is_transient, row_fault
from contact_sync.connectors.salesforce.http import CLIENT_HEADERS, DATA_PATH, Request, SalesforceClient
from contact_sync.connectors.salesforce.record_json import named_values, records
from contact_sync.connectors.salesforce.rest import QUERY_PATH, records_table
from contact_sync.connectors.salesforce.soql import fits_address, select_by_keys
from contact_sync.connectors.target import CHANGED_MEANWHILE, PRESENT, REPLY_LOST, RESULT, Operation
from contact_sync.errors import CountMismatchError, RequestRefusedError, SourceUnreachableError, UnknownObjectError

COLLECTIONS_PATH: Final = f"{DATA_PATH}/composite/sobjects"
COMPOSITE_PATH: Final = f"{DATA_PATH}/composite"
COLLECTION_ROWS: Final = 200
COMPOSITE_ROWS: Final = 25
_METHODS: Final = {Operation.INSERT: "POST", Operation.UPDATE: "PATCH", Operation.UPSERT: "PATCH"}
_FOUND_AT_ONCE: Final = 100
_PRESENT_FIELDS: Final = {
    "record_id": "Id",
    "created_at": "CreatedDate",
    "created_by": "CreatedById",
    "modified_at": "LastModifiedDate",
    "modified_by": "LastModifiedById",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one row; see RESULT."""

    record_id: str | None = None
    is_created: bool = False
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class _Call:
    """What the requests of one write have in common."""

    object_name: str
    operation: Operation
    key: str
    fields: Mapping[str, Field]


class DirectWrites:
    """Writes to one org by REST."""

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    def write(
        self,
        object_name: str,
        operation: Operation,
        rows: pa.Table,
        fields: Mapping[str, Field],
        *,
        key: str,
        unchanged_since: Sequence[datetime | None] | None,
    ) -> pa.Table:
        """See Target.write."""
        size = COLLECTION_ROWS if unchanged_since is None else COMPOSITE_ROWS
        call = _Call(object_name, operation, key, fields)
        outcomes: list[Outcome] = []
        for start in range(0, rows.num_rows, size):
            times = None if unchanged_since is None else unchanged_since[start : start + size]
            try:
                outcomes += self._write(call, rows.slice(start, size), times)
            except SourceUnreachableError:
                outcomes += [Outcome(code=REPLY_LOST, message="")] * min(size, rows.num_rows - start)
                break
        outcomes += [Outcome()] * (rows.num_rows - len(outcomes))
        return _results(rows.column(key).to_pylist(), outcomes)

    def _write(self, call: _Call, rows: pa.Table, times: Sequence[datetime | None] | None) -> list[Outcome]:
        """One request; where it is refused as a whole, nothing was written, and its halves find out for which row."""
        keys: list[Any] = rows.column(call.key).to_pylist()
        try:
            if times is not None:
                return list(self._conditional(call, keys, list(records(rows, call.fields, without=call.key)), times))
            if call.operation is Operation.DELETE:
                return self._delete(call, keys)
            return self._collection(call, rows)
        except (RequestRefusedError, UnknownObjectError) as error:
            if len(keys) == 1:
                return [Outcome(code=error.code, message="The request as a whole was refused.")]
        middle = len(keys) // 2
        halves = ((0, middle), (middle, len(keys)))
        return [
            outcome
            for start, end in halves
            for outcome in self._write(call, rows.slice(start, end - start), times and times[start:end])
        ]

    def find(
        self,
        object_name: str,
        keys: Collection[str],
        described: Mapping[str, Field],
        *,
        key: str,
        fields: Collection[str],
    ) -> pa.Table:
        """See Target.find."""
        wanted = sorted(keys)
        parts = [wanted[start : start + _FOUND_AT_ONCE] for start in range(0, len(wanted), _FOUND_AT_ONCE)] or [[]]
        return pa.concat_tables(self._find(object_name, part, described, key, fields) for part in parts)

    def _find(
        self,
        object_name: str,
        keys: Sequence[str],
        described: Mapping[str, Field],
        key: str,
        fields: Collection[str],
    ) -> pa.Table:
        names = list(dict.fromkeys([key, *_PRESENT_FIELDS.values(), *fields]))
        statement = select_by_keys(object_name, names, key, keys)
        if not fits_address(statement) and len(keys) > 1:
            halves = (keys[: len(keys) // 2], keys[len(keys) // 2 :])
            return pa.concat_tables(self._find(object_name, half, described, key, fields) for half in halves)
        reply: Mapping[str, Any] = {"records": [], "totalSize": 0}
        if keys:
            parameters = {"q": statement}
            reply = self._client.get(QUERY_PATH, subject=object_name, parameters=parameters, keep_numbers=True)
        if len(reply["records"]) != int(reply["totalSize"]):
            raise CountMismatchError(f"{object_name}: not all of {len(keys)} records were told.", remedy="Apply again.")
        types = [described.get(name) or Field(name=name, type="string") for name in names]
        table = records_table([named_values(one, names) for one in reply["records"]], types)
        present = [table.column(key), *(table.column(name) for name in _PRESENT_FIELDS.values())]
        asked = [kept.canonical(table.column(name), described.get(name))[0] for name in fields]
        columns = [column.cast(one.type) for column, one in zip(present, PRESENT, strict=True)] + asked
        return pa.table(columns, names=[*PRESENT.names, *fields])

    def _conditional(
        self,
        call: _Call,
        keys: Sequence[str],
        bodies: Sequence[Mapping[str, Any]],
        times: Sequence[datetime | None],
    ) -> Iterator[Outcome]:
        """Updates that are made only where a record has not changed since a time, 25 in one call.

        The client's name does not pass from a composite request to its parts.
        """
        subrequests = [
            {
                "method": "PATCH",
                "url": f"{DATA_PATH}/sobjects/{call.object_name}/{quote(key, safe='')}",
                "referenceId": f"row{number}",
                "httpHeaders": {**CLIENT_HEADERS, **_unless_changed_since(time)},
                "body": body,
            }
            for number, (key, body, time) in enumerate(zip(keys, bodies, times, strict=True))
        ]
        reply = self._ask("POST", COMPOSITE_PATH, call, {"compositeRequest": subrequests, "allOrNone": False})
        answers = {answer["referenceId"]: answer for answer in reply["compositeResponse"]}
        for number, key in enumerate(keys):
            answer = answers[f"row{number}"]
            status, body = int(answer["httpStatusCode"]), answer.get("body")
            if status < HTTPStatus.MULTIPLE_CHOICES:
                yield Outcome(record_id=kept.full_id(key))
            elif status == HTTPStatus.PRECONDITION_FAILED:
                yield Outcome(record_id=kept.full_id(key), code=CHANGED_MEANWHILE, message="")
            elif is_transient(status):
                yield Outcome(code=REPLY_LOST, message="")
            else:
                code, message = row_fault(code_in(status, body), _message(body))
                yield Outcome(code=code, message=message)

    def _collection(self, call: _Call, rows: pa.Table) -> list[Outcome]:
        by_id = call.operation is Operation.UPDATE
        bodies = records(rows, call.fields, without=call.key if by_id else "")
        named = [
            {"attributes": {"type": call.object_name}, **({"id": record_id} if by_id else {}), **body}
            for body, record_id in zip(bodies, rows.column(call.key).to_pylist(), strict=True)
        ]
        is_upsert = call.operation is Operation.UPSERT
        path = f"{COLLECTIONS_PATH}/{call.object_name}/{call.key}" if is_upsert else COLLECTIONS_PATH
        reply = self._ask(_METHODS[call.operation], path, call, {"allOrNone": False, "records": named})
        return [_outcome(one, is_insert=call.operation is Operation.INSERT) for one in reply]

    def _delete(self, call: _Call, keys: Sequence[str]) -> list[Outcome]:
        parameters = {"ids": ",".join(keys), "allOrNone": "false"}
        reply = self._ask("DELETE", COLLECTIONS_PATH, call, None, parameters=parameters)
        return [_outcome(one, is_insert=False) for one in reply]

    def _ask(
        self, method: str, path: str, call: _Call, document: object, *, parameters: Mapping[str, str] | None = None
    ) -> Any:
        request = Request(
            method=method,
            path=path,
            subject=call.object_name,
            document=document,
            parameters=parameters,
            is_repeatable=False,
        )
        return self._client.ask(request)


def _unless_changed_since(time: datetime | None) -> dict[str, str]:
    """The header of a conditional request, in full seconds as HTTP has them; none without a time."""
    return {} if time is None else {"If-Unmodified-Since": format_datetime(time.astimezone(UTC), usegmt=True)}


def _outcome(answer: Mapping[str, Any], *, is_insert: bool) -> Outcome:
    record_id = answer.get("id")
    if answer.get("success"):
        return Outcome(record_id=record_id, is_created=bool(answer.get("created", is_insert)))
    errors = answer.get("errors") or [{}]
    code, message = row_fault(str(errors[0].get("statusCode") or "UNKNOWN"), str(errors[0].get("message") or ""))
    return Outcome(record_id=record_id, code=code, message=message)


def _message(body: object) -> str:
    first = body[0] if isinstance(body, list) and body else body
    return str(first.get("message") or "") if isinstance(first, dict) else ""


def _results(keys: Sequence[str | None], outcomes: Sequence[Outcome]) -> pa.Table:
    columns = [
        arrow_values.texts([key or "" for key in keys]),
        arrow_values.texts([one.record_id for one in outcomes]),
        arrow_values.flags([one.is_created for one in outcomes]),
        arrow_values.texts([one.code for one in outcomes]),
        arrow_values.texts([one.message for one in outcomes]),
    ]
    return pa.Table.from_arrays(columns, schema=RESULT)
