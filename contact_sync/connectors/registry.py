"""Which connector speaks which protocol: one line per kind. Does not belong here: any protocol."""

from __future__ import annotations

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Source, Target
from contact_sync.connectors.files import FileSource
from contact_sync.connectors.salesforce import SalesforceSource, SalesforceTarget
from contact_sync.connectors.sql import SqlSource
from contact_sync.errors import CatalogError, SettingsError
from contact_sync.settings import SalesforceInstance, Settings


def open_source(settings: Settings, item: CatalogObject, instance: str) -> Source:
    """The source of an object's instance; SettingsError if the instance is not configured."""
    if instance not in settings.instances(item.source):
        raise _unknown_instance(settings, item.source, instance)
    if item.connector == "salesforce":
        return SalesforceSource(instance, settings.salesforce[instance])
    if item.connector == "sql":
        return SqlSource(instance, settings.erp[instance].url.get_secret_value(), schema=item.source)
    if item.connector == "files":
        return FileSource(settings.s3)
    raise CatalogError(
        f"{item.name}: unknown connector {item.connector}.", remedy="Known connectors: salesforce, sql, files."
    )


def open_target(settings: Settings, instance: str) -> Target:
    """The target org of that name."""
    return SalesforceTarget(instance, salesforce_instance(settings, instance))


def salesforce_instance(settings: Settings, instance: str) -> SalesforceInstance:
    """The settings of one Salesforce org; SettingsError if there are none."""
    if instance not in settings.salesforce:
        raise _unknown_instance(settings, "salesforce", instance)
    return settings.salesforce[instance]


def _unknown_instance(settings: Settings, source: str, instance: str) -> SettingsError:
    known = ", ".join(settings.instances(source)) or "none"
    return SettingsError(
        f"{source} has no instance {instance} (configured: {known}).",
        remedy=f"Set CONTACT_SYNC_{source.upper()}__{instance.upper()}__URL and its credentials.",
    )
