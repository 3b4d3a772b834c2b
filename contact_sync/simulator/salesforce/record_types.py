"""Record types in one org: which there are of which object, the records that list them, and which a record may have.

An org without them has none of this. The two of person accounts are in person_accounts.py. Not part of this org:
picklist values by record type, and types that a user may not use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from contact_sync.simulator.salesforce.drafts import Draft
from contact_sync.simulator.salesforce.ids import make_id
from contact_sync.simulator.salesforce.more_objects import standard_objects
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema, RecordType
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import RowError

FIELD = "RecordTypeId"
# Above the ids of made-up record types and of those of person accounts.
_FIRST = 2_000


def with_record_types(
    objects: Iterable[ObjectSchema], names: Sequence[tuple[str, Sequence[str]]], *, pod: str
) -> list[ObjectSchema]:
    """The objects of an org that has these record types; the first of an object is what new records have."""
    found = {one.name: one for one in objects}
    number = _FIRST
    for object_name, types in names:
        number += len(types)
        schema = found[object_name]
        made = tuple(_record_type(name, pod, number - place) for place, name in enumerate(types))
        if not schema.record_types:
            made = (replace(made[0], is_default=True), *made[1:])
            field = FieldSchema(FIELD, "reference", 18, refers_to="RecordType", default=made[0].id)
            schema = replace(schema, fields=(*schema.fields, field))
        found[object_name] = replace(schema, record_types=(*schema.record_types, *made))
    found.setdefault("RecordType", next(one for one in standard_objects() if one.name == "RecordType"))
    return list(found.values())


def record_type_columns(
    objects: Iterable[ObjectSchema], names: Sequence[tuple[str, Sequence[str]]], *, stamp: str
) -> Mapping[str, list[Cell]]:
    """The records of RecordType as columns."""
    wanted = dict(names)
    found = [(one.name, kind) for one in objects for kind in one.record_types if kind.name in wanted.get(one.name, ())]
    return {
        "Id": [kind.id for _, kind in found],
        "Name": [kind.name for _, kind in found],
        "DeveloperName": [kind.developer_name for _, kind in found],
        "SobjectType": [name for name, _ in found],
        "IsActive": [1] * len(found),
        **{name: [stamp] * len(found) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")},
    }


def check_record_types(schema: ObjectSchema, drafts: Sequence[Draft]) -> None:
    """Refuse a record type that is none of the object's."""
    known = {one.id for one in schema.record_types}
    for draft in drafts:
        kind = draft.values.get(FIELD)
        if known and kind and kind not in known and draft.error is None:
            message = f"Record Type ID: this ID value isn't valid for the user: {kind}"
            draft.error = RowError("INVALID_CROSS_REFERENCE_KEY", message, (FIELD,))


def _record_type(name: str, pod: str, number: int) -> RecordType:
    return RecordType(make_id("012", pod, number), name, name.replace(" ", "_"))
