"""What stands against reading and writing an object as wanted: from its access to findings; pure.

Does not belong here: asking the org (examine.py), and reading describe results (access.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from contact_sync.catalog import Entity
from contact_sync.connectors.examination import Finding, Need, note, problem
from contact_sync.connectors.salesforce.access import ObjectAccess

_SETUP: Final = "docs/salesforce_setup.md"
_GRANT: Final = f"Grant it to the integration user: permission set Contact_Sync, {_SETUP}."
_CURRENCY: Final = "CurrencyIsoCode"
_PERSON: Final = "IsPersonAccount"
_OF_FEATURES: Final = frozenset({_CURRENCY, _PERSON, "PersonContactId"})
"""Fields that only orgs with a feature have; silver has nulls where they are missing."""
_NAME_PARTS: Final = frozenset({"LastName", "FirstName", "Salutation"})


def wanted_fields(need: Need) -> frozenset[str]:
    """Every field that is read or written, with key, cursor and what the catalog lists."""
    item = need.item
    anchors = [name for name in (item.key, item.cursor, item.deleted) if name]
    return need.fields | {*anchors, *(item.columns or ()), *_written(need.entity)}


def missing_fields(need: Need, access: ObjectAccess) -> frozenset[str]:
    """The fields that are wanted and not shown to our user, but those of features that the org may do without."""
    return wanted_fields(need) - set(access.fields) - _OF_FEATURES


def findings(need: Need, access: ObjectAccess | None, hidden: Collection[str] = ()) -> Iterator[Finding]:
    """What stands against a need. access: None if the object is not shown; hidden: missing fields that do exist."""
    if access is None:
        yield problem(
            need.item.object,
            "The object does not exist, or our user may not see it.",
            f"{_GRANT} Or take it out of the catalog.",
        )
        return
    yield from _reading(need, access)
    for name in sorted(missing_fields(need, access)):
        yield _missing(need, name, is_hidden=name in hidden)
    if need.entity is not None:
        yield from _object_rights(need.entity, access)
        yield from _external_id(need, need.entity, access)
        yield from _target_fields(need.entity, access)
        yield from _parent(need.entity, access)
        yield from _needed_at_create(need.entity, access)
        yield from _record_types(access)


def feature_notes(seen: Sequence[ObjectAccess]) -> Iterator[Finding]:
    """What the org has switched on that changes what reading and writing mean."""
    names = {name for access in seen for name in access.fields}
    if _PERSON in names:
        yield note(
            "Account",
            "The org has person accounts.",
            f"An account and a contact can be one person: {_SETUP}#person-accounts.",
        )
    if _CURRENCY in names:
        yield note(
            "Organization",
            "The org has several currencies.",
            f"New records get the integration user's currency: {_SETUP}#several-currencies.",
        )


def _reading(need: Need, access: ObjectAccess) -> Iterator[Finding]:
    if not access.is_queryable:
        yield problem(access.name, "The object cannot be queried.", f"{_GRANT} Or take it out of the catalog.")
    if not access.is_replicateable:
        yield note(
            access.name,
            "The org keeps no account of its changes and deletions (not replicateable).",
            f"Deletions are found by comparing all keys, every {need.item.sweep_hours:g} hours: sweep_hours.",
        )


def _missing(need: Need, name: str, *, is_hidden: bool) -> Finding:
    """A custom field may be missing in one org of many and then is null in silver; a standard one is in every org."""
    subject = f"{need.item.object}.{name}"
    is_custom = "__" in name
    if is_hidden or not is_custom:
        return problem(subject, "The field exists, but our user may not see it.", _GRANT)
    if name in _written(need.entity):
        return problem(subject, "The field does not exist, or our user may not see it.", f"Deploy it: {_SETUP}.")
    return note(subject, "The org has no such field: silver has nulls there.", "None, unless somebody misses it.")


def _object_rights(entity: Entity, access: ObjectAccess) -> Iterator[Finding]:
    if not access.is_updateable:
        yield problem(access.name, "Our user may not edit records.", _GRANT)
    if entity.target.create_from and not access.is_createable:
        yield problem(access.name, "Our user may not create records.", f"{_GRANT} Or empty create_from in golden.yaml.")


def _external_id(need: Need, entity: Entity, access: ObjectAccess) -> Iterator[Finding]:
    field = access.fields.get(entity.target.external_id)
    if field is None:
        return
    subject = f"{access.name}.{field.name}"
    if not field.is_external_id:
        yield problem(
            subject, "It is not an External ID, so nothing can be upserted by it.", _redeploy(need.key_length)
        )
    if not field.is_unique:
        yield problem(subject, "It is not unique, so two records could get one key.", _redeploy(need.key_length))
    if field.length < need.key_length:
        message = f"It holds {field.length} characters, and a key has {need.key_length}."
        yield problem(subject, message, _redeploy(need.key_length))
    if not (field.is_createable and field.is_updateable):
        yield problem(subject, "Our user may not write it, so no record can be stamped or created.", _GRANT)


def _redeploy(length: int) -> str:
    return f"Make it text of {max(length, 64)} characters, External ID and unique: deploy/salesforce, {_SETUP}."


def _target_fields(entity: Entity, access: ObjectAccess) -> Iterator[Finding]:
    is_created = bool(entity.target.create_from)
    for golden in entity.fields:
        field = access.fields.get(golden.target_field or "")
        if field is None:
            continue
        subject = f"{access.name}.{field.name}"
        refused = [
            where
            for where, is_wanted, is_allowed in (
                ("in edits", golden.is_written_back, field.is_updateable),
                ("in new records", is_created, field.is_createable),
            )
            if is_wanted and not is_allowed
        ]
        if refused:
            remedy = f"{_GRANT} If it is computed, take its target_field out of golden.yaml."
            yield problem(subject, f"Our user may not write it {' or '.join(refused)}.", remedy)
        if field.is_restricted_picklist or f"{field.name}Code" in access.fields:
            yield note(
                subject,
                "It takes only values of a list, and refuses every other.",
                f"Make gold speak the list's values: {_SETUP}#lists-of-values.",
            )


def _parent(entity: Entity, access: ObjectAccess) -> Iterator[Finding]:
    field = access.fields.get(entity.target.parent or "")
    if field is None:
        return
    subject = f"{access.name}.{field.name}"
    relationship = field.name.removesuffix("Id")
    if field.relationship != relationship:
        message = f"It is no reference that is followed as {relationship}, as which parents are written."
        yield problem(subject, message, "Correct parent in golden.yaml.")
    if entity.target.create_from and not field.is_createable:
        yield problem(subject, "Our user may not fill in the parent of new records.", _GRANT)


def _needed_at_create(entity: Entity, access: ObjectAccess) -> Iterator[Finding]:
    if not entity.target.create_from:
        return
    golden_of = {field.target_field: field.name for field in entity.fields if field.target_field}
    for field in access.fields.values():
        if not field.is_needed_at_create or _is_of_persons(field.name, access):
            continue
        subject = f"{access.name}.{field.name}"
        if field.name not in _written(entity):
            yield problem(
                subject,
                "The org wants a value in each new record, and contact_sync writes none: every create is refused.",
                "Give it a default in the org, or a target_field in golden.yaml, or empty create_from.",
            )
        elif field.name in golden_of and golden_of[field.name] not in entity.target.required:
            name = golden_of[field.name]
            yield note(
                subject,
                "The org wants a value in each new record; creates without one are refused.",
                f"List {name} under required of {entity.name} in golden.yaml, so that they wait instead.",
            )


def _is_of_persons(name: str, access: ObjectAccess) -> bool:
    """Whether only accounts that are persons need the field; describe says of their last name that all do."""
    return _PERSON in access.fields and access.name == "Account" and name in _NAME_PARTS


def _record_types(access: ObjectAccess) -> Iterator[Finding]:
    if len(access.record_types) > 1:
        yield note(
            access.name,
            f"New records get the record type {access.record_types[0]}, one of {len(access.record_types)}.",
            f"Change the integration user's default if another is meant: {_SETUP}#record-types.",
        )


def _written(entity: Entity | None) -> frozenset[str]:
    """Target fields, External ID and parent reference."""
    if entity is None:
        return frozenset()
    names = [entity.target.external_id, entity.target.parent, *(field.target_field for field in entity.fields)]
    return frozenset(name for name in names if name)
