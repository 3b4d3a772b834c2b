"""How the described fields of an object become columns of its silver model: names, casts, types, descriptions; pure.

Does not belong here: the text of files (model_text.py), or what a described type is in SQL (types.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contact_sync.catalog.model import snake_case
from contact_sync.warehouse.types import SqlType, sql_type

_MAX_DIGITS: Final = 38
_MACROS: Final = {
    "boolean": "as_boolean",
    "timestamp with time zone": "as_timestamp",
    "date": "as_date",
    "time": "as_time",
    "bigint": "as_integer",
    "id": "as_id",
}
_NEVER_PLACEHOLDERS: Final = frozenset({"email", "phone", "url"})
_LINEAGE: Final = frozenset({"Id", "IsDeleted", "SystemModstamp"})
"""Fields that silver has as record_id, is_deleted and version_at."""
_USUAL_NAMES: Final = {
    "CreatedDate": "created_at",
    "LastModifiedDate": "modified_at",
    "LastModifiedById": "modified_by_id",
    "updated_at": "modified_at",
}
_USUAL_DESCRIPTIONS: Final = {
    "created_at": "When the record was created in its source.",
    "modified_at": "When a user or the API last changed the record.",
    "modified_by_id": "Salesforce user who made that change; tells our own writes from those of people.",
    "owner_id": "Salesforce user who owns the record.",
    "name": "Name of the record.",
    "description": "Free text.",
}
_RESERVED_WORDS: Final = """
    account all and any array as asc at authorization between binary boolean both by case cast check column
    connection constraint create cross current current_date current_time current_timestamp database date decimal
    default delete delta desc distinct do drop else end except false fetch for foreign freeze from full grant group
    having identity in increment initially inner insert integer intersect interval into is issue join language
    lateral leading left like limit list minus natural new not null number offset old on only open or order
    organization outer parallel partition percent placing primary qualify raw references respect returning right row
    rows sample schema select set some start struct table tag text then time timestamp to top trailing trigger true
    type union unique update user using value values view when where window with without
"""
_RESERVED: Final = frozenset(_RESERVED_WORDS.split())
"""Words that one of the engines does not take for the name of a column, or that say nothing."""
_ALWAYS_THERE: Final = frozenset(
    {"instance", "record_id", "version_at", "is_deleted", "extracted_at", "batch_id", "rejected_fields"}
)


@dataclass(frozen=True, kw_only=True)
class ModelField:
    """One field of bronze as a column: `call` is the macro that types it, data_type the type its contract promises."""

    field: str
    column: str
    call: str
    data_type: str
    description: str


def model_fields(
    object_name: str, schemas: Sequence[Mapping[str, Mapping[str, Any]]], *, taken: Collection[str] = ()
) -> list[ModelField]:
    """The fields of an object as columns, in described order; schemas: what each instance describes.

    Fields that no query returns are left out. taken: columns that there are already, whose names are not given again.
    """
    described: dict[str, list[Mapping[str, Any]]] = {}
    for schema in schemas:
        for name, field in schema.items():
            if not field["left_out"] and name not in _LINEAGE and re.fullmatch(r"\w+", name):
                described.setdefault(name, []).append(field)
    names = set(taken) | _ALWAYS_THERE
    fields = []
    for name, versions in described.items():
        kind = _common_type([sql_type(version) for version in versions])
        column = _column(object_name, name, kind, names)
        names.add(column)
        fields.append(_model_field(name, column, kind, versions[-1]))
    return fields


def _model_field(name: str, column: str, kind: SqlType, described: Mapping[str, Any]) -> ModelField:
    macro, data_type = _MACROS.get(kind.name, "as_text"), kind.name
    call = f"{macro}('{name}')"
    if kind.name == "decimal":
        precision, scale = _digits(kind)
        data_type = f"decimal({precision}, {scale})"
        call = f"as_decimal('{name}'{'' if (precision, scale) == (18, 2) else f', {precision}, {scale}'})"
    elif macro in {"as_text", "as_id"}:
        data_type = "varchar"
        if str(described["type"]).lower() in _NEVER_PLACEHOLDERS:
            call = f"as_value('{name}')"
    return ModelField(
        field=name, column=column, call=call, data_type=data_type, description=_description(name, column, described)
    )


def _common_type(kinds: Sequence[SqlType]) -> SqlType:
    """A type that holds what every instance describes: more digits, or text where they differ in kind."""
    first = kinds[0]
    if any(kind.name != first.name for kind in kinds):
        return SqlType(name="text")
    if first.name != "decimal" or not all(kind.precision for kind in kinds):
        return first
    whole, scale = max(kind.precision - kind.scale for kind in kinds), max(kind.scale for kind in kinds)
    return SqlType(name="decimal", precision=whole + scale, scale=scale)


def _digits(kind: SqlType) -> tuple[int, int]:
    """Precision and scale that every engine can have; a decimal described without any gets room on both sides."""
    if not kind.precision:
        return _MAX_DIGITS, 9
    precision = min(kind.precision, _MAX_DIGITS)
    return precision, min(kind.scale, precision)


def _column(object_name: str, field: str, kind: SqlType, taken: Collection[str]) -> str:
    bare = re.sub(r"__(c|pc|s)$", "", field)
    column = _USUAL_NAMES.get(field) or re.sub(r"_+", "_", snake_case(bare)).strip("_")
    if field not in _USUAL_NAMES and kind.name == "timestamp with time zone":
        column = f"{re.sub(r'(_date)?(_time)?(_at)?$', '', column)}_at".removeprefix("at_")
    own = re.sub(r"__c$", "", object_name.partition("__")[2])
    if column in _RESERVED or not column[:1].isalpha():
        column = f"{own}_{column}"
    for candidate in (column, f"{own}_{column}", f"{column}_custom"):
        if candidate not in taken:
            return candidate
    return next(name for number in range(2, 1_000) if (name := f"{column}_{number}") not in taken)


def _description(name: str, column: str, described: Mapping[str, Any]) -> str:
    if column in _USUAL_DESCRIPTIONS:
        return _USUAL_DESCRIPTIONS[column]
    words = re.sub(r"__(c|pc|s)$", "", name)
    words = snake_case(words).replace("_", " ").strip()
    sentence = words[:1].upper() + words[1:]
    targets = list(described.get("references") or ())
    if targets:
        return f"{sentence}, the id of a record of {_listed(targets)}."
    return f"{sentence}, as the source describes it ({str(described['type']).lower()})."


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
