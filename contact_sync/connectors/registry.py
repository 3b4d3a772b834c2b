"""Which connector speaks which protocol: one line per kind. Does not belong here: any protocol.

A connector is imported when one of its sources is opened: the drivers of PostgreSQL and S3 together cost more than a
CPU second and 100 MB, which the extraction of a Salesforce object has no use for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Memory, Source
from contact_sync.connectors.salesforce import SalesforceSource, SalesforceTarget
from contact_sync.connectors.target import Target
from contact_sync.errors import CatalogError, SettingsError
from contact_sync.settings import SalesforceInstance, Settings


def open_source(settings: Settings, item: CatalogObject, instance: str, memory: Memory | None = None) -> Source:
    """The source of an object's instance; `memory` keeps what its connector learns.

    Raises CatalogError for a connector that does not exist, SettingsError for an instance that is not configured.
    """
    if item.connector not in _OPENERS:
        raise CatalogError(
            f"{item.name}: unknown connector {item.connector}.", remedy=f"Known connectors: {', '.join(_OPENERS)}."
        )
    if instance not in settings.instances(item.source):
        raise unknown_instance(settings, item.source, instance)
    return _OPENERS[item.connector](settings, item, instance, memory)


def open_target(settings: Settings, instance: str) -> Target:
    """The target org of that name."""
    return SalesforceTarget(instance, salesforce_instance(settings, instance))


def salesforce_instance(settings: Settings, instance: str) -> SalesforceInstance:
    """The settings of one Salesforce org; SettingsError if there are none."""
    if instance not in settings.salesforce:
        raise unknown_instance(settings, "salesforce", instance)
    return settings.salesforce[instance]


def unknown_instance(settings: Settings, source: str, instance: str | None) -> SettingsError:
    """The error for an instance of a source that is not configured; None: for a source that has none."""
    known = ", ".join(settings.instances(source)) or "none"
    what = f"no instance {instance} (configured: {known})" if instance else "no configured instance"
    setting = _SETTINGS.get(source, _BUCKET).format(source=source.upper(), instance=(instance or "<instance>").upper())
    return SettingsError(f"{source} has {what}.", remedy=f"Set {setting}.")


def _salesforce(settings: Settings, _item: CatalogObject, instance: str, memory: Memory | None) -> Source:
    return SalesforceSource(instance, salesforce_instance(settings, instance), memory=memory)


def _sql(settings: Settings, item: CatalogObject, instance: str, _memory: Memory | None) -> Source:
    if instance not in settings.erp:
        raise unknown_instance(settings, "erp", instance)
    from contact_sync.connectors.sql import SqlSource  # noqa: PLC0415 -- heavy, see above

    return SqlSource(instance, settings.erp[instance].url.get_secret_value(), schema=item.source)


def _files(settings: Settings, _item: CatalogObject, _instance: str, _memory: Memory | None) -> Source:
    from contact_sync.connectors.files import FileSource  # noqa: PLC0415 -- heavy, see above

    return FileSource(settings.s3)


_BUCKET: Final = "CONTACT_SYNC_S3__BUCKET and its credentials; its only instance is main"
_INSTANCE: Final = "CONTACT_SYNC_{source}__{instance}__URL and its credentials"
_SETTINGS: Final = {"salesforce": _INSTANCE, "erp": _INSTANCE}
_OPENERS: Final[Mapping[str, Callable[[Settings, CatalogObject, str, Memory | None], Source]]] = {
    "salesforce": _salesforce,
    "sql": _sql,
    "files": _files,
}
