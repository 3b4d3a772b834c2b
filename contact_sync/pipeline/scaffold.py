"""Writes the silver model of an object from its schema history, and adds to it what the source has added since.

A three-way merge on columns: what was generated last (`scaffold.lock.yaml`), what is described now, and what the files
say. Only new columns, and types that nobody changed by hand, are written; the rest is reported.
Does not belong here: what the columns are (warehouse/model_fields.py), or the text (warehouse/model_text.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

import contact_sync
from contact_sync.catalog import CatalogObject
from contact_sync.errors import CatalogError, SettingsError, TransformError
from contact_sync.pipeline.installation import Installation
from contact_sync.warehouse import model_text
from contact_sync.warehouse.model_fields import ModelField, model_fields
from contact_sync.warehouse.types import casts

LOCK: Final = "scaffold.lock.yaml"
_LOCK_HEADER: Final = (
    "# What `contact-sync scaffold object` has generated: object, field, column, cast and type; not edited by hand.\n"
)


@dataclass(frozen=True, kw_only=True)
class ScaffoldReport:
    """What became of the model of one object.

    is_by_hand: the model was not generated, and was left alone.
    added, retyped: columns that were written.
    kept: columns whose field has another type now, but whose cast a person has changed.
    gone: columns whose field no instance describes any more; they stay, because bronze keeps their values.
    """

    object_name: str
    is_new: bool = False
    is_by_hand: bool = False
    added: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def without_model(installation: Installation) -> list[str]:
    """The catalog's objects that have been described but have no silver model."""
    described = {name for name, _ in installation.schemas.histories()}
    files = _Files(installation.dbt.directory)
    return [name for name in installation.catalog.objects if name in described and not files.model(name).exists()]


def scaffold(installation: Installation, name: str) -> ScaffoldReport:
    """Write the model of an object, or add to it what is new.

    Raises CatalogError if the object is not in the catalog or was never described, SettingsError if the dbt project
    cannot be written, TransformError if its files have lost the places where columns are added.
    """
    item = installation.object(name)
    files = _Files(installation.dbt.directory)
    files.raise_if_not_ours()
    schemas = _schemas(installation, item)
    lock = files.read_lock()
    is_new = not files.model(name).exists()
    if not is_new and name not in lock:
        return ScaffoldReport(object_name=name, is_by_hand=True)
    generated = lock.get(name, {}) if not is_new else {}
    model = model_text.new_model(name) if is_new else files.model(name).read_text(encoding="utf-8")
    # A column keeps the name it was given first; a field that is new never takes the name of another.
    taken = model_text.columns_of(model) | {known["column"] for known in generated.values()}
    newly = [{field: value for field, value in one.items() if field not in generated} for one in schemas]
    found = {cast.field: cast.column for cast in casts(model)}
    added = [replace(one, column=found.get(one.field, one.column)) for one in model_fields(name, newly, taken=taken)]
    known = [
        replace(one, column=generated[one.field]["column"])
        for one in model_fields(name, schemas)
        if one.field in generated
    ]
    retyped, kept, model = _retyped(model, known, generated)
    properties = _properties(files, item, is_new=is_new)
    for field in retyped:
        before = generated[field.field]["data_type"]
        properties = model_text.with_data_type(properties, field.column, before, field.data_type)
    new = [one for one in added if one.field not in found]
    model = model_text.with_columns(model, new, path=str(files.model(name)))
    locked = files.lock_text({**lock, name: {**generated, **_as_generated([*retyped, *added])}})
    # A model without its lock is one written by hand, so that the lock of a new one comes first.
    last = [(files.lock, locked), (files.model(name), model)]
    files.write(
        [
            (files.sources, model_text.with_source(files.text(files.sources), name, _label(item), added)),
            (files.macros, model_text.with_refused_object(files.text(files.macros), name, path=str(files.macros))),
            (files.properties(name), model_text.with_column_docs(properties, added, path=str(files.properties(name)))),
            *(last if is_new else reversed(last)),
        ]
    )
    described = {field for schema in schemas for field in schema}
    return ScaffoldReport(
        object_name=name,
        is_new=is_new,
        added=tuple(field.column for field in added),
        retyped=tuple(field.column for field in retyped),
        kept=tuple(field.column for field in kept),
        gone=tuple(known["column"] for field, known in generated.items() if field not in described),
    )


def _retyped(
    model: str, known: Sequence[ModelField], generated: Mapping[str, Mapping[str, str]]
) -> tuple[list[ModelField], list[ModelField], str]:
    """The columns whose type changed and whose cast is as generated, those a person changed, and the SQL afterwards."""
    retyped, kept = [], []
    for field in known:
        before = generated[field.field]["call"]
        if field.call == before:
            continue
        changed = model_text.with_retyped(model, field, before)
        if changed is None:
            kept.append(field)
        else:
            retyped.append(field)
            model = changed
    return retyped, kept, model


def _as_generated(fields: Sequence[ModelField]) -> dict[str, dict[str, str]]:
    return {one.field: {"column": one.column, "call": one.call, "data_type": one.data_type} for one in fields}


def _properties(files: _Files, item: CatalogObject, *, is_new: bool) -> str:
    path = files.properties(item.name)
    if is_new and not path.exists():
        return model_text.new_properties(item.name, _label(item))
    return files.text(path)


def _label(item: CatalogObject) -> str:
    """`Campaign in salesforce`."""
    return f"{item.object} in {item.source}"


def _schemas(installation: Installation, item: CatalogObject) -> list[Mapping[str, Mapping[str, Any]]]:
    """The fields of the object as each instance describes them; the deletion mark is is_deleted in silver."""
    histories = sorted(installation.schemas.histories().items())
    found = [versions[-1].fields for (name, _), versions in histories if name == item.name]
    if not found:
        raise CatalogError(
            f"Nothing is known of the fields of {item.name} yet.",
            remedy=f"Read it first: contact-sync extract {item.name}",
        )
    return [{name: field for name, field in fields.items() if name != item.deleted} for fields in found]


class _Files:
    """The files of a dbt project that are written here."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sources = directory / "models" / "silver" / "sources.yml"
        self.macros = directory / "macros" / "rejection.sql"
        self.lock = directory / LOCK

    def model(self, name: str) -> Path:
        """The SQL of an object's model."""
        return self.directory / "models" / "silver" / "source_record" / f"{name}.sql"

    def properties(self, name: str) -> Path:
        """The YAML of an object's model."""
        return self.model(name).with_suffix(".yml")

    def raise_if_not_ours(self) -> None:
        """Refuse to write into the installed package."""
        if self.directory == Path(contact_sync.__file__).parent / "dbt_project":
            raise SettingsError(
                f"The dbt project at {self.directory} belongs to the installed package.",
                remedy="Copy it to a directory of your own and point CONTACT_SYNC_DBT_PROJECT at the copy.",
            )

    def text(self, path: Path) -> str:
        """A file that has to be there."""
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise TransformError(
                f"{path} cannot be read ({error.strerror}).", remedy="Check CONTACT_SYNC_DBT_PROJECT."
            ) from None

    def read_lock(self) -> dict[str, dict[str, dict[str, str]]]:
        """Object -> field -> what was generated for it."""
        if not self.lock.exists():
            return {}
        try:
            return dict(yaml.safe_load(self.lock.read_text(encoding="utf-8")) or {})
        except (yaml.YAMLError, UnicodeDecodeError, TypeError, ValueError):
            raise TransformError(f"{self.lock} cannot be read.", remedy="Take it back from version control.") from None

    @staticmethod
    def lock_text(lock: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
        """Sorted, a field a line."""
        lines = [_LOCK_HEADER]
        for name, fields in sorted(lock.items()):
            lines.append(f"{name}:\n")
            for field, known in fields.items():
                flow = yaml.safe_dump(dict(known), default_flow_style=True, sort_keys=False, width=10_000).strip()
                lines.append(f"  {field}: {flow}\n")
        return "".join(lines)

    @staticmethod
    def write(texts: Iterable[tuple[Path, str]]) -> None:
        """Replace the files that change, in this order: what an interruption leaves is completed by the next call."""
        for path, text in texts:
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            unfinished = path.with_name(f"{path.name}.unfinished")
            try:
                unfinished.write_text(text, encoding="utf-8")
                unfinished.replace(path)
            except OSError as error:
                raise SettingsError(
                    f"{path} cannot be written ({error.strerror}).",
                    remedy="Point CONTACT_SYNC_DBT_PROJECT at a dbt project of your own.",
                ) from None
