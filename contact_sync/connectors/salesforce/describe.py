"""What fields an object has, and which of them a reading selects.

Does not belong here: types of our own; fields keep the type names of Salesforce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from contact_sync.connectors.base import Field
from contact_sync.connectors.salesforce.http import DATA_PATH, SalesforceClient
from contact_sync.errors import UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contact_sync.catalog import CatalogObject

DATETIME: Final = "datetime"

_LEFT_OUT: Final = {
    "address": "a compound, whose parts are fields of their own",
    "location": "a compound, whose parts are fields of their own",
    "base64": "a file's content, which no query returns",
}
"""Types that Bulk API queries refuse, and why nothing is lost without them, or what is."""


def describe(client: SalesforceClient, object_name: str) -> tuple[Field, ...]:
    """All fields of an object as the org describes them now, in its order."""
    return fields_of(client.get(describe_path(object_name), subject=object_name))


def describe_path(object_name: str) -> str:
    """Where an object is described."""
    return f"{DATA_PATH}/sobjects/{quote(object_name, safe='')}/describe"


def fields_of(description: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a describe result."""
    return tuple(
        Field(
            name=field["name"],
            type=field["type"],
            label=field.get("label") or "",
            length=int(field.get("length") or 0),
            precision=int(field.get("precision") or field.get("digits") or 0),
            scale=int(field.get("scale") or 0),
            is_calculated=bool(field.get("calculated")),
            references=tuple(field.get("referenceTo") or ()),
            left_out=_LEFT_OUT.get(field["type"], ""),
        )
        for field in description["fields"]
    )


def selected(item: CatalogObject, fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields a reading selects: those of the catalog if it lists any, otherwise all that can be selected."""
    selectable = {field.name: field for field in fields if field.is_selectable}
    names = item.columns or tuple(selectable)
    if missing := [name for name in names if name not in selectable]:
        message = f"{item.name}: the org offers no field {', '.join(missing)} that can be selected."
        raise UnknownObjectError(message, remedy="Check the catalog's columns and the integration user's permissions.")
    return tuple(selectable[name] for name in names)
