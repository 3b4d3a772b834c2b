"""FieldDefinition, as far as it tells which fields exist: all of them, whatever the integration user may see.

Does not belong here: queries of records (query.py).
"""

from __future__ import annotations

from typing import Any

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.soql.syntax import Comparison, Query

NAME = "fielddefinition"
_ENTITY = ("entitydefinition", "qualifiedapiname")


def field_definitions(query: Query, schema: OrgSchema) -> dict[str, Any]:
    """The reply to `SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'X'`."""
    where = query.where
    if not isinstance(where, Comparison) or tuple(part.lower() for part in where.path) != _ENTITY:
        raise Fault(400, "INVALID_QUERY_FILTER_OPERATOR", "FieldDefinition needs a filter on EntityDefinition")
    names = [str(value.value) for value in where.values]
    found = [(one.name, field) for name in names if (one := schema.find(name)) is not None for field in one.fields]
    records = [
        {
            "attributes": {"type": "FieldDefinition"},
            "DurableId": f"{name}.{field.name}",
            "QualifiedApiName": field.name,
            "DataType": field.type,
        }
        for name, field in found
    ]
    asked = {path[-1].lower() for path in query.fields}
    rows = [
        {name: value for name, value in one.items() if name == "attributes" or name.lower() in asked} for one in records
    ]
    return {"totalSize": len(rows), "done": True, "records": rows}
