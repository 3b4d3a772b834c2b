"""An installation whose instances are sources in memory: several orgs `crm`, all with the same objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contact_sync.catalog import Catalog, CatalogObject
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import Settings
from contact_sync_tests.unit.extraction.memory_source import CONTACT, NOON


@dataclass(frozen=True)
class MemoryInstallation(Installation):
    """An installation with these sources by instance, and objects that differ by name only."""

    sources: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, CatalogObject] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Path, sources: Mapping[str, Any], *names: str, **settings: Any) -> MemoryInstallation:
        """An installation below a directory, with objects of these names."""
        items = [CONTACT.model_copy(update={"object": name}) for name in names]
        return cls(
            Settings(home=home, **settings),
            now=lambda: NOON,
            sources=sources,
            objects={item.name: item for item in items},
        )

    @property
    def catalog(self) -> Catalog:  # type: ignore[override]  # the real one is read once and cached
        """The objects, and no golden rules."""
        return Catalog(objects=dict(self.objects), entities={})

    def open_source(self, _item: CatalogObject, instance: str) -> Any:
        """The source in memory."""
        return self.sources[instance]

    def instances_of(self, item: CatalogObject) -> tuple[str, ...]:
        """All of them, but where the object is not."""
        return tuple(name for name in self.sources if item.instances is None or name in item.instances)

    @property
    def work(self) -> list[tuple[CatalogObject, str]]:
        """Every object of every instance."""
        return [(item, instance) for item in self.objects.values() for instance in self.instances_of(item)]
