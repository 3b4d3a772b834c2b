"""Validation rules of an org: what a record must not be after a write, whoever writes it.

After "Validation Rules" of Salesforce Help: a rule refuses a record for which its condition is true. The condition is
SQL over the columns of the record as they are stored (store.py), not a formula. Does not belong here: rules that every
org has (record_chunk.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import RowError


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """One rule: the SQL condition under which a record is refused, what the user is told, and beside which field."""

    object_name: str
    condition: str
    message: str
    field: str | None = None


def violation(
    connection: sqlite3.Connection, rules: Iterable[ValidationRule], schema: ObjectSchema, record: Mapping[str, Cell]
) -> RowError | None:
    """What the first rule that a record breaks says about it."""
    columns = ", ".join(f'? as "{field.name}"' for field in schema.stored)
    values = [record.get(field.name) for field in schema.stored]
    for rule in rules:
        found = connection.execute(f"select 1 from (select {columns}) where {rule.condition}", values).fetchone()
        if found is not None:
            fields = (rule.field,) if rule.field else ()
            return RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields)
    return None
