"""What type a described field has in SQL, and which casts of the silver models cannot hold it; pure.

Systems describe their fields in words of their own; a word that is not known is text, never guessed. Does not belong
here: describing fields, or the casts themselves (dbt_project/macros/typing.sql).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_DECIMAL: Final = frozenset({"currency", "double", "percent", "numeric", "decimal", "real", "double precision"})
_INTEGER: Final = frozenset({"int", "integer", "long", "bigint", "smallint"})
_SAME: Final = {
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "datetime": "timestamp with time zone",
    "timestamp with time zone": "timestamp with time zone",
    "timestamp without time zone": "timestamp with time zone",
    "multipicklist": "list",
    "id": "id",
    "reference": "id",
}
_TEXT: Final = frozenset(
    {
        *("string", "textarea", "email", "phone", "url", "picklist", "combobox", "encryptedstring", "anytype"),
        *("text", "character varying", "character", "uuid", "json", "jsonb", "datacategorygroupreference"),
    }
)
_MACROS: Final = {
    "as_text": "text",
    "as_value": "text",
    "as_boolean": "boolean",
    "as_timestamp": "timestamp with time zone",
    "as_date": "date",
    "as_time": "time",
    "as_integer": "bigint",
    "as_id": "id",
    "as_list": "list",
}
_CAST: Final = re.compile(
    r"\{\{\s*(?P<macro>as_\w+)\('(?P<field>\w+)'(?:,\s*(?P<precision>\d+),\s*(?P<scale>\d+))?\)\s*\}\}\s+as\s+(?P<column>\w+)"
)
_DEFAULT_DECIMAL: Final = (18, 2)


@dataclass(frozen=True, kw_only=True)
class SqlType:
    """A type by name; precision and scale are those of a decimal. is_known: whether the system's word is known."""

    name: str
    precision: int = 0
    scale: int = 0
    is_known: bool = True

    def __str__(self) -> str:
        """`decimal(18, 2)`."""
        return (
            f"{self.name}({self.precision}, {self.scale})" if self.precision and self.name == "decimal" else self.name
        )

    def holds(self, other: SqlType) -> bool:
        """Whether every value of the other type can be a value of this one; text holds all, and may mean anything."""
        if "text" in {self.name, other.name}:
            return True
        if self.name == other.name == "decimal" and not other.precision:
            return True
        if self.name != "decimal" or other.name not in {"decimal", "bigint"}:
            return self.name == other.name
        whole = other.precision - other.scale if other.name == "decimal" else other.precision
        return self.scale >= other.scale and self.precision - self.scale >= whole


@dataclass(frozen=True, kw_only=True)
class Cast:
    """A column of a silver model that is one field of bronze with a type."""

    field: str
    column: str
    type: SqlType


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A cast that cannot hold what its field is described as."""

    cast: Cast
    described: SqlType

    def __str__(self) -> str:
        """Which column, and both types."""
        return f"{self.cast.column} is {self.cast.type}, {self.cast.field} is described as {self.described}"


def sql_type(described: Mapping[str, Any]) -> SqlType:
    """The type of a field as the schema history has it (`type`, `precision`, `scale`).

    A decimal with more digits than an engine's can have keeps its numbers, so that no cast is taken to hold it; one
    that is described without digits has none to tell.
    """
    kind = str(described["type"]).lower()
    precision, scale = int(described.get("precision") or 0), int(described.get("scale") or 0)
    if kind in _DECIMAL:
        return SqlType(name="decimal", precision=precision, scale=scale)
    if kind in _INTEGER:
        return SqlType(name="bigint", precision=precision)
    if kind in _SAME:
        return SqlType(name=_SAME[kind])
    return SqlType(name="text", is_known=kind in _TEXT)


def casts(model_code: str) -> list[Cast]:
    """The typed columns of a silver model, as its source code says: `{{ as_decimal('Amount') }} as amount`."""
    found = []
    for match in _CAST.finditer(model_code):
        if match["macro"] == "as_decimal":
            precision, scale = _DEFAULT_DECIMAL
            if match["precision"]:
                precision, scale = int(match["precision"]), int(match["scale"])
            kind = SqlType(name="decimal", precision=precision, scale=scale)
        else:
            kind = SqlType(name=_MACROS[match["macro"]])
        found.append(Cast(field=match["field"], column=match["column"], type=kind))
    return found


def misfits(columns: Iterable[Cast], fields: Mapping[str, Mapping[str, Any]]) -> list[Misfit]:
    """The casts that cannot hold every value of their fields; fields that are not described are left out."""
    pairs = [(cast, sql_type(fields[cast.field])) for cast in columns if cast.field in fields]
    return [Misfit(cast=cast, described=described) for cast, described in pairs if not cast.type.holds(described)]
