"""Describe bodies: the schema as the REST API tells it. Nothing here knows records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contact_sync.simulator.salesforce.schema import (
    DECIMAL_TYPES,
    REFERENCE_TYPES,
    TEXT_TYPES,
    FieldSchema,
    ObjectSchema,
    RecordType,
)

_SOAP_TYPES = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "address": "urn:address", "location": "urn:location", "base64": "xsd:base64Binary", "time": "xsd:time",
}  # fmt: skip
_MASTER_ID = "012000000000000AAA"
_DEFAULTED = frozenset({"StageName"})
_ALWAYS_FILLED = frozenset(
    {
        *("OwnerId", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"),
        *("Name", "CaseNumber"),
    }
)


def describe_global(objects: Iterable[ObjectSchema]) -> dict[str, Any]:
    """The body of /sobjects."""
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_summary(schema) for schema in objects]}


def describe_object(schema: ObjectSchema) -> dict[str, Any]:
    """The body of /sobjects/X/describe."""
    return {
        **_summary(schema),
        "fields": [_field(schema, field) for field in schema.fields],
        "childRelationships": [],
        "recordTypeInfos": _record_types(schema.record_types),
        "supportedScopes": [{"label": "All records", "name": "everything"}],
    }


def object_information(schema: ObjectSchema) -> dict[str, Any]:
    """The body of /sobjects/X."""
    return {"objectDescribe": _summary(schema), "recentItems": []}


def _summary(schema: ObjectSchema) -> dict[str, Any]:
    return {
        "name": schema.name,
        "label": schema.name,
        "labelPlural": f"{schema.name}s",
        "keyPrefix": schema.key_prefix,
        "custom": schema.name.endswith("__c"),
        "customSetting": False,
        "deprecatedAndHidden": False,
        "queryable": schema.queryable,
        "retrieveable": True,
        "replicateable": schema.replicateable,
        "searchable": schema.deletable,
        "createable": schema.deletable and "create" not in schema.forbidden,
        "updateable": schema.deletable and "update" not in schema.forbidden,
        "deletable": schema.deletable and "delete" not in schema.forbidden,
        "undeletable": schema.deletable,
        "mergeable": schema.name in ("Account", "Contact", "Lead"),
        "triggerable": True,
        "urls": {},
    }


def _record_types(types: tuple[RecordType, ...]) -> list[dict[str, Any]]:
    """Those of the object, and the master that stands for none of them."""
    infos = [(one.id, one.name, one.developer_name, one.is_default) for one in types]
    infos += [(_MASTER_ID, "Master", "Master", False)] if types else []
    return [
        {
            "recordTypeId": record_type_id,
            "name": name,
            "developerName": developer_name,
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": is_default,
            "master": record_type_id == _MASTER_ID,
            "urls": {},
        }
        for record_type_id, name, developer_name, is_default in infos
    ]


def _field(schema: ObjectSchema, field: FieldSchema) -> dict[str, Any]:
    is_text = field.type in TEXT_TYPES | REFERENCE_TYPES
    precision, scale = field.digits if field.type in DECIMAL_TYPES else (0, 0)
    has_default = field.default is not None or field.name in _DEFAULTED
    has_key = field.type == "id" or field.external_id
    return {
        "name": field.name,
        "label": field.name.removesuffix("__c").removesuffix("__pc").replace("_", " "),
        "type": field.type,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "length": field.length,
        "byteLength": field.length * 3 if is_text else 0,
        "precision": precision,
        "scale": scale,
        "digits": 9 if field.type == "int" else 0,
        "calculated": field.formula is not None,
        "compoundFieldName": field.compound or _name_compound(schema, field),
        "custom": field.name.endswith(("__c", "__pc")),
        "externalId": field.external_id,
        "idLookup": has_key or field.type == "email",
        "unique": field.external_id,
        "caseSensitive": field.external_id and field.case_sensitive,
        "nillable": not field.required and field.name not in _ALWAYS_FILLED and field.type not in ("id", "boolean"),
        "defaultedOnCreate": field.type in ("id", "boolean") or field.name in _ALWAYS_FILLED or has_default,
        "createable": field.may_be_written,
        "updateable": field.may_be_written,
        "filterable": field.filterable,
        "sortable": field.selectable and field.type != "textarea",
        "groupable": field.selectable and field.type not in ("textarea", "datetime"),
        "nameField": field.name in ("Name", "CaseNumber") and (field.name == "CaseNumber" or schema.name != "Case"),
        "referenceTo": list(field.targets),
        "polymorphicForeignKey": len(field.targets) > 1,
        "relationshipName": field.relationship,
        "picklistValues": [
            {"value": value, "label": value, "active": True, "defaultValue": value == field.default}
            for value in field.values
        ],
        "restrictedPicklist": field.restricted,
        "encrypted": False,
        "deprecatedAndHidden": False,
    }


def _name_compound(schema: ObjectSchema, field: FieldSchema) -> str | None:
    """First name, last name and salutation make up the Name of a person."""
    if field.name in ("FirstName", "LastName", "Salutation") and schema.find("FirstName"):
        return "Name"
    return None
