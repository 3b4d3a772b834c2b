"""Person accounts, as schema: which fields an account has in common with its contact, record types, and their objects.

After "Person Account Record Types" of the SOAP API Developer Guide and "Account Fields" of Salesforce Help. What it
means to write one is in person_writes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from contact_sync.simulator.salesforce.ids import make_id
from contact_sync.simulator.salesforce.more_objects import standard_objects
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema, RecordType
from contact_sync.simulator.salesforce.store import Cell

_PREFIX = "Person"
_NAME_PARTS = ("LastName", "FirstName", "Salutation")
_PERSON_FIELDS = (
    *("MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry", "MailingAddress"),
    *("MobilePhone", "Email", "Title", "Department", "LeadSource", "HasOptedOutOfEmail", "DoNotCall"),
)
_COMMON = ("Name", "Phone", "OwnerId", "CurrencyIsoCode", "IsDeleted")
# Above the ids of the made-up record types that an org with many object types has.
_FIRST_RECORD_TYPE = 1_000


def record_types(pod: str) -> tuple[RecordType, RecordType]:
    """The record types of accounts: business and person."""
    business, person = (make_id("012", pod, _FIRST_RECORD_TYPE + number) for number in (1, 2))
    return (
        RecordType(business, "Business Account", "Business_Account", is_default=True),
        RecordType(person, "Person Account", "PersonAccount", is_person=True),
    )


def with_person_accounts(objects: Iterable[ObjectSchema], *, pod: str) -> list[ObjectSchema]:
    """The objects of an org that has person accounts; RecordType is one of them."""
    found = {one.name: one for one in objects}
    contact, types = found["Contact"], record_types(pod)
    is_person = FieldSchema("IsPersonAccount", "boolean", writable=False)
    more = (
        FieldSchema("RecordTypeId", "reference", 18, refers_to="RecordType", default=types[0].id),
        is_person,
        FieldSchema("PersonContactId", "reference", 18, refers_to="Contact", writable=False),
        *_account_fields(contact),
    )
    account = found["Account"]
    found["Account"] = replace(account, fields=(*account.fields, *more), record_types=types)
    found["Contact"] = replace(contact, fields=(*contact.fields, is_person))
    kinds = found.get("RecordType") or next(one for one in standard_objects() if one.name == "RecordType")
    found["RecordType"] = replace(kinds, fields=(*kinds.fields, FieldSchema("IsPersonType", "boolean")))
    return list(found.values())


def shared_fields(account: ObjectSchema, contact: ObjectSchema) -> dict[str, str]:
    """Field of an account -> field of its contact that always holds the same, of those that both store."""
    pairs = {name: name for name in (*_NAME_PARTS, *_COMMON)}
    pairs |= {_on_account(field): field.name for field in contact.fields if _is_mirrored(field)}
    stored = {field.name for field in account.stored}, {field.name for field in contact.stored}
    return {ours: theirs for ours, theirs in pairs.items() if ours in stored[0] and theirs in stored[1]}


def person_only(account: ObjectSchema) -> frozenset[str]:
    """Fields of an account that only a person has."""
    names = (field.name for field in account.fields if field.name.startswith(_PREFIX) or field.name.endswith("__pc"))
    return frozenset((*_NAME_PARTS, *names))


def record_type_columns(pod: str, *, stamp: str) -> Mapping[str, list[Cell]]:
    """The records of RecordType as columns."""
    types = record_types(pod)
    return {
        "Id": [one.id for one in types],
        "Name": [one.name for one in types],
        "DeveloperName": [one.developer_name for one in types],
        "SobjectType": ["Account"] * len(types),
        "IsActive": [1] * len(types),
        "IsPersonType": [int(one.is_person) for one in types],
        **{name: [stamp] * len(types) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")},
    }


def _account_fields(contact: ObjectSchema) -> Iterator[FieldSchema]:
    """The fields of a contact under the names they have on a person account."""
    for field in contact.fields:
        if field.name in _NAME_PARTS:
            yield replace(field, required=False)
        elif _is_mirrored(field):
            compound = field.compound and f"{_PREFIX}{field.compound}"
            # One value cannot be the key of two objects: the key of the person is written through the contact.
            yield replace(
                field,
                name=_on_account(field),
                compound=compound,
                external_id=False,
                writable=field.writable and not field.external_id,
            )


def _is_mirrored(field: FieldSchema) -> bool:
    return field.name in _PERSON_FIELDS or field.name.endswith("__c")


def _on_account(field: FieldSchema) -> str:
    """`Email` is `PersonEmail`, a custom field `Level__c` is `Level__pc`."""
    return f"{field.name.removesuffix('c')}pc" if field.name.endswith("__c") else f"{_PREFIX}{field.name}"
