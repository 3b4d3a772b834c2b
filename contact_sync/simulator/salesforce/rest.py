"""REST resources that read: records one by one, describe, replication, and what there is.

Writing is in record_writes.py, several records at once in record_collections.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contact_sync.simulator.salesforce.addresses import as_json, columns, external_id, record_id, visible_object
from contact_sync.simulator.salesforce.conditions import check_unmodified, dated, is_known, not_modified
from contact_sync.simulator.salesforce.describe import describe_global, describe_object, object_information
from contact_sync.simulator.salesforce.faults import Fault, not_found
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.record_writes import keyed_record
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.store import Cell, timestamp
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_GET_DELETED_DAYS = 15


def resources(org: Org, call: Call) -> Reply:  # noqa: ARG001 - every handler takes the org
    """The resources of this API version."""
    names = ("sobjects", "query", "queryAll", "limits", "jobs", "composite")
    return json_reply({name: f"{call.base}/{name}" for name in names})


def sobjects(org: Org, call: Call) -> Reply:
    """All objects, unless none has changed since the client last asked."""
    schema = org.store.schema
    modified = max(schema.modified_at(one.name) for one in schema.objects)
    if is_known(call, modified):
        return not_modified()
    return dated(json_reply(describe_global(schema.visible_objects)), modified)


def sobject(org: Org, call: Call) -> Reply:
    """One object in brief."""
    return json_reply(object_information(visible_object(org, call)))


def describe(org: Org, call: Call) -> Reply:
    """One object with its fields."""
    schema = visible_object(org, call)
    modified = org.store.schema.modified_at(schema.name)
    return not_modified() if is_known(call, modified) else dated(json_reply(describe_object(schema)), modified)


def retrieve(org: Org, call: Call) -> Reply:
    """One record by id, all fields or those asked for."""
    schema = visible_object(org, call)
    record = org.store.record(schema.name, record_id(call))
    if record is None:
        raise not_found("Provided external ID field does not exist or is not accessible: Id")
    if record.get("IsDeleted"):
        raise Fault(404, "ENTITY_IS_DELETED", "entity is deleted")
    return _record(call, schema, record)


def retrieve_by_key(org: Org, call: Call) -> Reply:
    """One record by external id, all fields or those asked for."""
    schema = visible_object(org, call)
    record = keyed_record(org, schema, external_id(schema, call.path["field"]), call.path["value"])
    if record is None:
        raise not_found()
    return _record(call, schema, record)


def _record(call: Call, schema: ObjectSchema, record: Mapping[str, Cell]) -> Reply:
    check_unmodified(call, record)
    modified = record.get("LastModifiedDate")
    if modified is not None and is_known(call, datetime.fromisoformat(str(modified))):
        return not_modified()
    asked = call.query.get("fields")
    shown = columns(schema, asked.split(",") if asked else None)
    return json_reply(as_json(call, schema, shown, record))


def deleted(org: Org, call: Call) -> Reply:
    """Records that were deleted in a span of time, those that are purged already included."""
    schema = _replicateable(org, call)
    start, end = _span(org, call, _GET_DELETED_DAYS)
    found = [(str(one["Id"]), str(one["SystemModstamp"])) for one in _in_bin(org, schema, start, end)]
    with org.store.reading() as connection:
        purged = "select Id, deleted_at from purged where object = ? and deleted_at >= ? and deleted_at < ?"
        found += connection.execute(purged, (schema.name, start, end)).fetchall()
    earliest = timestamp(org.store.clock() - timedelta(days=_GET_DELETED_DAYS))
    return json_reply(
        {
            "deletedRecords": [{"id": one, "deletedDate": _rest(at)} for one, at in sorted(found)],
            "earliestDateAvailable": _rest(earliest),
            "latestDateCovered": _rest(end),
        }
    )


def updated(org: Org, call: Call) -> Reply:
    """Ids of records that were created or changed in a span of time."""
    schema = _replicateable(org, call)
    start, end = _span(org, call, 30)
    alive = "IsDeleted = 0 and " if schema.find("IsDeleted") else ""
    found = org.store.records(schema.name, f"{alive}SystemModstamp >= ? and SystemModstamp < ?", (start, end))
    return json_reply({"ids": [one["Id"] for one in found], "latestDateCovered": _rest(end)})


def _in_bin(org: Org, schema: ObjectSchema, start: str, end: str) -> list[dict[str, Any]]:
    if not schema.find("IsDeleted"):
        return []
    span = "IsDeleted = 1 and SystemModstamp >= ? and SystemModstamp < ?"
    return org.store.records(schema.name, span, (start, end))


def _replicateable(org: Org, call: Call) -> ObjectSchema:
    schema = visible_object(org, call)
    if not schema.replicateable or not schema.find("SystemModstamp"):
        raise Fault(400, "INVALID_TYPE", f"entity type {schema.name} does not support replication")
    return schema


def _span(org: Org, call: Call, days: int) -> tuple[str, str]:
    try:
        start, end = (datetime.fromisoformat(call.query[name].replace(" ", "+")) for name in ("start", "end"))
    except (KeyError, ValueError) as error:
        raise Fault(400, "INVALID_REPLICATION_DATE", "start and end must be ISO 8601 times") from error
    start, end = (one if one.tzinfo else one.replace(tzinfo=UTC) for one in (start, end))
    if end - start < timedelta(minutes=1):
        raise Fault(400, "INVALID_REPLICATION_DATE", "startDate must be more than a minute before endDate")
    if start < org.store.clock() - timedelta(days=days):
        raise Fault(400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
    # Seconds are ignored; what is not settled is not covered.
    return timestamp(start.replace(second=0, microsecond=0)), timestamp(min(end, org.store.settled()))


def _rest(stamp: str) -> str:
    return stamp.replace("Z", "+0000")


ENDPOINTS = (
    Endpoint("resources", "GET", "", resources),
    Endpoint("sobjects", "GET", "/sobjects", sobjects),
    Endpoint("sobject", "GET", "/sobjects/{object}", sobject),
    Endpoint("describe", "GET", "/sobjects/{object}/describe", describe),
    Endpoint("deleted", "GET", "/sobjects/{object}/deleted", deleted),
    Endpoint("updated", "GET", "/sobjects/{object}/updated", updated),
    Endpoint("retrieve", "GET", "/sobjects/{object}/{record_id}", retrieve),
    Endpoint("retrieve_by_key", "GET", "/sobjects/{object}/{field}/{value:path}", retrieve_by_key),
)
