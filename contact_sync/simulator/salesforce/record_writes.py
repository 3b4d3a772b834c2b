"""REST writes of single records: create, update, delete, and upsert by external id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync.simulator.salesforce.addresses import (
    checked_writable,
    external_id,
    record_id,
    row,
    visible_object,
    write_options,
)
from contact_sync.simulator.salesforce.conditions import check_unmodified
from contact_sync.simulator.salesforce.duplicate_rule import duplicate_result
from contact_sync.simulator.salesforce.faults import Fault, not_found
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.records import Saved
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_ABOUT_THE_ADDRESS = ("INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED", "MALFORMED_ID")
_NO_ACCESS = ("INSUFFICIENT_ACCESS_OR_READONLY",)


def create(org: Org, call: Call) -> Reply:
    """A new record."""
    schema = _writable(org, call)
    (saved,) = org.writer.insert(schema.name, [row(call.json())], user_id=call.user_id, options=write_options(call))
    return _created(_accepted(call, saved), 201)


def update(org: Org, call: Call) -> Reply:
    """Change a record, unless it was modified since the time that the client knows."""
    schema, changed = _writable(org, call), record_id(call)
    with org.store.writing():
        check_unmodified(call, org.store.record(schema.name, changed))
        (saved,) = org.writer.update(
            schema.name,
            [{**_without_keys(call), "Id": changed}],
            user_id=call.user_id,
            options=write_options(call),
        )
    _accepted(call, saved)
    return Reply(204)


def delete(org: Org, call: Call) -> Reply:
    """Move a record to the recycle bin."""
    (saved,) = org.writer.delete(
        _writable(org, call).name, [record_id(call)], user_id=call.user_id, options=write_options(call)
    )
    _accepted(call, saved)
    return Reply(204)


def upsert(org: Org, call: Call) -> Reply:
    """Create or change the record with this external id, unless it was modified since; `updateOnly` creates none."""
    schema = _writable(org, call)
    key = external_id(schema, call.path["field"])
    with org.store.writing():
        known = keyed_record(org, schema, key, call.path["value"])
        if known is None and call.query.get("updateOnly", "").lower() == "true":
            raise not_found()
        check_unmodified(call, known)
        (saved,) = org.writer.upsert(
            schema.name,
            key,
            [{**_without_keys(call, key), key: call.path["value"]}],
            user_id=call.user_id,
            options=write_options(call),
        )
    _accepted(call, saved)
    return _created(saved, 201 if saved.created else 200)


def keyed_record(org: Org, schema: ObjectSchema, key: str, value: str) -> Mapping[str, Cell] | None:
    """The live record with this external id."""
    found = org.store.records(schema.name, f'IsDeleted = 0 and "{key}" = ?', (value,))
    return found[0] if found else None


def _writable(org: Org, call: Call) -> ObjectSchema:
    schema = visible_object(org, call)
    return checked_writable(schema, schema.name)


def _without_keys(call: Call, *keys: str) -> dict[str, Any]:
    """The fields of the body, which repeats nothing that the address says."""
    found = row(call.json())
    for key in ("Id", *keys):
        if key in found:
            message = f"The {key} field should not be specified in the sobject data."
            raise Fault(400, "INVALID_FIELD", message)
    return found


def _accepted(call: Call, saved: Saved) -> Saved:
    error = saved.error
    if error is None:
        return saved
    is_about_address = error.code in _ABOUT_THE_ADDRESS and not error.fields
    status = 404 if is_about_address else 403 if error.code in _NO_ACCESS else 400
    details = duplicate_result(call.base, error) if error.duplicates else {}
    raise Fault(status, error.code, error.message, error.fields, details=details)


def _created(saved: Saved, status: int) -> Reply:
    return json_reply({"id": saved.id, "success": True, "errors": [], "created": saved.created}, status)


ENDPOINTS = (
    Endpoint("create", "POST", "/sobjects/{object}", create, is_write=True),
    Endpoint("update", "PATCH", "/sobjects/{object}/{record_id}", update, is_write=True),
    Endpoint("delete", "DELETE", "/sobjects/{object}/{record_id}", delete, is_write=True),
    Endpoint("upsert", "PATCH", "/sobjects/{object}/{field}/{value:path}", upsert, is_write=True),
)
