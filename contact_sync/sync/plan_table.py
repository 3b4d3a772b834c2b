"""What a row of a plan looks like: one write of one record in one stage, each value in a column of its own.

Belongs here: the names of stages and columns, and what they mean. Does not belong here: which rows there are (plan.py)
and writing them (apply.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import pyarrow as pa

from contact_sync import arrow_values
from contact_sync.arrow_values import MOMENT
from contact_sync.catalog import Entity, GoldenField


class Stage(StrEnum):
    """The stages of a plan, in the order they are applied for each entity."""

    STAMP = "stamp"
    UPDATE = "update"
    CREATE = "create"


PLAN_COLUMNS: Final = arrow_values.schema(
    plan_id=pa.string(),
    plan_row_id=pa.string(),
    entity=pa.string(),
    stage=pa.string(),
    object_name=pa.string(),
    instance=pa.string(),
    golden_key=pa.string(),
    record_id=pa.string(),
    row_key=pa.string(),
    value_hash=pa.string(),
    parent_key=pa.string(),
    seen_at=MOMENT,
)
"""The columns of every plan; `before_<field>` and `after_<field>` of each golden field that is written follow."""


def before(field: str) -> str:
    """The column of what the target held in a field that is to be written."""
    return f"before_{field}"


def after(field: str) -> str:
    """The column of what is to be written to a field; null: it is not written, CLEAR: it is made empty."""
    return f"after_{field}"


def target_fields(entity: Entity) -> list[GoldenField]:
    """The fields that the target has."""
    return [field for field in entity.fields if field.target_field is not None]


def written_fields(entity: Entity) -> dict[str, str]:
    """Golden field -> field of the target."""
    return {field.name: field.target_field or "" for field in target_fields(entity)}


def field_columns(entities: Iterable[Entity]) -> list[str]:
    """The columns `before_<field>` and `after_<field>` of all entities, each of them once."""
    fields = dict.fromkeys(field.name for entity in entities for field in target_fields(entity))
    return [column for name in fields for column in (before(name), after(name))]


def plan_schema(entities: Iterable[Entity]) -> pa.Schema:
    """All columns of a plan of these entities."""
    return pa.schema([*PLAN_COLUMNS, *(pa.field(name, pa.string()) for name in field_columns(entities))])
