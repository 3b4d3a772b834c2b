"""Queues in one org: groups that may own leads, cases and custom records, but no accounts, contacts or opportunities.

After "Group" and "QueueSobject" of the Object Reference. SOQL follows an owner to users only. Not part of this org:
members of queues and assignment rules.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.drafts import Draft
from contact_sync.simulator.salesforce.ids import make_id
from contact_sync.simulator.salesforce.more_objects import standard_objects
from contact_sync.simulator.salesforce.objects import audit_fields, identity_fields
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import RowError

GROUP = "Group"
SUPPORTED = "QueueSobject"
_OWNED = frozenset({"Lead", "Case"})
_FIRST = 5_000


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue and the objects whose records it may own."""

    name: str
    objects: tuple[str, ...]


def with_queues(objects: Iterable[ObjectSchema], queues: Sequence[Queue]) -> list[ObjectSchema]:
    """The objects of an org that has these queues."""
    found = {one.name: _ownable(one) for one in objects}
    for name in {name for queue in queues for name in queue.objects}:
        if name not in found or not _is_owned(found[name]):
            raise SimulatorError(f"A queue cannot own records of {name}.")
    found.setdefault(GROUP, next(one for one in standard_objects() if one.name == GROUP))
    found[SUPPORTED] = ObjectSchema(
        SUPPORTED,
        "03g",
        (
            *identity_fields()[:1],
            FieldSchema("QueueId", "reference", 18, refers_to=GROUP),
            FieldSchema("SobjectType", "picklist", 40),
            *(field for field in audit_fields() if field.name in ("CreatedById", "SystemModstamp")),
        ),
        deletable=False,
    )
    return list(found.values())


def queue_columns(queues: Sequence[Queue], *, pod: str, stamp: str) -> Mapping[str, Mapping[str, list[Cell]]]:
    """Group and QueueSobject as columns; queues are groups of type `Queue`."""
    ids = [make_id("00G", pod, _FIRST + number) for number in range(len(queues))]
    pairs = [(queue_id, name) for queue_id, queue in zip(ids, queues, strict=True) for name in queue.objects]
    return {
        GROUP: {
            "Id": [*ids],
            "Name": [one.name for one in queues],
            "DeveloperName": [one.name.replace(" ", "_") for one in queues],
            "Type": ["Queue"] * len(ids),
            **{name: [stamp] * len(ids) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")},
        },
        SUPPORTED: {
            "Id": [make_id("03g", pod, number) for number in range(1, len(pairs) + 1)],
            "QueueId": [queue_id for queue_id, _ in pairs],
            "SobjectType": [name for _, name in pairs],
            "SystemModstamp": [stamp] * len(pairs),
        },
    }


def check_owners(connection: sqlite3.Connection, schema: ObjectSchema, drafts: Sequence[Draft]) -> None:
    """Refuse a queue that does not own records of this object."""
    owner = schema.find("OwnerId")
    if owner is None or GROUP not in owner.targets:
        return
    statement = f"select QueueId from {SUPPORTED} where SobjectType = ?"
    supported = {queue_id for (queue_id,) in connection.execute(statement, (schema.name,))}
    for draft in drafts:
        owner_id = str(draft.values.get("OwnerId") or "")
        if owner_id.startswith("00G") and owner_id not in supported and draft.error is None:
            draft.error = RowError("INVALID_OPERATION", "Queue not associated with this SObject type")


def _ownable(schema: ObjectSchema) -> ObjectSchema:
    if schema.name not in _OWNED and not schema.name.endswith("__c"):
        return schema
    fields = (replace(one, also_refers_to=(GROUP,)) if one.name == "OwnerId" else one for one in schema.fields)
    return replace(schema, fields=tuple(fields))


def _is_owned(schema: ObjectSchema) -> bool:
    owner = schema.find("OwnerId")
    return owner is not None and GROUP in owner.targets
