"""How late each object is: now minus how far its oldest instance has been read, against its promise.

Does not belong here: what is done about it (automation/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import FileListing
from contact_sync.errors import SourceError
from contact_sync.extraction.select import unseen
from contact_sync.pipeline.installation import Installation

_PROBES_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """How late one object of one instance is. age: None if it was never read."""

    object_name: str
    instance: str
    age: timedelta | None
    promise: timedelta

    @property
    def is_late(self) -> bool:
        """Whether the promise is broken."""
        return self.age is None or self.age > self.promise

    def is_due(self, fraction: float = 0.5) -> bool:
        """Whether it is time to read, so that the promise is not broken."""
        return self.age is None or self.age > self.promise * fraction


def promise_of(installation: Installation, item: CatalogObject) -> timedelta:
    """The promised freshness of an object."""
    seconds = installation.settings.freshness_seconds
    return timedelta(seconds=seconds) if seconds else timedelta(minutes=item.freshness_minutes)


def lateness(installation: Installation, items: Iterable[CatalogObject] | None = None) -> list[Lateness]:
    """Every configured object, or these, of every instance, from one query."""
    readings = installation.batches.readings()
    now = installation.now()
    found = []
    for item in installation.catalog.objects.values() if items is None else items:
        for instance in installation.instances_of(item):
            reading = readings.get((item.name, instance))
            read_up_to = reading.read_up_to if reading else None
            found.append(
                Lateness(
                    object_name=item.name,
                    instance=instance,
                    age=now - read_up_to if read_up_to else None,
                    promise=promise_of(installation, item),
                )
            )
    return found


def oldest_reading(installation: Installation, names: Collection[str]) -> datetime | None:
    """How far the least far read instance of these objects has been read; None if one never was."""
    readings = installation.batches.readings()
    times = [
        reading.read_up_to if (reading := readings.get((name, instance))) else None
        for name in names
        for instance in installation.instances_of(installation.object(name))
    ]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None


def unread_files(installation: Installation) -> dict[str, str]:
    """`key@etag` -> object name of every dropped file that is neither in bronze nor refused."""
    found: dict[str, str] = {}
    for item in installation.catalog.objects.values():
        for instance in installation.instances_of(item) if item.connector == "files" else ():
            with closing(installation.open_source(item, instance)) as source:
                versions = source.versions(item) if isinstance(source, FileListing) else {}
            seen = installation.bronze(item.name).distinct("_file", instance)
            seen |= set(installation.batches.refused_files(item.name))
            found |= {f"{key}@{etag}": item.name for key, etag in unseen(versions, seen).versions.items()}
    return found


def changed_objects(installation: Installation) -> set[str]:
    """Objects of which some instance holds something newer than was read; instances that do not answer are left out."""
    readings = installation.batches.readings()

    def probe(item: CatalogObject, instance: str) -> bool:
        reading = readings.get((item.name, instance))
        if reading is None or reading.newest_version_at is None:
            return False
        try:
            with closing(installation.open_source(item, instance)) as source:
                return source.has_changed(item, reading.newest_version_at)
        except SourceError:
            # Its lateness tells; a probe only wakes earlier.
            return False

    work = [
        (item, instance)
        for item in installation.catalog.objects.values()
        if item.cursor is not None
        for instance in installation.instances_of(item)
    ]
    with ThreadPoolExecutor(max_workers=_PROBES_AT_ONCE) as pool:
        answers = pool.map(lambda pair: probe(*pair), work)
        return {item.name for (item, _), is_changed in zip(work, answers, strict=True) if is_changed}
