"""Which objects of which instances a command means: names and patterns of objects, and one instance or all.

Does not belong here: doing the work (many.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.registry import unknown_instance
from contact_sync.errors import CatalogError, SettingsError
from contact_sync.pipeline.installation import Installation

Work: TypeAlias = tuple[CatalogObject, str]
"""An object, and an instance it is read from."""
_WILD = frozenset("*?[")


def chosen(installation: Installation, patterns: Sequence[str], instance: str | None = None) -> list[Work]:
    """The objects that the patterns name, in catalog order, each with the instances it is read from.

    Raises CatalogError if a pattern names no object, or if the only objects it names are not read from the instance;
    SettingsError if what it names has no such instance configured.
    """
    work: set[tuple[str, str]] = set()
    for pattern in patterns:
        items = _named(installation, pattern)
        found = [(item.name, one) for item in items for one in installation.instances_of(item)]
        found = [(name, one) for name, one in found if instance in {None, one}]
        if not found:
            raise _nothing_to_read(installation, items, pattern, instance)
        work |= set(found)
    objects = installation.catalog.objects.values()
    return [(item, one) for item in objects for one in installation.instances_of(item) if (item.name, one) in work]


def _named(installation: Installation, pattern: str) -> list[CatalogObject]:
    if not _WILD & set(pattern):
        return [installation.object(pattern)]
    items = [item for name, item in installation.catalog.objects.items() if fnmatchcase(name, pattern)]
    if not items:
        raise CatalogError(f"No object of the catalog matches {pattern}.", remedy="See contact-sync status.")
    return items


def _nothing_to_read(
    installation: Installation, items: Sequence[CatalogObject], pattern: str, instance: str | None
) -> CatalogError | SettingsError:
    """Why none of the objects that a pattern names is read from an instance, or from any."""
    settings = installation.settings
    item = next((one for one in items if settings.instances(one.source)), items[0])
    configured = settings.instances(item.source)
    if not configured or (instance is not None and instance not in configured):
        return unknown_instance(settings, item.source, instance)
    return CatalogError(
        f"{pattern} is not read from {instance or ' or '.join(configured)}.",
        remedy=f"The catalog's `instances` of {item.name}: {', '.join(item.instances or ())}.",
    )
