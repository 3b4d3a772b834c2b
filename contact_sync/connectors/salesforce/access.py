"""What a describe result says our user may do with an object and its fields.

Describe counts object permissions and field-level security in: what it does not allow, or does not show, our user may
not do. Does not belong here: what is wanted, and what follows when it is not allowed (needs.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FieldAccess:
    """One field that our user sees.

    is_needed_at_create: the org wants a value in each new record and has no default for it. relationship: the name
    under which a reference is followed, as in `Account.Contact_Sync_Key__c`.
    """

    name: str
    type: str
    length: int
    is_createable: bool
    is_updateable: bool
    is_needed_at_create: bool
    is_external_id: bool
    is_unique: bool
    is_restricted_picklist: bool
    relationship: str


@dataclass(frozen=True, kw_only=True)
class ObjectAccess:
    """One object that our user sees. record_types: names of those that new records may get, the default one first."""

    name: str
    is_queryable: bool
    is_replicateable: bool
    is_createable: bool
    is_updateable: bool
    fields: Mapping[str, FieldAccess]
    record_types: tuple[str, ...]


def access_of(description: Mapping[str, Any]) -> ObjectAccess:
    """The rights that a describe result tells of; what it leaves out is not allowed."""
    fields = [_field(one) for one in description["fields"]]
    return ObjectAccess(
        name=description["name"],
        is_queryable=bool(description.get("queryable")),
        is_replicateable=bool(description.get("replicateable")),
        is_createable=bool(description.get("createable")),
        is_updateable=bool(description.get("updateable")),
        fields={field.name: field for field in fields},
        record_types=_record_types(description),
    )


def _field(described: Mapping[str, Any]) -> FieldAccess:
    is_createable = bool(described.get("createable"))
    has_value = bool(described.get("nillable")) or bool(described.get("defaultedOnCreate"))
    return FieldAccess(
        name=described["name"],
        type=described["type"],
        length=int(described.get("length") or 0),
        is_createable=is_createable,
        is_updateable=bool(described.get("updateable")),
        # A checkbox always has a value, whatever describe says of its default.
        is_needed_at_create=is_createable and not has_value and described["type"] != "boolean",
        is_external_id=bool(described.get("externalId")),
        is_unique=bool(described.get("unique")),
        is_restricted_picklist=bool(described.get("restrictedPicklist")),
        relationship=described.get("relationshipName") or "",
    )


def _record_types(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that our user may choose; the master stands for having none."""
    usable = [
        one
        for one in description.get("recordTypeInfos") or ()
        if one.get("active", True) and one.get("available") and not one.get("master")
    ]
    by_default = sorted(usable, key=lambda one: not one.get("defaultRecordTypeMapping"))
    return tuple(one["developerName"] for one in by_default)
