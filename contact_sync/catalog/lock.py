"""`catalog.lock.yaml`: what the wildcards of a catalog stand for, as `contact-sync discover` found it.

It is committed beside the catalog, so that nothing is asked over a network when the catalog is loaded, and a review
sees what came and went. Does not belong here: asking systems (pipeline/discovery.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from contact_sync.errors import CatalogError

LOCK: Final = "catalog.lock.yaml"
_HEADER: Final = "# What the catalog's wildcards stand for, written by `contact-sync discover`; not edited by hand.\n"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LockedObject(_Value):
    """One object that a wildcard stands for, and the instances that have it."""

    object: str
    key: str
    cursor: str | None = None
    deleted: str | None = None
    instances: tuple[str, ...]


class LeftOut(_Value):
    """One object that exists but is not read, and why."""

    object: str
    reason: str


class LockedSource(_Value):
    """The objects of one source system."""

    objects: tuple[LockedObject, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


Lock = Mapping[str, LockedSource]
"""Source system -> its objects."""


def read_lock(directory: Path) -> Lock:
    """The lock of a catalog; empty if there is none. CatalogError if it cannot be read."""
    path = directory / LOCK
    if not path.exists():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {source: LockedSource.model_validate(value) for source, value in content.items()}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, ValidationError):
        raise CatalogError(f"{path} cannot be read.", remedy="Write it anew: contact-sync discover") from None


def write_lock(directory: Path, lock: Lock) -> None:
    """Replace the lock in one step: sorted, one object a line, so that a difference is a line."""
    lines = [_HEADER]
    for source, content in sorted(lock.items()):
        lines.append(f"{source}:\n")
        for name in ("objects", "left_out"):
            rows = sorted(getattr(content, name), key=lambda one: str(one.object))
            lines.append(f"  {name}:\n" if rows else f"  {name}: []\n")
            lines += [f"    - {_flow(row)}\n" for row in rows]
    path = directory / LOCK
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.write_text("".join(lines), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise CatalogError(
            f"{path} cannot be written ({error.strerror}).",
            remedy="Point CONTACT_SYNC_CATALOG at a directory of your own.",
        ) from None


def _flow(row: BaseModel) -> str:
    values = {name: value for name, value in row.model_dump(mode="json").items() if value is not None}
    return yaml.safe_dump(values, default_flow_style=True, sort_keys=False, width=1_000, allow_unicode=True).strip()
