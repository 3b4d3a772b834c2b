"""Everything from bronze to reconciliation over the nasty rows, and what is in the warehouse then, to be compared.

Does not belong here: the rows (bronze_rows.py) and the engines (conftest.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity.changes import every_key, last_change, stamp
from contact_sync.identity.parts import PART_RECORDS
from contact_sync.lake.bronze import LINEAGE
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.published import read_published
from contact_sync.pipeline import activation, steps
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.point_in_time import Moment, rebuild_silver
from contact_sync.pipeline.quality import check_quality
from contact_sync.quality.history import COLUMN_PROFILE
from contact_sync.quality.history import SCHEMAS as QUALITY
from contact_sync.sync.reconcile import FINISHED, PLANNED, live_rows, reconcile
from contact_sync.warehouse.base import Session
from contact_sync_tests.pipeline.warehouses.bronze_rows import OBJECTS, Row

NOW: Final = datetime(2026, 3, 3, 12, tzinfo=UTC)
MADE: Final = {"identity.person_link", "identity.company_link", "pipeline.processed", "activation.plan", *QUALITY}
"""Tables that Python makes."""
NUMBERED: Final = ("changed_in", "known_since")
GOLDEN: Final = ("contact_field", "contact", "account_field", "account", "duplicates")
REBUILT: Final = ("salesforce__contact", "salesforce__opportunity", "erp__customer")
FIRST_BATCH: Final = Moment.parse("2026-03-01")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Table = tuple[pa.Schema, list[tuple[object, ...]]]
Tables = dict[str, Table]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What one build left: its tables with types and rows in an order of their own, and what it reported."""

    tables: Tables
    reconciliations: list[dict[str, Any]]
    quality: list[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Grown:
    """What two builds left, the second of which merged its batch into the tables of the first.

    first: the rebuilt tables between the two. as_of: the same, rebuilt as of that time after the second.
    replaced: golden records after a third build, which replaced all of them.
    """

    first: Tables
    held: Held
    as_of: Tables
    replaced: Tables


def publish(installation: Installation, batch: int) -> None:
    """Publish one batch of every object."""
    for name, (instance, rows_of) in OBJECTS.items():
        table = DeltaBronzeTable(installation.location, name)
        stage = table.stage({"_instance": instance, "_month": f"2026-0{batch}"})
        staged = stage.write(_bronze(rows_of(batch), batch), file_name=f"batch_{batch}")
        table.publish(instance, f"batch_{batch}", batch, [staged])


def _bronze(rows: list[Row], batch: int) -> pa.Table:
    """Rows as an extraction stages them."""
    names = sorted({name for row in rows for name in row if not name.startswith("_")})
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    extracted_at = datetime(2026, 3, batch, tzinfo=UTC)
    versions = [row.get("_version_at") for row in rows]
    lineage = {
        "_batch_id": [f"batch_{batch}"] * len(rows),
        "_sequence": [batch] * len(rows),
        "_extracted_at": [extracted_at] * len(rows),
        "_record_id": [row["_record_id"] for row in rows],
        "_version_at": [datetime.fromisoformat(version) if version else None for version in versions],
        "_is_deleted": [row.get("_is_deleted") == "true" for row in rows],
        "_row_hash": [hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest() for row in rows],
    }
    for field in LINEAGE:
        columns[field.name] = pa.array(lineage.get(field.name, [None] * len(rows)), field.type)
    return pa.table(columns)


def build_at_once(installation: Installation, *, part_records: int = PART_RECORDS) -> Held:
    """Everything, of both batches."""
    for batch in (1, 2):
        publish(installation, batch)
    return build(installation, part_records=part_records)


def build_one_after_the_other(installation: Installation, *, part_records: int = PART_RECORDS) -> Grown:
    """Silver of the first batch, then everything, then silver as it was."""
    publish(installation, 1)
    steps.build_silver(installation)
    with installation.warehouse.session("compare") as session:
        first = read(session, {f"silver.{name}" for name in REBUILT})
    publish(installation, 2)
    held = build(installation, part_records=part_records)
    touch_everybody(installation)
    steps.build_gold(installation, selection=GOLDEN)
    rebuild_silver(installation, FIRST_BATCH, REBUILT)
    with installation.warehouse.session("compare") as session:
        replaced = read(session, {f"gold.{name}" for name in GOLDEN})
        rebuilt = read(session, {f"{FIRST_BATCH.schema}.{name}" for name in REBUILT})
    as_of = {name.replace(FIRST_BATCH.schema, "silver"): table for name, table in rebuilt.items()}
    return Grown(first=first, held=held, as_of=as_of, replaced=replaced)


def touch_everybody(installation: Installation) -> None:
    """Let all golden records be replaced where they are."""
    entities = installation.catalog.entities.values()
    with installation.warehouse.session("touch") as session:
        number = last_change(session, entities) + 1
        for entity in entities:
            stamp(session, entity, every_key(entity), number=number)


def build(installation: Installation, *, part_records: int = PART_RECORDS) -> Held:
    """Build everything that is new in bronze, and read every table that was built or made."""
    reports = [steps.build_silver(installation)]
    quality = check_quality(installation)
    steps.score_pairs(installation)
    steps.resolve_identities(installation, part_records=part_records)
    reports.append(steps.build_gold(installation))
    activation.plan(installation)
    outcomes = [outcome for report in reports for outcome in report.outcomes]
    built = {outcome.table.lower() for outcome in outcomes if outcome.unique_id.startswith("model.")}
    entities = installation.catalog.entities
    planned = read_published(installation.location, "activation", "plan").select(PLANNED.names)
    with installation.warehouse.session("compare") as session:
        found = [
            reconcile(
                session,
                one,
                live_rows(one, target_now(one)).to_reader(),
                installation.writes.refusals(),
                planned=planned.to_reader(),
                finished=FINISHED.empty_table().to_reader(),
            )
            for one in entities.values()
        ]
        names = built | MADE | {f"activation.difference_{name}" for name in entities}
        return Held(
            tables=read(session, names),
            reconciliations=[one.as_json() for one in found],
            quality=[(one.name, one.is_new, *map(str, one.results)) for one in quality.objects],
        )


def target_now(entity: Entity) -> pa.Table:
    """The records of an entity's target as a rep left them: one is gone, one was edited, one is new to everybody."""
    _, rows_of = OBJECTS[entity.target.object]
    fields = [field.target_field for field in entity.fields if field.target_field]
    rows: list[Row] = [
        {
            **{name: row.get(name) for name in (*fields, entity.target.external_id)},
            "Id": row["_record_id"],
            "IsDeleted": "true" if number == 1 else "false",
            "CreatedDate": "2026-01-01T00:00:00.000Z",
        }
        for number, row in enumerate(rows_of(1))
    ]
    rows[0]["Phone"] = "+1 212 555 0188"
    rows.append({**rows[2], "Id": f"{rows[2]['Id'][:3]}999999999999AAA"})  # type: ignore[index]  # ids are no nulls
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]})


def read(session: Session, names: set[str]) -> Tables:
    """Tables by name, to be compared."""
    return {name: comparable(name, session.read(name)) for name in sorted(names)}


def comparable(name: str, rows: pa.Table) -> Table:
    """Types, and rows in an order of their own; floats as far as the order of additions cannot change them.

    Which refresh wrote a row depends on how many there were.
    """
    rows = rows.drop_columns([column for column in NUMBERED if column in rows.column_names])
    values: Iterable[Iterable[object]] = (row.values() for row in rows.to_pylist())
    if name == COLUMN_PROFILE:
        # DuckDB and Snowflake estimate how many values are different; fakesnow answers no time with 1970.
        rows = rows.drop_columns(["distinct_count"])
        values = ((None if value == EPOCH else value for value in row.values()) for row in rows.to_pylist())
    found = [tuple(round(value, 9) if isinstance(value, float) else value for value in row) for row in values]
    return rows.schema.remove_metadata(), sorted(found, key=repr)


def assert_same(expected: Tables, actual: Tables) -> None:
    """The same tables with the same columns and types and the same rows."""
    assert expected.keys() == actual.keys()
    for name, (schema, rows) in expected.items():
        assert (name, schema, rows) == (name, *actual[name])
