"""Which bronze batches the next silver run merges, and which have been merged; kept in the warehouse itself.

A pointer per object and instance lies in the same file as silver, so that the two cannot disagree; it moves only after
success. Also writes golden rules, the clock and described schemas as tables. Does not belong here: engines and dbt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.errors import WarehouseError
from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.base import BronzeWindow, Session, Warehouse
from contact_sync.warehouse.definitions import changes_seen
from contact_sync.warehouse.types import sql_type

_REFRESH: Final = "pipeline.refresh"
_SCHEMA_FIELD_TYPES: Final[dict[str, pa.DataType]] = {
    "object_name": pa.string(),
    "instance": pa.string(),
    "field": pa.string(),
    "type": pa.string(),
    "length": pa.int64(),
    "precision": pa.int64(),
    "scale": pa.int64(),
    "is_calculated": pa.bool_(),
    "references": pa.string(),
    "left_out": pa.string(),
    "sql_type": pa.string(),
    "version": pa.int64(),
    "noted_at": pa.timestamp("us", tz="UTC"),
}
_SCHEMA_FIELD: Final = pa.schema(_SCHEMA_FIELD_TYPES)


def open_windows(
    session: Session,
    warehouse: Warehouse,
    tables: Sequence[BronzeTable],
    columns: Mapping[str, Mapping[str, str]],
    *,
    held: Collection[tuple[str, str]] = (),
) -> list[BronzeWindow]:
    """Bring bronze in and note what is unprocessed as `pipeline.bronze_window`; returns the windows.

    held: objects and instances that stay at what was processed last; their windows hold nothing.
    """
    session.execute(
        "create table if not exists pipeline.processed "
        "(object_name varchar, instance varchar, sequence bigint, primary key (object_name, instance))"
    )
    processed = processed_sequences(session)
    windows = []
    for table in tables:
        sequences = table.sequences()
        _raise_if_behind(table.name, sequences, processed)
        warehouse.bring_in(session, table, columns[table.name])
        for instance, newest in sequences.items():
            after = processed.get((table.name, instance), 0)
            windows.append(
                BronzeWindow(
                    object_name=table.name,
                    instance=instance,
                    after_sequence=after,
                    up_to_sequence=after if (table.name, instance) in held else newest,
                )
            )
    session.replace("pipeline.bronze_window", _as_table(windows))
    return windows


def _raise_if_behind(name: str, newest: Mapping[str, int], processed: Mapping[tuple[str, str], int]) -> None:
    """WarehouseError if an instance's bronze ends before what was merged of it: it is another lake, or an older one."""
    for instance, sequence in newest.items():
        merged = processed.get((name, instance), 0)
        if sequence < merged:
            raise WarehouseError(
                f"{name}, instance {instance}: the warehouse has merged batch {merged}, the lake ends with {sequence}.",
                remedy="The warehouse was filled from another lake, or the lake was set back. Point CONTACT_SYNC_LAKE "
                "to the lake it belongs to, or drop the warehouse's schemas: silver is filled again from bronze.",
            )


def models_with_news(readers: Mapping[str, Collection[str]], windows: Iterable[BronzeWindow]) -> set[str]:
    """Of the models that read bronze tables (table -> its readers), those for which a window holds batches."""
    waiting = {window.object_name for window in windows if window.has_news}
    return {model for name in waiting for model in readers.get(name, ())}


def _as_table(windows: Sequence[BronzeWindow]) -> pa.Table:
    return pa.table(
        {
            "object_name": pa.array([window.object_name for window in windows], pa.string()),
            "instance": pa.array([window.instance for window in windows], pa.string()),
            "after_sequence": pa.array([window.after_sequence for window in windows], pa.int64()),
            "up_to_sequence": pa.array([window.up_to_sequence for window in windows], pa.int64()),
        }
    )


def close_windows(session: Session, windows: Iterable[BronzeWindow]) -> None:
    """Move the pointers of merged windows."""
    for window in windows:
        pointer = (window.object_name, window.instance)
        session.execute("delete from pipeline.processed where object_name = $1 and instance = $2", pointer)
        session.execute("insert into pipeline.processed values ($1, $2, $3)", (*pointer, window.up_to_sequence))


def processed_sequences(session: Session) -> dict[tuple[str, str], int]:
    """(object, instance) -> newest merged sequence."""
    rows = session.query("select object_name, instance, sequence from pipeline.processed").to_pylist()
    return {(row["object_name"], row["instance"]): row["sequence"] for row in rows}


def write_golden_rules(session: Session, entities: Iterable[Entity]) -> None:
    """golden.yaml as `pipeline.golden_rule`: one row per entity, field and source object."""
    rows = [
        {
            "entity": entity.name,
            "field": field.name,
            "field_group": field.group or field.name,
            "source_object": source_object,
            "is_owner": field.owner == source_object,
            "rule": field.rule.value,
            "trust": rank,
            "null_policy": field.null_policy.value,
        }
        for entity in entities
        for field in entity.fields
        for rank, source_object in enumerate(entity.trust, start=1)
    ]
    session.replace("pipeline.golden_rule", pa.Table.from_pylist(rows))


def write_refresh(session: Session, started_at: datetime) -> int:
    """Number this refresh, one more than the last, and note it as `pipeline.refresh`: the one clock of all models."""
    known = session.read(_REFRESH).to_pylist() if session.exists(_REFRESH) else []
    # Numbers that somebody has seen are never given again, though the table was lost.
    number = 1 + max([0, *(int(row.get("number", 0)) for row in known), *changes_seen(session).values()])
    as_utc = started_at.astimezone(UTC)
    session.replace(_REFRESH, pa.table({"number": [number], "started_at": [as_utc], "started_on": [as_utc.date()]}))
    return number


class DescribedSchema(Protocol):
    """A version of an object's schema, as the operational database keeps it."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def noted_at(self) -> datetime:
        """Since when it holds."""

    @property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """name -> description."""


def write_schema_fields(session: Session, schemas: Mapping[tuple[str, str], DescribedSchema]) -> None:
    """The newest schema of each object and instance as `pipeline.schema_field`: a row per field, with its SQL type."""
    rows = [
        {
            "object_name": object_name,
            "instance": instance,
            "field": name,
            "type": str(field["type"]),
            "length": int(field["length"]),
            "precision": int(field["precision"]),
            "scale": int(field["scale"]),
            "is_calculated": bool(field["is_calculated"]),
            "references": ", ".join(field["references"]),
            "left_out": str(field["left_out"]),
            "sql_type": str(sql_type(field)),
            "version": schema.version,
            "noted_at": schema.noted_at,
        }
        for (object_name, instance), schema in sorted(schemas.items())
        for name, field in schema.fields.items()
    ]
    session.replace("pipeline.schema_field", pa.Table.from_pylist(rows, schema=_SCHEMA_FIELD))
