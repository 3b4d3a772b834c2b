"""REST resources about single records and about the org: sobjects, describe, replication, collections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from contact_sync.simulator.salesforce.describe import describe_global, describe_object, object_information
from contact_sync.simulator.salesforce.faults import Fault, invalid_field, not_found
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.query import nested
from contact_sync.simulator.salesforce.records import Saved
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.soql import Column
from contact_sync.simulator.salesforce.store import timestamp
from contact_sync.simulator.salesforce.wire import Call, Endpoint, Reply, json_reply

_MAX_COLLECTION = 200
_GET_DELETED_DAYS = 15


def resources(org: Org, call: Call) -> Reply:  # noqa: ARG001 - every handler takes the org
    """The resources of this API version."""
    names = ("sobjects", "query", "queryAll", "limits", "jobs", "composite")
    return json_reply({name: f"{call.base}/{name}" for name in names})


def sobjects(org: Org, call: Call) -> Reply:
    """All objects, unless none has changed since the client last asked."""
    schema = org.store.schema
    modified = max(schema.modified_at(one.name) for one in schema.objects)
    return _if_modified(call, modified, lambda: json_reply(describe_global(schema.objects)))


def sobject(org: Org, call: Call) -> Reply:
    """One object in brief."""
    return json_reply(object_information(_schema(org, call)))


def describe(org: Org, call: Call) -> Reply:
    """One object with its fields."""
    schema = _schema(org, call)
    modified = org.store.schema.modified_at(schema.name)
    return _if_modified(call, modified, lambda: json_reply(describe_object(schema)))


def _if_modified(call: Call, modified: datetime, answer: Callable[[], Reply]) -> Reply:
    """The answer with the time of its last change, or 304 when the client knows that one; HTTP counts in seconds."""
    modified = modified.replace(microsecond=0)
    since = _moment(call.headers.get("if-modified-since"))
    if since is not None and modified <= since:
        return Reply(304)
    reply = answer()
    return Reply(200, reply.body, {**reply.headers, "Last-Modified": format_datetime(modified, usegmt=True)})


def retrieve(org: Org, call: Call) -> Reply:
    """One record by id, all fields or those asked for."""
    schema = _schema(org, call)
    record = org.store.record(schema.name, _record_id(call))
    if record is None:
        raise not_found("Provided external ID field does not exist or is not accessible: Id")
    if record.get("IsDeleted"):
        raise Fault(404, "ENTITY_IS_DELETED", "entity is deleted")
    return _record(call, schema, record)


def retrieve_by_key(org: Org, call: Call) -> Reply:
    """One record by external id, all fields or those asked for."""
    schema = _schema(org, call)
    key = _external_id(schema, call.path["field"])
    found = org.store.records(schema.name, f'IsDeleted = 0 and "{key}" = ?', (call.path["value"],))
    if not found:
        raise not_found()
    return _record(call, schema, found[0])


def _record(call: Call, schema: ObjectSchema, record: Mapping[str, Any]) -> Reply:
    asked = call.query.get("fields")
    names = [name.strip() for name in asked.split(",")] if asked else [one.name for one in schema.stored]
    columns = []
    for name in names:
        field = schema.find(name)
        if field is None or not field.selectable:
            raise invalid_field(f"No such column '{name}' on sobject of type {schema.name}")
        columns.append(Column((field.name,), field))
    row = tuple(record[column.name] for column in columns)
    return json_reply(nested(call.base, schema.name, tuple(columns), row))


def create(org: Org, call: Call) -> Reply:
    """A new record."""
    (saved,) = org.writer.insert(_writable(org, call).name, [_fields(call)], user_id=call.user_id)
    return _created(_accepted(saved), 201)


def update(org: Org, call: Call) -> Reply:
    """Change a record."""
    row = {**_fields(call), "Id": _record_id(call)}
    _accepted(org.writer.update(_writable(org, call).name, [row], user_id=call.user_id)[0])
    return Reply(204)


def delete(org: Org, call: Call) -> Reply:
    """Move a record to the recycle bin."""
    _accepted(org.writer.delete(_writable(org, call).name, [_record_id(call)], user_id=call.user_id)[0])
    return Reply(204)


def upsert(org: Org, call: Call) -> Reply:
    """Create or change the record with this external id."""
    schema = _writable(org, call)
    key = _external_id(schema, call.path["field"])
    row = {**_fields(call), key: call.path["value"]}
    saved = _accepted(org.writer.upsert(schema.name, key, [row], user_id=call.user_id)[0])
    return _created(saved, 201 if saved.created else 200)


def upsert_collection(org: Org, call: Call) -> Reply:
    """Create or change up to 200 records by external id; answers row by row."""
    schema = _writable(org, call)
    key = _external_id(schema, call.path["field"])
    rows = _collection(call)
    values = [str(row.get(key) or "") for row in rows]
    repeated = frozenset(value for value in values if value and values.count(value) > 1)
    return _collection_reply(org.writer.upsert(schema.name, key, rows, user_id=call.user_id, repeated=repeated))


def update_collection(org: Org, call: Call) -> Reply:
    """Change up to 200 records of one object by id; answers row by row."""
    rows = [
        {("Id" if name.lower() == "id" else name): value for name, value in row.items()} for row in _collection(call)
    ]
    types = {str(record.get("attributes", {}).get("type", "")) for record in call.json()["records"]}
    schema = org.store.schema.visible(next(iter(types))) if len(types) == 1 else None
    if schema is None or not schema.deletable:
        raise Fault(400, "INVALID_TYPE", "all records must name one and the same object in attributes.type")
    return _collection_reply(org.writer.update(schema.name, rows, user_id=call.user_id))


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
    schema = _schema(org, call)
    if not schema.replicateable or not schema.find("SystemModstamp"):
        raise Fault(400, "INVALID_TYPE", f"entity type {schema.name} does not support replication")
    return schema


def _schema(org: Org, call: Call) -> ObjectSchema:
    schema = org.store.schema.visible(call.path["object"])
    if schema is None:
        raise not_found()
    return schema


def _writable(org: Org, call: Call) -> ObjectSchema:
    schema = _schema(org, call)
    if not schema.deletable:
        raise Fault(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {schema.name} cannot be written")
    return schema


def _record_id(call: Call) -> str:
    record_id = canonical_id(call.path["record_id"])
    if record_id is None:
        raise not_found("The requested resource does not exist")
    return record_id


def _external_id(schema: ObjectSchema, name: str) -> str:
    field = schema.external_ids.get(name.lower())
    if field is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field.name


def _fields(call: Call) -> dict[str, Any]:
    return _flat(call.json())


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """A JSON record as a row: a parent given as an object becomes `Parent.External_Id__c`."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            row |= {f"{name}.{inner}": one for inner, one in value.items() if inner != "attributes"}
        else:
            row[name] = value
    return row


def _collection(call: Call) -> list[dict[str, Any]]:
    records = call.json().get("records")
    if not isinstance(records, list) or len(records) > _MAX_COLLECTION:
        raise Fault(400, "EXCEEDED_ID_LIMIT", f"record limit reached: at most {_MAX_COLLECTION} records in a request")
    return [_flat(record) for record in records]


def _accepted(saved: Saved) -> Saved:
    error = saved.error
    if error is None:
        return saved
    status = (
        404
        if error.code in ("INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED", "MALFORMED_ID") and not error.fields
        else 400
    )
    raise Fault(status, error.code, error.message, error.fields)


def _created(saved: Saved, status: int) -> Reply:
    return json_reply({"id": saved.id, "success": True, "errors": [], "created": saved.created}, status)


def _collection_reply(outcomes: list[Saved]) -> Reply:
    return json_reply(
        [
            {
                "id": saved.id,
                "success": saved.error is None,
                "created": saved.created,
                "errors": []
                if saved.error is None
                else [
                    {"statusCode": saved.error.code, "message": saved.error.message, "fields": list(saved.error.fields)}
                ],
            }
            for saved in outcomes
        ]
    )


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


def _moment(header: str | None) -> datetime | None:
    """The time of a header; one that cannot be read says nothing."""
    if header is None:
        return None
    try:
        found = parsedate_to_datetime(header)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
    Endpoint("create", "POST", "/sobjects/{object}", create),
    Endpoint("update", "PATCH", "/sobjects/{object}/{record_id}", update),
    Endpoint("delete", "DELETE", "/sobjects/{object}/{record_id}", delete),
    Endpoint("retrieve_by_key", "GET", "/sobjects/{object}/{field}/{value:path}", retrieve_by_key),
    Endpoint("upsert", "PATCH", "/sobjects/{object}/{field}/{value:path}", upsert),
    Endpoint("upsert_collection", "PATCH", "/composite/sobjects/{object}/{field}", upsert_collection),
    Endpoint("update_collection", "PATCH", "/composite/sobjects", update_collection),
)
