"""What rows point to: parents named by their external ids, and references that have to lead to a record.

Does not belong here: which record types and owners an object takes (record_types.py, queues.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence

from contact_sync.simulator.salesforce.drafts import Draft, lookup
from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema
from contact_sync.simulator.salesforce.values import RowError


def parent_field(org_schema: OrgSchema, schema: ObjectSchema, column: str) -> tuple[FieldSchema, FieldSchema]:
    """The reference field and the parent's external id field behind a column like `Account.Contact_Sync_Key__c`."""
    relationship, _, name = column.partition(".")
    reference = schema.references.get(relationship.lower())
    target = org_schema.find(reference.refers_to) if reference and reference.refers_to else None
    external = target.external_ids.get(name.lower()) if target else None
    if reference is None or external is None or not reference.may_be_written:
        raise RowError("INVALID_FIELD", f"Field name not found : {column}")
    return reference, external


def resolve_parents(connection: sqlite3.Connection, schema: ObjectSchema, drafts: Sequence[Draft]) -> None:
    """Turn `Parent.External_Id__c` values into ids of parents."""
    wanted: dict[tuple[str, FieldSchema], set[str]] = {}
    for draft in drafts:
        for name, (external, value) in draft.parents.items():
            wanted.setdefault((name, external), set()).add(value)
    for (name, external), values in wanted.items():
        target = str(schema.find(name).refers_to)  # type: ignore[union-attr]
        statement = f'select "{external.name}", Id from "{target}" where "{external.name}" in ({{}}) and IsDeleted = 0'
        found = {external.comparable(value): one for value, one in lookup(connection, statement, values)}
        for draft in drafts:
            if name not in draft.parents:
                continue
            value = draft.parents[name][1]
            if external.comparable(value) in found:
                draft.values[name] = found[external.comparable(value)]
            else:
                message = f"Foreign key external ID: {value} not found for field {external.name} in entity {target}"
                draft.error = draft.error or RowError("INVALID_FIELD", message)


def check_references(
    connection: sqlite3.Connection, org_schema: OrgSchema, schema: ObjectSchema, drafts: Sequence[Draft]
) -> None:
    """Refuse rows that point to a record that is not there."""
    for field in schema.stored:
        if not field.targets or not field.writable:
            continue
        wanted = {str(one.values[field.name]) for one in drafts if one.values.get(field.name)}
        if not wanted:
            continue
        targets = [org_schema.known(name) for name in field.targets]
        found = {one for target in targets for one in _alive(connection, target, wanted)}
        prefixes = tuple(target.key_prefix for target in targets)
        for draft in drafts:
            value = draft.values.get(field.name)
            if value and value not in found and draft.error is None:
                draft.error = _bad_reference(field, str(value), is_of_its_kind=str(value).startswith(prefixes))


def _alive(connection: sqlite3.Connection, target: ObjectSchema, ids: Collection[str]) -> Iterator[str]:
    """Those of the ids that are records of an object and not deleted."""
    alive = "and IsDeleted = 0" if target.find("IsDeleted") else ""
    statement = f'select Id from "{target.name}" where Id in ({{}}) {alive}'
    yield from (row[0] for row in lookup(connection, statement, ids))


def _bad_reference(field: FieldSchema, value: str, *, is_of_its_kind: bool) -> RowError:
    """What a row is told that points to nothing: an id of another object, or a record that is not there."""
    if field.name == "RecordTypeId":
        message = f"Record Type ID: this ID value isn't valid for the user: {value}"
        return RowError("INVALID_CROSS_REFERENCE_KEY", message, (field.name,))
    if not is_of_its_kind:
        message = f"{field.name.removesuffix('Id')} ID: id value of incorrect type: {value}"
        return RowError("FIELD_INTEGRITY_EXCEPTION", message, (field.name,))
    return RowError("INVALID_CROSS_REFERENCE_KEY", f"{field.name}: invalid cross reference id", (field.name,))
