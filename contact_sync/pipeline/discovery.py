"""Resolves the wildcards of a catalog: asks every instance which objects it has, and says what changed since the lock.

An instance that does not answer keeps what the lock says of it: absence is not deletion. Does not belong here: the
lock's format (catalog/lock.py), or how a system lists its objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from contact_sync.catalog import CatalogObject, Wildcard, load_catalog
from contact_sync.catalog.lock import LeftOut, Lock, LockedObject, LockedSource, read_lock
from contact_sync.catalog.model import snake_case
from contact_sync.connectors.base import ObjectListing, ObjectSummary
from contact_sync.errors import CatalogError, SourceError
from contact_sync.pipeline.installation import Installation

Listings = Mapping[str, tuple[ObjectSummary, ...]]
"""Instance -> what it has."""


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What the instances have now, and how that differs from the lock; names are `source/Object`."""

    lock: Lock
    new: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]
    problems: Mapping[str, str]

    @property
    def is_drift(self) -> bool:
        """Whether the lock is out of date."""
        return bool(self.new or self.gone or self.changed)


def discover(installation: Installation) -> Discovery:
    """Ask all instances of the sources that have wildcards."""
    directory = installation.settings.catalog_path
    catalog = load_catalog(directory, is_locked=False)
    before = read_lock(directory)
    lock: dict[str, LockedSource] = {}
    problems: dict[str, str] = {}
    for source in dict.fromkeys(wildcard.source for wildcard in catalog.wildcards):
        wildcards = [wildcard for wildcard in catalog.wildcards if wildcard.source == source]
        listings, silent = _listings(installation, wildcards[0])
        problems |= silent
        known = before.get(source, LockedSource())
        lock[source] = resolve(wildcards, listings, known, installation.settings.instances(source))
    return _compared(before, lock, problems)


def resolve(
    wildcards: Iterable[Wildcard], listings: Listings, known: LockedSource, instances: Iterable[str]
) -> LockedSource:
    """The objects that wildcards stand for; `known` speaks for the instances that are not among the listings.

    An object is read from the instances that can read it, by a cursor that all of them have.
    """
    rules = list(wildcards)
    offers: dict[str, dict[str, ObjectSummary]] = {}
    for instance, listing in sorted(listings.items()):
        for one in listing:
            if any(rule.matches(one.object) for rule in rules):
                offers.setdefault(one.object, {})[instance] = one
    for locked in known.objects:
        for instance in set(locked.instances) & set(instances) - set(listings):
            offers.setdefault(locked.object, {})[instance] = ObjectSummary(
                object=locked.object, key=locked.key, cursor=locked.cursor, deleted=locked.deleted
            )
    return _locked(offers)


def _locked(offers: Mapping[str, Mapping[str, ObjectSummary]]) -> LockedSource:
    objects: list[LockedObject] = []
    left_out: list[LeftOut] = []
    taken: dict[str, str] = {}
    for name, of_instance in sorted(offers.items()):
        readable = {instance: one for instance, one in of_instance.items() if not one.left_out}
        if not readable:
            left_out.append(LeftOut(object=name, reason=next(iter(of_instance.values())).left_out))
            continue
        other = taken.setdefault(snake_case(name), name)
        if other != name:
            left_out.append(LeftOut(object=name, reason=f"its table would have the name of {other}'s"))
            continue
        ways = [(one.key, one.cursor, one.deleted) for one in readable.values()]
        key, cursor, deleted = ways[0] if len(set(ways)) == 1 else (ways[0][0], None, None)
        instances = tuple(sorted(readable))
        objects.append(LockedObject(object=name, key=key, cursor=cursor, deleted=deleted, instances=instances))
    return LockedSource(objects=tuple(objects), left_out=tuple(left_out))


def _listings(installation: Installation, wildcard: Wildcard) -> tuple[Listings, dict[str, str]]:
    """What each instance has, asked side by side; and what was wrong with those that did not answer."""
    item = CatalogObject.model_validate(
        {"description": "", "key": "-", **wildcard.values, "object": "-", "mode": "snapshot"}
    )

    def ask(instance: str) -> tuple[ObjectSummary, ...] | SourceError:
        try:
            with closing(installation.open_source(item, instance)) as source:
                if not isinstance(source, ObjectListing):
                    raise CatalogError(
                        f"{item.source}: the connector {item.connector} cannot list objects.",
                        remedy="Name them in the catalog instead of a wildcard.",
                    )
                return source.objects()
        except SourceError as error:
            return error

    instances = installation.settings.instances(item.source)
    with ThreadPoolExecutor(max(len(instances), 1)) as pool:
        answers = dict(zip(instances, pool.map(ask, instances), strict=True))
    listings = {name: answer for name, answer in answers.items() if isinstance(answer, tuple)}
    silent = {f"{item.source}/{name}": str(one) for name, one in answers.items() if isinstance(one, SourceError)}
    return listings, silent


def _compared(before: Lock, after: Lock, problems: Mapping[str, str]) -> Discovery:
    old, new = _by_name(before), _by_name(after)
    return Discovery(
        lock={**before, **after},
        new=tuple(sorted(set(new) - set(old))),
        gone=tuple(sorted(name for name in set(old) - set(new) if name.split("/")[0] in after)),
        changed=tuple(sorted(name for name in set(old) & set(new) if old[name] != new[name])),
        problems=problems,
    )


def _by_name(lock: Lock) -> dict[str, LockedObject | LeftOut]:
    found: dict[str, LockedObject | LeftOut] = {}
    for source, content in lock.items():
        found |= {f"{source}/{one.object}": one for one in content.objects}
        found |= {f"{source}/{one.object}": one for one in content.left_out}
    return found
