"""Reads one YAML file of the catalog; what is wrong in it is told by file and line.

Does not belong here: which keys a file may have (load.py, contracts.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from contact_sync.errors import CatalogError

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one of libyaml, which is in PyYAML's wheels, is six times as fast."""
Model = TypeVar("Model", bound=BaseModel)


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping that a file holds; CatalogError if it is not one."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 -- a safe one
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


def validated(
    path: Path, place: Sequence[str | int], model: type[Model], values: Mapping[str, Any], *, named: str = ""
) -> Model:
    """The values as a model; CatalogError naming the line of `place` and, after `named`, the field that is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        line = line_of(path, place)
        raise CatalogError(f"{path}:{line}: {named}{field + ': ' if field else ''}{first['msg']}.") from None


def line_of(path: Path, place: Sequence[str | int]) -> int:
    """Line (from 1) of a place such as ("objects", 3) in a YAML file."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    for part in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
    return int(node.start_mark.line) + 1 if node else 1
