"""Open sources that many extractions share: one per instance, so that each logs in once and is prepared once.

Does not belong here: extracting (bronze.py, many.py), or any protocol.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Replicable, Source, Upcoming
from contact_sync.errors import NOT_WORTH_ASKING, ContactSyncError
from contact_sync.pipeline.installation import Installation
from contact_sync.state.upkeep import Care

Instance = tuple[str, str]
"""Source system and instance."""


class OpenSources:
    """The sources of one run, opened on first use; safe to share between threads. `close` gives all of them back.

    An instance that gives one of the errors of NOT_WORTH_ASKING is not asked about other objects.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._lock = threading.Lock()
        self._sources: dict[Instance, Source] = {}
        self._prepared: dict[Instance, threading.Lock] = {}
        self._done: set[Instance] = set()
        self._silent: dict[Instance, ContactSyncError] = {}

    def of(self, item: CatalogObject, instance: str) -> Source:
        """The source of an object's instance."""
        key = (item.source, instance)
        with self._lock:
            if key not in self._sources:
                self._sources[key] = self._installation.open_source(item, instance)
            return self._sources[key]

    def prepare(self, items: Iterable[CatalogObject], item: CatalogObject, instance: str) -> None:
        """Tell an object's instance once which objects will be read from it, so that it can be asked for all at once.

        Raises what the source raises; the next object tries again, unless it is not worth asking.
        """
        key = (item.source, instance)
        with self._lock:
            one_at_a_time = self._prepared.setdefault(key, threading.Lock())
        with one_at_a_time:
            if key in self._silent:
                raise self._silent[key]
            if key in self._done:
                return
            try:
                self._prepare(items, item, instance)
            except NOT_WORTH_ASKING as error:
                self.give_up(item, instance, error)
                raise
            self._done.add(key)

    def give_up(self, item: CatalogObject, instance: str, error: ContactSyncError) -> None:
        """Do not ask an object's instance again: whoever wants to read from it is told this error."""
        self._silent[item.source, instance] = error

    def _prepare(self, items: Iterable[CatalogObject], item: CatalogObject, instance: str) -> None:
        source = self.of(item, instance)
        if not isinstance(source, Replicable):
            return
        care = self._installation.upkeep.all()
        source.prepare(
            [
                Upcoming(item=one, deletions_since=care.get((one.name, instance), {}).get(Care.DELETIONS))
                for one in items
                if one.source == item.source and instance in self._installation.instances_of(one)
            ]
        )

    def close(self) -> None:
        """Give every connection back."""
        with self._lock:
            for source in self._sources.values():
                source.close()
            self._sources.clear()
