"""Which tables were filled by another definition than today's, and have to be filled anew.

A table that grows by batches holds what its model said when each batch came in: a new column, rule or picklist value
would be seen only by records that change afterwards. So does one that takes over rows of its last build. A seed holds
what its file said when it was loaded.
Does not belong here: running dbt (transform.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from contact_sync.warehouse.base import Session
from contact_sync.warehouse.transform import MERGED

_TABLE: Final = "pipeline.model_definition"
_SCHEMA: Final = pa.schema([("model", pa.string()), ("definition", pa.string())])
_LAST_BUILD: Final = "forms_of_last_build"
"""The macro by which a model takes over what it made the last time."""


def definitions(manifest: Mapping[str, Any], project: Path, *, is_masked: bool) -> dict[str, str]:
    """Model or seed -> a hash of its code or file, of the project's macros it calls, and of what it reads.

    is_masked: whether personal columns are masked when a table is built (CONTACT_SYNC_MASKING).
    """
    nodes = manifest["nodes"]
    kept = {
        key: node
        for key, node in nodes.items()
        if _grows_by_batches(node) or _takes_over(node) or node["resource_type"] == "seed"
    }
    found = {node["name"]: _definition(manifest, key, project) for key, node in kept.items()}
    return {name: f"{hashed}, masked" if is_masked else hashed for name, hashed in found.items()}


def taking_over(manifest: Mapping[str, Any]) -> set[str]:
    """The models that are built whole each time and take over rows of their last build."""
    return {node["name"] for node in manifest["nodes"].values() if _takes_over(node)}


def outdated(session: Session, current: Mapping[str, str]) -> list[str]:
    """The models and seeds whose tables were filled by another definition than the current one, or never."""
    filled_by = _remembered(session)
    return sorted(name for name, definition in current.items() if filled_by.get(name) != definition)


def remember(session: Session, built: Mapping[str, str]) -> None:
    """Note by which definitions tables have been filled now."""
    known = _remembered(session)
    _write(session, {**known, **built}, known)


def forget(session: Session, names: Collection[str]) -> None:
    """Note of tables, before they are filled anew, that nobody knows what they are filled by until that has succeeded.

    A release that fails after filling them and is put back would otherwise find its own definition, and rows of the
    other release under it.
    """
    known = _remembered(session)
    _write(session, {name: definition for name, definition in known.items() if name not in names}, known)


def _remembered(session: Session) -> dict[str, str]:
    if not session.exists(_TABLE):
        return {}
    rows = session.query(f"select model, definition from {_TABLE}").to_pylist()  # noqa: S608 -- a constant
    return {row["model"]: row["definition"] for row in rows}


def _write(session: Session, now: Mapping[str, str], known: Mapping[str, str]) -> None:
    if now != known:
        rows = [{"model": name, "definition": definition} for name, definition in sorted(now.items())]
        session.replace(_TABLE, pa.Table.from_pylist(rows, schema=_SCHEMA))


def _grows_by_batches(node: Mapping[str, Any]) -> bool:
    return node["resource_type"] == "model" and MERGED in node["fqn"]


def _takes_over(node: Mapping[str, Any]) -> bool:
    is_model = node["resource_type"] == "model"
    return is_model and any(macro.endswith(f".{_LAST_BUILD}") for macro in node["depends_on"]["macros"])


def _definition(manifest: Mapping[str, Any], key: str, project: Path) -> str:
    node = manifest["nodes"][key]
    if node["resource_type"] == "seed":
        # The file itself: of a large one dbt only knows the path.
        content = sha256((project / node["original_file_path"]).read_bytes()).hexdigest()
        texts = [content, repr(sorted(node["config"]["column_types"].items()))]
    else:
        parents = [parent for parent in sorted(node["depends_on"]["nodes"]) if parent in manifest["nodes"]]
        read = (_definition(manifest, parent, project) for parent in parents)
        texts = [node["raw_code"], *_macros(manifest, node), *read]
    return sha256("\x00".join(texts).encode()).hexdigest()


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
