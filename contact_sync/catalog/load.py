"""Reads the catalog directory: one YAML per source system and golden.yaml; errors name file and line.

Does not belong here: what the values mean (model.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from contact_sync.catalog.lock import LOCK, Lock, read_lock
from contact_sync.catalog.model import Catalog, CatalogObject, Entity, GoldenField, Mode, Wildcard
from contact_sync.errors import CatalogError

GOLDEN = "golden.yaml"
Model = TypeVar("Model", bound=BaseModel)
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
    content = _mapping(path)
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
        raise CatalogError(f"{path}:{_line(path, ('objects',))}: objects must be a list.", remedy=_EXAMPLE)
    objects: list[CatalogObject] = []
    wildcards: list[Wildcard] = []
    for index, row in enumerate(rows):
        place = ("objects", index)
        values = _nested(path, place, row)
        if "*" in str(values.get("object", "")):
            wildcards.append(_wildcard(path, place, shared, values))
        else:
            objects.append(_validated(path, place, CatalogObject, {**shared, **values}))
    return objects, wildcards


def _wildcard(path: Path, place: Sequence[str | int], shared: Mapping[str, Any], values: Mapping[str, Any]) -> Wildcard:
    rest = {name: value for name, value in values.items() if name not in {"object", "except"}}
    row = {
        "source": shared["source"],
        "pattern": values["object"],
        "excluded": values.get("except") or (),
        "values": {**shared, **rest},
    }
    return _validated(path, place, Wildcard, row)


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
        found.append(_validated(path.parent / LOCK, (source, "objects"), CatalogObject, values))
    return found


def _nested(path: Path, place: Sequence[str | int], value: object) -> dict[str, Any]:
    """A mapping inside a file; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        name = " ".join(str(part) for part in place)
        raise CatalogError(f"{path}:{_line(path, place)}: {name} must be a mapping.", remedy=_EXAMPLE)
    return value


def _entities(path: Path, objects: Mapping[str, CatalogObject]) -> dict[str, Entity]:
    entities: dict[str, Entity] = {}
    for name, value in _mapping(path).items():
        body = _nested(path, (name,), value)
        rules = _nested(path, (name, "fields"), body.get("fields"))
        fields = [_golden_field(path, name, field, rule) for field, rule in rules.items()]
        entity = _validated(path, (name,), Entity, {**body, "name": name, "fields": fields})
        missing = sorted({*entity.trust, entity.target.object} - set(objects))
        if missing:
            raise CatalogError(f"{path}:{_line(path, (name,))}: unknown objects {', '.join(missing)}.")
        entities[name] = entity
    return entities


def _golden_field(path: Path, entity: str, name: str, rule: object) -> GoldenField:
    place = (entity, "fields", name)
    values = {"name": name, **_nested(path, place, rule)}
    return _validated(path, place, GoldenField, values, named=f"{entity}.{name}: ")


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogError(f"{path} cannot be read ({error.strerror}).") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise CatalogError(f"{place}: not valid YAML: {error.problem}.", remedy="Correct this line.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CatalogError(f"{path} is not text in UTF-8.", remedy="Save it as UTF-8.") from None
    if not isinstance(content, dict):
        raise CatalogError(f"{path}: expected a mapping at the top.")
    return content


def _validated(
    path: Path, place: Sequence[str | int], model: type[Model], values: Mapping[str, Any], *, named: str = ""
) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        line = _line(path, place)
        raise CatalogError(f"{path}:{line}: {named}{field + ': ' if field else ''}{first['msg']}.") from None


def _line(path: Path, place: Sequence[str | int]) -> int:
    """Line (from 1) of a place such as ("objects", 3) in a YAML file."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    for part in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
    return int(node.start_mark.line) + 1 if node else 1
