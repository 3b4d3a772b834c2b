"""Reads the catalog directory: one YAML per source system and golden.yaml; errors name file and line.

Does not belong here: what the values mean (model.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from contact_sync.catalog.model import Catalog, CatalogObject, Entity
from contact_sync.errors import CatalogError

GOLDEN = "golden.yaml"
Model = TypeVar("Model", bound=BaseModel)
_EXAMPLE = "See docs/adding_a_source.md."
_SOURCE_KEYS = frozenset({"source", "connector", "owner", "description", "defaults", "objects"})


def load_catalog(directory: Path) -> Catalog:
    """Read every `*.yaml` of a directory; raise CatalogError naming file and line of what is wrong."""
    if not directory.is_dir():
        raise CatalogError(f"The catalog directory {directory} does not exist.", remedy="Set CONTACT_SYNC_CATALOG.")
    objects: dict[str, CatalogObject] = {}
    for path in sorted(directory.glob("*.yaml")):
        if path.name == GOLDEN:
            continue
        for item in _source_objects(path):
            if item.name in objects:
                raise CatalogError(f"{path}: {item.name} is listed twice in the catalog.", remedy="Remove one.")
            objects[item.name] = item
    return Catalog(objects=objects, entities=_entities(directory / GOLDEN, objects))


def _source_objects(path: Path) -> list[CatalogObject]:
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
    places = [("objects", index) for index in range(len(rows))]
    return [
        _validated(path, place, CatalogObject, {**shared, **_nested(path, place, row)})
        for place, row in zip(places, rows, strict=True)
    ]


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
        fields = [{"name": field, **_nested(path, (name, "fields", field), rule)} for field, rule in rules.items()]
        entity = _validated(path, (name,), Entity, {**body, "name": name, "fields": fields})
        missing = sorted({*entity.trust, entity.target.object} - set(objects))
        if missing:
            raise CatalogError(f"{path}:{_line(path, (name,))}: unknown objects {', '.join(missing)}.")
        entities[name] = entity
    return entities


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


def _validated(path: Path, place: Sequence[str | int], model: type[Model], values: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        line = _line(path, place)
        raise CatalogError(f"{path}:{line}: {field + ': ' if field else ''}{first['msg']}.") from None


def _line(path: Path, place: Sequence[str | int]) -> int:
    """Line (from 1) of a place such as ("objects", 3) in a YAML file."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    for part in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
    return int(node.start_mark.line) + 1 if node else 1
