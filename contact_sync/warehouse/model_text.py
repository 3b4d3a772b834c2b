"""The text of generated files of the dbt project, and how columns are added to what people wrote; pure.

Everything is added as lines at a known place, and only what is not there yet, so that doing it twice is doing it once.
Does not belong here: which columns there are (model_fields.py), or reading and writing files (pipeline/scaffold.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import yaml

from contact_sync.errors import TransformError
from contact_sync.warehouse.model_fields import ModelField

_VERSION_COLUMNS: Final = "        {{ version_columns() }}\n"
_MODEL: Final = """\
with source as (
    {{{{- bronze_batch('{name}') }}}}
),

latest as (
    {{{{- latest_version('source') }}}}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
{version_columns}    from latest
),

checked as (
    {{{{- checked('typed') }}}}
),

newer as (
    {{{{- keep_newer('checked') }}}}
)

select * from newer
"""
_PROPERTIES: Final = """\
models:
  - name: {name}
    description: {description}
    data_tests:
      - one_row_per:
          name: {name}_grain
          arguments: {{columns: [instance, record_id]}}
    columns:
"""
_FIRST: Final = (
    ("instance", "varchar", "Org, database or bucket the record lives in."),
    ("record_id", "varchar", "Identifier of the record in its instance."),
)
_LAST: Final = (
    ("version_at", "timestamp with time zone", "Time of this version at the source; null where the source has none."),
    ("is_deleted", "boolean", "True when the source gave evidence that the record was deleted."),
    ("extracted_at", "timestamp with time zone", "When this version was read."),
    ("batch_id", "varchar", "The planned extraction that read this version."),
    (
        "rejected_fields",
        "varchar",
        "The refused values of this version, as `field|rule|kind of value;`; null when all is well.",
    ),
)
_LINEAGE: Final = (
    ("_instance", "varchar", "Org, database or bucket the row came from."),
    ("_record_id", "varchar", "Identifier of the record in its instance."),
    ("_sequence", "bigint", "Fencing sequence of the commit; rises per instance."),
    ("_version_at", "timestamp with time zone", "Time of this version at the source; null where the source has none."),
    ("_is_deleted", "boolean", "True for evidence of a deletion."),
    ("_extracted_at", "timestamp with time zone", "When the row was read."),
    ("_row_hash", "varchar", "Hash of the row as sent."),
    ("_batch_id", "varchar", "The planned extraction that read the row."),
)


def new_model(name: str) -> str:
    """The SQL of a model without any field."""
    return _MODEL.format(name=name, version_columns=_VERSION_COLUMNS)


def new_properties(name: str, object_label: str) -> str:
    """The YAML of a model without any field."""
    description = (
        f"The current version of each record of {object_label}, deleted ones included. One row per instance and record."
    )
    head = _PROPERTIES.format(name=name, description=_scalar(description))
    return head + "".join(_column(6, *column) for column in (*_FIRST, *_LAST))


def columns_of(model: str) -> set[str]:
    """The columns that a model names, one a line."""
    return set(re.findall(r" as (\w+),?[ \t]*$", model, flags=re.MULTILINE))


def with_columns(model: str, fields: Iterable[ModelField], *, path: str) -> str:
    """The SQL with columns added before those of the version; TransformError if that place is gone."""
    lines = "".join(_select_line(field) for field in fields)
    if not lines:
        return model
    if _VERSION_COLUMNS not in model:
        raise TransformError(
            f"{path}: the line of version_columns() is not as it was generated, so that columns have no place.",
            remedy=f"Put it back, alone on its line, or add by hand:\n{lines}",
        )
    return model.replace(_VERSION_COLUMNS, lines + _VERSION_COLUMNS, 1)


def with_retyped(model: str, field: ModelField, before: str) -> str | None:
    """The SQL with a generated cast replaced; None if a person wrote another one."""
    line = f"        {{{{ {before} }}}} as {field.column},\n"
    return model.replace(line, _select_line(field), 1) if line in model else None


def with_column_docs(properties: str, fields: Iterable[ModelField], *, path: str) -> str:
    """The YAML with columns added before those of the version; TransformError if that place is gone."""
    new = [field for field in fields if f"      - name: {field.column}\n" not in properties]
    place = "      - name: version_at\n"
    if new and place not in properties:
        raise TransformError(f"{path}: the column version_at is missing, before which columns are added.")
    block = "".join(_column(6, field.column, field.data_type, field.description) for field in new)
    return properties.replace(place, block + place, 1)


def with_data_type(properties: str, column: str, before: str, after: str) -> str:
    """The YAML with the type of a column replaced, if it is the one that was generated."""
    head = f"      - name: {column}\n        data_type: "
    return properties.replace(f"{head}{before}\n", f"{head}{after}\n", 1)


def with_source(sources: str, name: str, object_label: str, fields: Sequence[ModelField]) -> str:
    """The YAML of the sources with a bronze table, or with columns of it, added."""
    entry = re.search(rf"^      - name: {re.escape(name)}\n(?:(?:        .*)?\n)*", sources, flags=re.MULTILINE)
    if entry is None:
        description = f"Every version of each record of {object_label}. One row per instance, record and version."
        head = f"      - name: {name}\n        description: {_scalar(description)}\n        columns:\n"
        lineage = "".join(_column(10, *column) for column in _LINEAGE)
        return sources.rstrip("\n") + "\n" + head + lineage + _bronze_columns(fields)
    missing = [field for field in fields if f"          - name: {field.field}\n" not in entry[0]]
    return sources[: entry.end()] + _bronze_columns(missing) + sources[entry.end() :]


def with_refused_object(macros: str, name: str, *, path: str) -> str:
    """The macros with an object in the list of those whose refused values are listed, which is sorted."""
    found = re.search(r"macro refused_objects\(\).*?\[\n(?P<names>.*?)    \]\)", macros, flags=re.DOTALL)
    if found is None:
        raise TransformError(
            f"{path}: the list of the macro refused_objects is not found.", remedy=f"Add {name} there."
        )
    lines = sorted({*found["names"].splitlines(keepends=True), f"        '{name}',\n"})
    return macros[: found.start("names")] + "".join(lines) + macros[found.end("names") :]


def _select_line(field: ModelField) -> str:
    return f"        {{{{ {field.call} }}}} as {field.column},\n"


def _bronze_columns(fields: Iterable[ModelField]) -> str:
    return "".join(_column(10, field.field, "varchar", field.description) for field in fields)


def _column(indentation: int, name: str, data_type: str, description: str) -> str:
    space = " " * indentation
    return f"{space}- name: {name}\n{space}  data_type: {data_type}\n{space}  description: {_scalar(description)}\n"


def _scalar(text: str) -> str:
    """A text as YAML writes it on one line, quoted only if it has to be."""
    return yaml.safe_dump(text, width=10_000, allow_unicode=True).removesuffix("\n...\n").rstrip("\n")
