"""What the address and the body of a request are about: object, record, key, and records as rows.

Used by every handler that reads or writes records; what they do is in rest.py, record_writes.py, record_collections.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from contact_sync.simulator.salesforce.faults import Fault, invalid_field, not_found
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.query import nested
from contact_sync.simulator.salesforce.records import WriteOptions
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.soql import Column
from contact_sync.simulator.salesforce.wire import Call


def visible_object(org: Org, call: Call) -> ObjectSchema:
    """The object that the address names."""
    schema = org.store.schema.visible(call.path["object"])
    if schema is None:
        raise not_found()
    return schema


def record_id(call: Call) -> str:
    """The id that the address names, with 18 characters."""
    found = canonical_id(call.path["record_id"])
    if found is None:
        raise not_found("The requested resource does not exist")
    return found


def external_id(schema: ObjectSchema, name: str) -> str:
    """The external id field of this name in any case."""
    field = schema.external_ids.get(name.lower())
    if field is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return field.name


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON record as a row: a parent given as an object becomes `Parent.External_Id__c`, and `id` is `Id`."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": one for inner, one in value.items() if inner != "attributes"}
        else:
            found["Id" if name.lower() == "id" else name] = value
    return found


def columns(schema: ObjectSchema, names: Iterable[str] | None) -> tuple[Column, ...]:
    """The fields of these names, or all; INVALID_FIELD for what the object does not have."""
    if names is None:
        return tuple(Column((field.name,), field) for field in schema.stored)
    found = []
    for name in names:
        field = schema.find(name.strip())
        if field is None or not field.selectable:
            raise invalid_field(f"No such column '{name}' on sobject of type {schema.name}")
        found.append(Column((field.name,), field))
    return tuple(found)


def as_json(call: Call, schema: ObjectSchema, shown: tuple[Column, ...], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is answered."""
    return nested(call.base, schema.name, shown, tuple(record[column.name] for column in shown))


def write_options(call: Call) -> WriteOptions:
    """How a request writes."""
    return WriteOptions(may_save_duplicates=call.may_save_duplicates)


def checked_writable(schema: ObjectSchema | None, name: str) -> ObjectSchema:
    """An object, unless it is one that nobody can write."""
    if schema is None:
        raise Fault(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    if not schema.deletable:
        raise Fault(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {schema.name} cannot be written")
    return schema
