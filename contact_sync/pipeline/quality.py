"""The quality step: measures the silver tables that changed, judges them, and says which instances are held back.

Whether an object is measured depends on what was measured last (its data, contract and schema), not on what this run
did: nothing that a broken-off run left undone is missed, and an idle refresh measures nothing. Does not belong here:
what is measured and judged (quality/), and how it is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import pyarrow as pa

from contact_sync.catalog import Contract
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import lateness
from contact_sync.quality import history
from contact_sync.quality.drift import ROWS, Deviation, Series, deviations, figures
from contact_sync.quality.history import ObjectMeasurement
from contact_sync.quality.measure import ENGINES, Column, Engine, Measurement, measurements, profiled, selects
from contact_sync.quality.schema_break import SchemaBreak, schema_breaks
from contact_sync.quality.verdict import RuleResult, drift_result, judged, schema_results, unmeasurable
from contact_sync.state.schemas import SchemaVersion
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.types import casts
from contact_sync.warehouse.windows import processed_sequences

Instance: TypeAlias = tuple[str, str]
"""Object and instance."""
_READING_TYPES: Final[dict[str, pa.DataType]] = {
    "object_name": pa.string(),
    "instance": pa.string(),
    "read_up_to": pa.timestamp("us", tz="UTC"),
    "lag_seconds": pa.int64(),
    "promise_seconds": pa.int64(),
}
_READING: Final = pa.schema(_READING_TYPES)


@dataclass(frozen=True, kw_only=True)
class ObjectQuality:
    """What is known of one object. series: name of a figure and its instance -> its days, for a plot.

    is_new: measured just now; otherwise nothing changed since `measured_at`. None: there is nothing to measure yet.
    """

    name: str
    measured_at: datetime | None
    is_new: bool
    results: tuple[RuleResult, ...]
    series: Mapping[str, Series]


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """The objects, and the rows of each table of quality."""

    objects: tuple[ObjectQuality, ...]
    row_counts: Mapping[str, int]


def prepare(session: Session, installation: Installation) -> None:
    """What gold's scoreboard reads, whether anything was measured or not: the tables, and how far objects were read."""
    history.create_tables(session)
    now = installation.now()
    rows = [
        {
            "object_name": entry.object_name,
            "instance": entry.instance,
            "read_up_to": now - entry.age if entry.age is not None else None,
            "lag_seconds": int(entry.age.total_seconds()) if entry.age is not None else None,
            "promise_seconds": int(entry.promise.total_seconds()),
        }
        for entry in lateness(installation)
    ]
    session.replace("pipeline.object_reading", pa.Table.from_pylist(rows, schema=_READING))


def measurable_objects(installation: Installation) -> list[str]:
    """The objects that have a silver model of their own name."""
    return [name for name in installation.catalog.objects if installation.dbt.model_columns(name)]


def held_instances(
    installation: Installation, histories: Mapping[Instance, Sequence[SchemaVersion]] | None = None
) -> dict[Instance, list[SchemaBreak]]:
    """Object and instance -> the breaks of its schema, which hold it at the last good batch."""
    read = installation.dbt.bronze_columns()
    histories = installation.schemas.histories() if histories is None else histories
    found = {}
    for (name, instance), versions in histories.items():
        if name in read:
            contract = installation.contracts.get(name, Contract())
            typed = casts(installation.dbt.model_code(name))
            found[name, instance] = schema_breaks(read[name], typed, versions, contract.optional_fields)
    return {key: breaks for key, breaks in found.items() if breaks}


def check_quality(installation: Installation) -> QualityReport:
    """Measure what changed since it was last measured, and tell of everything what is known."""
    held = held_instances(installation)
    engine = ENGINES.get(installation.dbt.adapter, Engine())
    now = installation.now()
    with installation.warehouse.session("quality") as session:
        history.create_tables(session)
        processed = processed_sequences(session) if session.exists("pipeline.processed") else {}
        subjects = [_subject(installation, name, processed, held) for name in measurable_objects(installation)]
        known = _Known(session, subjects)
        measured = {
            subject.name: _measured(session, known, subject, engine, now)
            for subject in subjects
            if subject.name in known.changed
        }
        history.keep(session, list(measured.values()), now)
        found = [_told(known, subject, measured.get(subject.name), now) for subject in subjects]
        return QualityReport(objects=tuple(found), row_counts=history.row_counts(session))


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """An object and everything that its quality depends on. sequences: instance -> the newest merged batch."""

    name: str
    contract: Contract
    columns: tuple[Column, ...]
    sequences: Mapping[str, int]
    breaks: Mapping[str, Sequence[SchemaBreak]]

    @property
    def basis(self) -> str:
        """Changes when any of it does."""
        breaks = {instance: [str(one) for one in found] for instance, found in self.breaks.items()}
        columns = [(column.name, column.data_type) for column in self.columns]
        parts = [self.contract.model_dump(mode="json"), columns, dict(self.sequences), breaks]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Known:
    """What was measured before, read once for all objects. changed: those that are not as they were then."""

    def __init__(self, session: Session, subjects: Sequence[_Subject]) -> None:
        self.measured = history.last_measured(session)
        self.results = history.last_results(session)
        self.rows = history.rows_by_day(session)
        self.changed = [one.name for one in subjects if one.sequences and not self._is_as_it_was(one)]
        self._columns = history.figures_by_day(session, self.changed)

    def figures(self, name: str, instance: str) -> dict[str, Series]:
        """Figure -> day -> value, of an instance of a changed object."""
        return {**self.rows.get((name, instance), {}), **self._columns.get((name, instance), {})}

    def measured_at(self, subject: _Subject) -> datetime | None:
        """When an object that did not change was measured."""
        times = [self.measured[subject.name, instance].measured_at for instance in subject.sequences]
        return max(times, default=None)

    def _is_as_it_was(self, subject: _Subject) -> bool:
        found = [self.measured.get((subject.name, instance)) for instance in subject.sequences]
        return all(one is not None and one.basis == subject.basis for one in found)


def _subject(
    installation: Installation,
    name: str,
    processed: Mapping[Instance, int],
    held: Mapping[Instance, Sequence[SchemaBreak]],
) -> _Subject:
    return _Subject(
        name=name,
        contract=installation.contracts.get(name, Contract()),
        columns=tuple(profiled(installation.dbt.model_columns(name))),
        sequences={instance: sequence for (one, instance), sequence in sorted(processed.items()) if one == name},
        breaks={instance: breaks for (one, instance), breaks in sorted(held.items()) if one == name},
    )


def _measured(session: Session, known: _Known, subject: _Subject, engine: Engine, now: datetime) -> ObjectMeasurement:
    """Measure an object in one pass and judge it."""
    columns = {column.name: column for column in subject.columns}
    rules = [rule for rule in subject.contract.rules if not unmeasurable(rule, columns)]
    statements = selects(f"silver.{subject.name}", subject.columns, rules, now, engine)
    found = measurements([(one, session.query(one.sql)) for one in statements], subject.sequences)
    rules_of_drift, today = subject.contract.drift, now.date()
    moved = {
        one.instance: deviations(one, known.figures(subject.name, one.instance), rules_of_drift, today) for one in found
    }
    return ObjectMeasurement(
        object_name=subject.name,
        basis=subject.basis,
        instances=found,
        results=[result for one in found for result in _results(subject, one, moved[one.instance])],
        moved=moved,
    )


def _told(known: _Known, subject: _Subject, measured: ObjectMeasurement | None, now: datetime) -> ObjectQuality:
    """What is known of an object: as just measured, or as it was when it last was."""
    if measured is None:
        results = tuple(one for one in known.results if one.object_name == subject.name)
        series = {f"{ROWS}, {instance}": known.rows[subject.name, instance][ROWS] for instance in subject.sequences}
        measured_at = known.measured_at(subject)
        return ObjectQuality(name=subject.name, measured_at=measured_at, is_new=False, results=results, series=series)
    return ObjectQuality(
        name=subject.name,
        measured_at=now,
        is_new=True,
        results=tuple(measured.results),
        series={
            f"{name}, {one.instance}": {
                **known.figures(subject.name, one.instance).get(name, {}),
                now.date(): figures(one)[name],
            }
            for one in measured.instances
            for name in dict.fromkeys([ROWS, *(moved.figure for moved in measured.moved[one.instance])])
        },
    )


def _results(subject: _Subject, measurement: Measurement, moved: Sequence[Deviation]) -> list[RuleResult]:
    """The results of one instance: its schema, its contract, its drift."""
    return [
        *schema_results(subject.name, measurement.instance, subject.breaks.get(measurement.instance, ())),
        *judged(subject.name, subject.contract.rules, subject.columns, measurement),
        drift_result(subject.name, subject.contract, measurement, moved),
    ]


def failed(results: Collection[RuleResult], *rules: str) -> list[RuleResult]:
    """The results that did not pass, of these kinds of rules only if any are named."""
    return [one for one in results if not one.is_passed and (not rules or one.rule in rules)]
