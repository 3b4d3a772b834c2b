"""Reads the catalog directory: one YAML per source system and golden.yaml; errors name file and line.

Does not belong here: what the values mean (model.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contact_sync.catalog.lock import LOCK, Lock, read_lock
from contact_sync.catalog.model import Catalog, CatalogObject, Entity, GoldenField, Mode, Wildcard
from contact_sync.catalog.yaml_files import line_of, read_mapping, validated
from contact_sync.errors import CatalogError

GOLDEN = "golden.yaml"
_EXAMPLE = "See docs/adding_a_source.md."
_SOURCE_KEYS = frozenset({"source", "connector", "owner", "description", "defaults", "objects"})


def load_catalog(directory: Path, *, is_locked: bool = True) -> Catalog:
    """Read every `*.yaml` of a directory; raise CatalogError naming file and line of what is wrong.

    is_locked: wildcards are resolved by the lock, which has to be there; False: they stand for nothing yet, and the
    golden rules, which may name what they stand for, are left out.
    """
    if not directory.is_dir():
        raise CatalogError(f"The catalog directory {directory} does not exist.", remedy="Set CONTACT_SYNC_CATALOG.")
    objects: dict[str, CatalogObject] = {}
    wildcards: list[Wildcard] = []
    for path in sorted(directory.glob("*.yaml")):
        if path.name in {GOLDEN, LOCK}:
            continue
        listed, of_source = _source_rows(path)
        wildcards += of_source
        for item in listed:
            if item.name in objects:
                raise CatalogError(f"{path}: {item.name} is listed twice in the catalog.", remedy="Remove one.")
            objects[item.name] = item
        if is_locked and of_source:
            resolved = _resolved(path, of_source, read_lock(directory), objects)
            for item in resolved:
                if item.name in objects:
                    raise CatalogError(
                        f"{path}: {item.object} would have the name of {objects[item.name].object}: {item.name}.",
                        remedy="Exclude one of them from the wildcard (`except`).",
                    )
                objects[item.name] = item
    entities = _entities(directory / GOLDEN, objects) if is_locked else {}
    return Catalog(objects=objects, entities=entities, wildcards=tuple(wildcards))


def _source_rows(path: Path) -> tuple[list[CatalogObject], list[Wildcard]]:
    """The objects that a file lists, and its wildcards."""
    content = read_mapping(path)
    unknown = set(content) - _SOURCE_KEYS
    if unknown or not {"source", "connector", "owner", "objects"} <= set(content):
        raise CatalogError(
            f"{path}: expected the keys source, connector, owner, objects (and defaults, description); "
            f"found {', '.join(sorted(str(key) for key in content))}.",
            remedy=_EXAMPLE,
        )
    shared = {
        "source": content["source"],
        "connector": content["connector"],
        "owner": content["owner"],
        **_nested(path, ("defaults",), content.get("defaults")),
    }
    rows = content["objects"]
    if not isinstance(rows, list):
        raise CatalogError(f"{path}:{line_of(path, ('objects',))}: objects must be a list.", remedy=_EXAMPLE)
    objects: list[CatalogObject] = []
    wildcards: list[Wildcard] = []
    for index, row in enumerate(rows):
        place = ("objects", index)
        values = _nested(path, place, row)
        if "*" in str(values.get("object", "")):
            wildcards.append(_wildcard(path, place, shared, values))
        else:
            objects.append(validated(path, place, CatalogObject, {**shared, **values}))
    return objects, wildcards


def _wildcard(path: Path, place: Sequence[str | int], shared: Mapping[str, Any], values: Mapping[str, Any]) -> Wildcard:
    rest = {name: value for name, value in values.items() if name not in {"object", "except"}}
    row = {
        "source": shared["source"],
        "pattern": values["object"],
        "excluded": values.get("except") or (),
        "values": {**shared, **rest},
    }
    return validated(path, place, Wildcard, row)


def _resolved(
    path: Path, wildcards: Sequence[Wildcard], lock: Lock, listed: Mapping[str, CatalogObject]
) -> list[CatalogObject]:
    """The objects of the lock that the wildcards stand for; a row that names an object wins."""
    source = wildcards[0].source
    if source not in lock:
        raise CatalogError(
            f"{path}: {wildcards[0].pattern} is not resolved yet: {path.parent / LOCK} does not list {source}.",
            remedy="Ask the instances what they have: contact-sync discover",
        )
    named = {item.object for item in listed.values() if item.source == source}
    found = []
    for one in lock[source].objects:
        wildcard = next((row for row in wildcards if row.matches(one.object)), None)
        if wildcard is None or one.object in named:
            continue
        values = {
            "description": f"{one.object} of {source}.",
            **wildcard.values,
            "object": one.object,
            "key": one.key,
            "cursor": one.cursor,
            "deleted": one.deleted,
            "instances": one.instances,
            "mode": Mode.INCREMENTAL if one.cursor else Mode.SNAPSHOT,
        }
        found.append(validated(path.parent / LOCK, (source, "objects"), CatalogObject, values))
    return found


def _nested(path: Path, place: Sequence[str | int], value: object) -> dict[str, Any]:
    """A mapping inside a file; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        name = " ".join(str(part) for part in place)
        raise CatalogError(f"{path}:{line_of(path, place)}: {name} must be a mapping.", remedy=_EXAMPLE)
    return value


def _entities(path: Path, objects: Mapping[str, CatalogObject]) -> dict[str, Entity]:
    entities: dict[str, Entity] = {}
    for name, value in read_mapping(path).items():
        body = _nested(path, (name,), value)
        rules = _nested(path, (name, "fields"), body.get("fields"))
        fields = [_golden_field(path, name, field, rule) for field, rule in rules.items()]
        entity = validated(path, (name,), Entity, {**body, "name": name, "fields": fields})
        missing = sorted({*entity.trust, entity.target.object} - set(objects))
        if missing:
            raise CatalogError(f"{path}:{line_of(path, (name,))}: unknown objects {', '.join(missing)}.")
        entities[name] = entity
    return entities


def _golden_field(path: Path, entity: str, name: str, rule: object) -> GoldenField:
    place = (entity, "fields", name)
    values = {"name": name, **_nested(path, place, rule)}
    return validated(path, place, GoldenField, values, named=f"{entity}.{name}: ")
