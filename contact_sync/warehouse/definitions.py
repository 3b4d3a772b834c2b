"""By which definition a table is filled and up to which change: what says whether it goes on or is filled anew.

A table that grows by batches, or by what has changed in what it reads, holds what its model said when each row came in:
a new column, rule or picklist value would be seen only by records that change afterwards. A seed holds what its file
said when it was loaded.
Does not belong here: running dbt (transform.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from contact_sync.warehouse.base import Session
from contact_sync.warehouse.transform import MERGED

_TABLE: Final = "pipeline.model_definition"
_TYPES: Final[dict[str, pa.DataType]] = {"model": pa.string(), "definition": pa.string(), "changes_seen": pa.int64()}
_SCHEMA: Final = pa.schema(_TYPES)


def definitions(manifest: Mapping[str, Any], project: Path, *, is_masked: bool) -> dict[str, str]:
    """Model or seed -> a hash of its code or file, of the project's macros it calls, and of what it reads.

    Models that are built whole each time have none. is_masked: whether personal columns are masked when a table is
    built (CONTACT_SYNC_MASKING).
    """
    nodes = manifest["nodes"]
    kept = {key: node for key, node in nodes.items() if node["resource_type"] == "seed" or _is_kept(node)}
    definition = _definition_of(manifest, project)
    found = {node["name"]: definition(key) for key, node in kept.items()}
    return {name: f"{hashed}, masked" if is_masked else hashed for name, hashed in found.items()}


def outdated(session: Session, current: Mapping[str, str]) -> list[str]:
    """The models and seeds whose tables were filled by another definition than the current one, or never."""
    noted = _noted(session)
    return sorted(name for name, definition in current.items() if noted.get(name, ("", -1))[0] != definition)


def noted_definitions(session: Session, names: Iterable[str]) -> dict[str, str]:
    """By which definition each of these models is filled, where it is known."""
    noted = _noted(session)
    return {name: noted[name][0] for name in names if name in noted}


def changes_seen(session: Session) -> dict[str, int]:
    """Model -> the number of the last change that its table has, where it is known."""
    return {name: seen for name, (_, seen) in _noted(session).items()}


def remember(session: Session, built: Mapping[str, str], *, seen: Mapping[str, int]) -> None:
    """Note by which definitions tables have been filled now, and up to which change each."""
    known = _noted(session)
    _write(session, {**known, **{name: (definition, seen[name]) for name, definition in built.items()}}, known)


def forget(session: Session, names: Collection[str]) -> None:
    """Note of tables, before they are filled anew, that nobody knows what they are filled by until that has succeeded.

    A release that fails after filling them and is put back would otherwise find its own definition, and rows of the
    other release under it. What they had seen before goes on to be known.
    """
    known = _noted(session)
    _write(session, {name: ("" if name in names else of, seen) for name, (of, seen) in known.items()}, known)


def _noted(session: Session) -> dict[str, tuple[str, int]]:
    """Model -> definition and change."""
    if not session.exists(_TABLE):
        return {}
    rows = session.read(_TABLE).to_pylist()
    return {row["model"]: (row["definition"], row.get("changes_seen", -1)) for row in rows}


def _write(session: Session, now: Mapping[str, tuple[str, int]], known: Mapping[str, tuple[str, int]]) -> None:
    if now != known:
        rows = [
            {"model": name, "definition": definition, "changes_seen": seen}
            for name, (definition, seen) in sorted(now.items())
        ]
        session.replace(_TABLE, pa.Table.from_pylist(rows, schema=_SCHEMA))


def _is_kept(node: Mapping[str, Any]) -> bool:
    """Whether a table is more than the last build made of it. A view is kept as long as it says the same."""
    if node["resource_type"] != "model":
        return False
    config = node["config"]
    return MERGED in node["fqn"] or "changes" in config.get("meta", {}) or config["materialized"] == "view"


def _definition_of(manifest: Mapping[str, Any], project: Path) -> Callable[[str], str]:
    """Node -> a hash of all it is made by."""

    @cache
    def definition(key: str) -> str:
        node = manifest["nodes"][key]
        if node["resource_type"] == "seed":
            # The file itself: of a large one dbt only knows the path.
            content = sha256((project / node["original_file_path"]).read_bytes()).hexdigest()
            texts = [content, repr(sorted(node["config"]["column_types"].items()))]
        else:
            parents = [parent for parent in sorted(node["depends_on"]["nodes"]) if parent in manifest["nodes"]]
            texts = [node["raw_code"], *_macros(manifest, node), *map(definition, parents)]
        return sha256("\x00".join(texts).encode()).hexdigest()

    return definition


def _macros(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[str]:
    """The code of the project's own macros that a model calls, directly or by others, in a fixed order."""
    own = f"macro.{manifest['metadata']['project_name']}."
    found: set[str] = set()
    waiting = list(node["depends_on"]["macros"])
    while waiting:
        name = waiting.pop()
        if name.startswith(own) and name not in found:
            found.add(name)
            waiting += manifest["macros"][name]["depends_on"]["macros"]
    yield from (manifest["macros"][name]["macro_sql"] for name in sorted(found))
