"""What fields an object has, and which of them a reading selects.

Does not belong here: types of our own; fields keep the type names of Salesforce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from contact_sync.connectors.base import Field
from contact_sync.connectors.salesforce.http import DATA_PATH, SalesforceClient
from contact_sync.errors import UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contact_sync.catalog import CatalogObject

DATETIME: Final = "datetime"

_UNSELECTABLE_TYPES: Final = frozenset({"address", "location", "base64"})
"""Compound values, whose parts are fields of their own, and files: Bulk API queries refuse both."""


def describe(client: SalesforceClient, object_name: str) -> tuple[Field, ...]:
    """All fields of an object as the org describes them now, in its order."""
    path = f"{DATA_PATH}/sobjects/{quote(object_name, safe='')}/describe"
    described = client.get(path, subject=object_name)
    return tuple(
        Field(
            name=field["name"],
            type=field["type"],
            label=field.get("label") or "",
            is_selectable=field["type"] not in _UNSELECTABLE_TYPES,
        )
        for field in described["fields"]
    )


def selected(item: CatalogObject, fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields a reading selects: those of the catalog if it lists any, otherwise all that can be selected."""
    selectable = {field.name: field for field in fields if field.is_selectable}
    names = item.columns or tuple(selectable)
    if missing := [name for name in names if name not in selectable]:
        message = f"{item.name}: the org offers no field {', '.join(missing)} that can be selected."
        raise UnknownObjectError(message, remedy="Check the catalog's columns and the integration user's permissions.")
    return tuple(selectable[name] for name in names)
