"""Which bronze batches the next silver run merges, and which have been merged; kept in the warehouse itself.

A pointer per object and instance lies in the same file as silver, so that the two cannot disagree; it moves only after
success. Also writes the golden rules as a table for dbt. Does not belong here: engines, or running dbt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.base import BronzeWindow, Session, Warehouse


def open_windows(
    session: Session, warehouse: Warehouse, tables: Sequence[BronzeTable], columns: Mapping[str, Mapping[str, str]]
) -> list[BronzeWindow]:
    """Bring bronze in and note what is unprocessed as `pipeline.bronze_window`; returns the windows."""
    session.execute(
        "create table if not exists pipeline.processed "
        "(object_name varchar, instance varchar, sequence bigint, primary key (object_name, instance))"
    )
    processed = processed_sequences(session)
    windows = []
    for table in tables:
        warehouse.bring_in(session, table, columns[table.name])
        windows += [
            BronzeWindow(
                object_name=table.name,
                instance=instance,
                after_sequence=processed.get((table.name, instance), 0),
                up_to_sequence=newest,
            )
            for instance, newest in table.sequences().items()
        ]
    session.replace("pipeline.bronze_window", _as_table(windows))
    return windows


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
        session.execute(
            "insert or replace into pipeline.processed values ($1, $2, $3)",
            (window.object_name, window.instance, window.up_to_sequence),
        )


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
        }
        for entity in entities
        for field in entity.fields
        for rank, source_object in enumerate(entity.trust, start=1)
    ]
    session.replace("pipeline.golden_rule", pa.Table.from_pylist(rows))
