"""sObject Collections: up to 200 records in one request, answered record by record in the order in which they came.

Source: REST API Developer Guide, "sObject Collections" and its pages. With allOrNone one error undoes the others.
Records of several objects are written run by run. What a failed result holds beside its errors the guide does not say;
here it has no id, so that clients have to join by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from contact_sync.simulator.salesforce.addresses import (
    as_json,
    checked_writable,
    columns,
    external_id,
    row,
    visible_object,
    write_options,
)
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.records import Saved
from contact_sync.simulator.salesforce.store import Cell, Undo
from contact_sync.simulator.salesforce.values import RowError
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_MOST_WRITTEN = 200
_MOST_READ = 2_000
_MOST_RUNS = 10
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

_Write = Callable[[str, Sequence[Any]], list[Saved]]


def insert_collection(org: Org, call: Call) -> Reply:
    """Create up to 200 records, of one or more objects."""

    def write(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Saved]:
        return org.writer.insert(name, rows, user_id=call.user_id, options=write_options(call))

    return _written(org, call, _typed(org, call), write)


def update_collection(org: Org, call: Call) -> Reply:
    """Change up to 200 records by id, of one or more objects."""

    def write(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Saved]:
        return org.writer.update(name, rows, user_id=call.user_id, options=write_options(call))

    return _written(org, call, _typed(org, call), write)


def upsert_collection(org: Org, call: Call) -> Reply:
    """Create or change up to 200 records of one object by external id."""
    schema = visible_object(org, call)
    key = external_id(checked_writable(schema, schema.name), call.path["field"])

    def write(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Saved]:
        return org.writer.upsert(name, key, rows, user_id=call.user_id, options=write_options(call))

    return _written(org, call, [(schema.name, row(one)) for one in _records(call)], write, shows_created=True)


def delete_collection(org: Org, call: Call) -> Reply:
    """Move up to 200 records to the recycle bin, of one or more objects."""
    ids = [one.strip() for one in call.query.get("ids", "").split(",") if one.strip()]
    _check_count(ids, _MOST_WRITTEN)
    prefixes = {one.key_prefix: one.name for one in org.store.schema.objects if one.deletable}

    def write(name: str, found: Sequence[str]) -> list[Saved]:
        if name:
            return org.writer.delete(name, found, user_id=call.user_id, options=write_options(call))
        return [Saved(None, error=RowError("MALFORMED_ID", f"malformed id {one}")) for one in found]

    return _written(org, call, [(prefixes.get(one[:3], ""), one) for one in ids], write)


def retrieve_collection(org: Org, call: Call) -> Reply:
    """Records of one object by id, in the order asked for; null for one that is not there."""
    schema = visible_object(org, call)
    asked = call.json() if call.method == "POST" else {name: call.query.get(name, "").split(",") for name in _ASKED}
    ids, names = ([str(one) for one in asked.get(name) or ()] for name in _ASKED)
    _check_count(ids, _MOST_READ)
    shown = columns(schema, names)
    found: dict[str, dict[str, Cell]] = {}
    for start in range(0, len(ids), _MOST_WRITTEN):
        some = [canonical_id(one) for one in ids[start : start + _MOST_WRITTEN]]
        places = ", ".join("?" * len(some))
        found |= {
            str(one["Id"]): one for one in org.store.records(schema.name, f"IsDeleted = 0 and Id in ({places})", some)
        }
    records = (found.get(str(canonical_id(one))) for one in ids)
    return json_reply([None if one is None else as_json(call, schema, shown, one) for one in records])


def _written(
    org: Org, call: Call, rows: Sequence[tuple[str, Any]], write: _Write, *, shows_created: bool = False
) -> Reply:
    """What became of rows, each beside the name of its object."""
    runs = [(name, [one for _, one in run]) for name, run in groupby(rows, key=lambda pair: pair[0])]
    if len(runs) > _MOST_RUNS:
        message = f"Records of several objects can be written in at most {_MOST_RUNS} chunks"
        raise Fault(400, "LIMIT_EXCEEDED", message)
    outcomes: list[Saved] = []
    with org.store.writing():
        for name, some in runs:
            outcomes += write(name, some)
        if _is_all_or_none(call) and any(one.error for one in outcomes):
            outcomes = [one if one.error else Saved(None, error=_ROLLED_BACK) for one in outcomes]
            raise Undo
    return json_reply([_result(one, shows_created=shows_created) for one in outcomes])


def _is_all_or_none(call: Call) -> bool:
    asked = call.query.get("allOrNone") if call.method == "DELETE" else call.json().get("allOrNone")
    return str(asked).lower() == "true"


def _result(saved: Saved, *, shows_created: bool) -> dict[str, Any]:
    if saved.error is not None:
        error = {"statusCode": saved.error.code, "message": saved.error.message, "fields": list(saved.error.fields)}
        return {"success": False, "errors": [error]}
    created = {"created": saved.created} if shows_created else {}
    return {"id": saved.id, "success": True, "errors": [], **created}


def _typed(org: Org, call: Call) -> list[tuple[str, dict[str, Any]]]:
    """The records of a body as rows, each beside the name of the object that its attributes tell."""
    found = []
    for record in _records(call):
        name = str((record.get("attributes") or {}).get("type", ""))
        if not name:
            raise Fault(400, "INVALID_TYPE", "each record must name its object in attributes.type")
        found.append((checked_writable(org.store.schema.visible(name), name).name, row(record)))
    return found


def _records(call: Call) -> list[dict[str, Any]]:
    records = call.json().get("records")
    if not isinstance(records, list) or not records:
        raise Fault(400, "JSON_PARSER_ERROR", "records must be a list of records")
    _check_count(records, _MOST_WRITTEN)
    return records


def _check_count(asked: Sequence[object], most: int) -> None:
    if len(asked) > most:
        raise Fault(400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records")


_ASKED = ("ids", "fields")

ENDPOINTS = (
    Endpoint("insert_collection", "POST", "/composite/sobjects", insert_collection, is_write=True),
    Endpoint("update_collection", "PATCH", "/composite/sobjects", update_collection, is_write=True),
    Endpoint("delete_collection", "DELETE", "/composite/sobjects", delete_collection, is_write=True),
    Endpoint("upsert_collection", "PATCH", "/composite/sobjects/{object}/{field}", upsert_collection, is_write=True),
    Endpoint("retrieve_collection", "GET", "/composite/sobjects/{object}", retrieve_collection),
    Endpoint("retrieve_collection", "POST", "/composite/sobjects/{object}", retrieve_collection),
)
