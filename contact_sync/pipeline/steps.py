"""The steps in the order records flow: extract, silver, identities, gold, plan, apply, reconcile.

Each takes an installation, does one thing and returns a report of counts. The warehouse is held only for short
transactions, never while a network is waited for. Does not belong here: Dagster, and how reports are shown.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.catalog import Entity
from contact_sync.connectors.registry import open_target, salesforce_instance
from contact_sync.errors import StalePlanError
from contact_sync.identity.collect import Decided
from contact_sync.identity.resolve import Resolution, resolve
from contact_sync.identity.tables import review_table
from contact_sync.lake.published import is_published, publish, publish_file, published_batches, read_published, spool
from contact_sync.pipeline.consent import write_consent_decisions
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import held_instances
from contact_sync.pipeline.scoring import DIFFERENCES, Scoring, score_people
from contact_sync.pipeline.silver_work import silver_work
from contact_sync.state.decisions import Verdict
from contact_sync.sync import safety
from contact_sync.sync.apply import AppliedListener, Applier, ApplyReport
from contact_sync.sync.plan import ENTITY_ORDER, Plan, Stage, StageCount, make_plan
from contact_sync.sync.planned_rows import COLUMNS
from contact_sync.sync.reconcile import Reconciliation, read_target
from contact_sync.sync.reconcile import reconcile as compare
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import remember
from contact_sync.warehouse.lock import exclusive
from contact_sync.warehouse.refusals import refused_values
from contact_sync.warehouse.transform import EventListener, NodeOutcome, raise_for_failures
from contact_sync.warehouse.windows import (
    close_windows,
    processed_sequences,
)

SILVER: Final = ("group:silver", "group:identity")
GOLD: Final = ("group:gold",)


@dataclass(frozen=True, kw_only=True)
class TransformReport:
    """One dbt invocation: its outcomes, and model -> rows afterwards.

    unchanged: models that were left as they are, because bronze has nothing new for them.
    figures: model -> name -> what else was counted.
    refused: how many values silver refuses, by `object_name`, `field` and `rule`.
    """

    outcomes: tuple[NodeOutcome, ...]
    row_counts: dict[str, int]
    unchanged: tuple[str, ...] = ()
    figures: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: tuple[Mapping[str, Any], ...] = ()


def build_silver(
    installation: Installation, *, selection: Sequence[str] = SILVER, listener: EventListener | None = None
) -> TransformReport:
    """Merge the unprocessed bronze batches into silver and make match keys; pointers move only after success.

    A model that merges batches is left as it is when there are none for it and its definition is the same, a seed when
    its file is the same.
    """
    warehouse, dbt = installation.warehouse, installation.dbt
    with warehouse.session("bring bronze in") as session:
        work = silver_work(session, installation, selection)
    with warehouse.exclusive("dbt silver"):
        before = dbt.build(work.before, rebuild=work.rebuild) if work.before else []
        raise_for_failures(before)
        outcomes = dbt.build(work.due, rebuild=work.rebuild, listener=listener) if work.due else []
    raise_for_failures(outcomes)
    with warehouse.session("advance pointers") as session:
        built = _tables([*before, *outcomes], "model", "seed")
        tables = [*built, *(f"silver.{name}" for name in work.unchanged)]
        counts = _row_counts(session, tables)
        # A run of some models leaves to the others the batches that they have not merged.
        readers = dbt.readers()
        merged = [one for one in work.windows if one.has_news and readers.get(one.object_name, set()) <= set(counts)]
        close_windows(session, merged)
        remember(session, {name: work.definitions[name] for name in counts if name in work.definitions})
        return TransformReport(
            outcomes=tuple(outcomes),
            row_counts=counts,
            unchanged=tuple(work.unchanged),
            figures={"contact_record": {f"{of.kind}_{name}": n for of in work.normalized for name, n in of.figures()}},
            refused=refused_values(session),
        )


def score_pairs(installation: Installation, *, is_full: bool = False) -> Scoring:
    """Score the new pairs of people's records, or all of them; a full run publishes what it found otherwise."""
    path = installation.settings.root / "identity" / "person.duckdb"
    with installation.warehouse.session("score pairs") as session:
        scoring = score_people(
            session,
            installation.person_model,
            path,
            is_full=is_full,
            memory_limit_mb=installation.settings.warehouse_memory_mb,
        )
        differences = session.read(DIFFERENCES) if scoring.is_full else None
    if differences is not None:
        layer, name = DIFFERENCES.split(".")
        publish(installation.location, layer, name, differences)
    return scoring


def resolve_identities(installation: Installation) -> list[Resolution]:
    """Give every live record its person or company key, and decisions about consent the key their person has now.

    Publishes what waits for stewards, where that has changed.
    """
    entities = _entities(installation)
    with installation.warehouse.session("identity") as session:
        resolutions = [
            resolve(
                session,
                installation.identities,
                entity,
                decided=_decided(installation, entity),
                limits=installation.person_model.limits,
                explained=installation.person_model.explained,
            )
            for entity in entities
        ]
        write_consent_decisions(session, installation)
        waiting = {
            review_table(entity): session.read(review_table(entity))
            for entity, resolution in zip(entities, resolutions, strict=True)
            if resolution.has_other_candidates
        }
    for table, rows in waiting.items():
        layer, name = table.split(".")
        publish(installation.location, layer, name, rows)
    return resolutions


def _decided(installation: Installation, entity: Entity) -> Decided:
    """What stewards have decided about an entity's records, and not taken back."""
    standing = installation.decisions.standing(entity.name)
    return Decided(same=standing[Verdict.SAME], different=standing[Verdict.DIFFERENT])


def build_gold(
    installation: Installation, *, selection: Sequence[str] = GOLD, listener: EventListener | None = None
) -> TransformReport:
    """Build the golden records and publish them for readers."""
    with installation.warehouse.exclusive("dbt gold"):
        outcomes = installation.dbt.build(selection, listener=listener)
    raise_for_failures(outcomes)
    root = installation.settings.root
    with tempfile.TemporaryDirectory(prefix="gold-", dir=root) as directory:
        # Two steps, because the lake may be behind a network, and the warehouse is not held while one is waited for.
        with installation.warehouse.session("publish gold") as session:
            counts = _row_counts(session, _tables(outcomes, "model", "seed"))
            files = {table: Path(directory) / f"{table}.parquet" for table in _tables(outcomes, "model")}
            for table, file in files.items():
                spool(session.stream(table), file)
        for table, file in files.items():
            publish_file(installation.location, "gold", table.removeprefix("gold."), file)
    return TransformReport(outcomes=tuple(outcomes), row_counts=counts)


def plan(installation: Installation) -> Plan:
    """Compare gold with the target and freeze the differences; publishes the plan, writes nothing to the target."""
    refusals = installation.writes.refusals(now=installation.now())
    with installation.warehouse.session("plan") as session:
        processed = processed_sequences(session)
        basis = {f"{name}/{instance}": processed.get((name, instance), 0) for name, instance in _targets(installation)}
        made = make_plan(session, installation.catalog, refusals, basis)
    summary = pa.table({"plan_id": [made.plan_id], "summary": [json.dumps(made.as_json())]})
    publish(installation.location, "activation", "plan", made.rows)
    publish(installation.location, "activation", "plan_summary", summary)
    return made


def plan_summary(installation: Installation) -> dict[str, Any]:
    """Summary of the newest plan; StalePlanError if the rows in the lake are those of another one."""
    published = read_published(installation.location, "activation", "plan_summary").to_pylist()[0]
    summary: dict[str, Any] = json.loads(published["summary"])
    count, found = 0, set()
    for rows in published_batches(installation.location, "activation", "plan", ["plan_id"]):
        count += rows.num_rows
        found |= set(pc.unique(rows.column("plan_id")).to_pylist())
    if count != summary["rows"] or not found <= {summary["plan_id"]}:
        raise StalePlanError(
            f"The publication of the plan after {summary['plan_id']} was interrupted.",
            remedy="Make the plan again with `contact-sync plan`.",
        )
    return summary


def current_plan(installation: Installation) -> tuple[dict[str, Any], pa.Table]:
    """Summary and rows of the newest plan, read from the lake; StalePlanError if they are of different plans."""
    return plan_summary(installation), read_published(installation.location, "activation", "plan")


def apply(
    installation: Installation, plan_id: str | None = None, *, listener: AppliedListener | None = None
) -> ApplyReport:
    """Write exactly the current plan; StalePlanError if it is not the one asked for or the target has moved on."""
    instance = installation.target_instance()
    org = salesforce_instance(installation.settings, instance)
    safety.raise_if_not_writable(instance, org.kind, installation.settings.environment)
    with exclusive(installation.settings.root / "apply.lock", purpose="apply", what=f"The target {instance}"):
        summary = plan_summary(installation)
        _raise_if_stale(installation, summary, plan_id)
        counts = [StageCount(**count) for count in summary["counts"]]
        safety.raise_if_unsafe(counts, installation.catalog.entities)
        safety.raise_if_not_in_hours(counts, installation.catalog.entities, installation.now())
        with closing(open_target(installation.settings, instance)) as target:
            applier = Applier(
                target=target,
                instance=instance,
                ledger=installation.writes,
                entities=installation.catalog.entities,
                objects=installation.catalog.objects,
            )
            rows = published_batches(installation.location, "activation", "plan", COLUMNS)
            return applier.apply(rows, summary["plan_id"], listener=listener)


def waits_for_hours(installation: Installation) -> list[str]:
    """What the current plan would write now, if its target's hours allowed it."""
    counts = [StageCount(**count) for count in plan_summary(installation)["counts"]]
    return safety.outside_hours(counts, installation.catalog.entities, installation.now())


def reconcile(installation: Installation) -> list[Reconciliation]:
    """Read the target as it is now and explain every difference from gold."""
    results = []
    waiting = _waiting(installation)
    for entity in _entities(installation):
        item = installation.object(entity.target.object)
        with closing(installation.open_source(item, entity.target.instance)) as source:
            live = read_target(source, item, installation.now())
        with installation.warehouse.session("reconcile") as session:
            result = compare(session, entity, live, installation.writes.refusals(), waiting)
            differences = session.read(f"activation.difference_{entity.name}")
        publish(installation.location, "activation", f"difference_{entity.name}", differences)
        results.append(result)
    return results


def _waiting(installation: Installation) -> pa.Table:
    """The rows of the current plan that have not been applied."""
    if not is_published(installation.location, "activation", "plan"):
        return pa.table({name: pa.array([], pa.string()) for name in _WAITING_COLUMNS})
    summary, rows = current_plan(installation)
    waiting = [rows.slice(0, 0)]
    for entity, stage in product(installation.catalog.entities.values(), Stage):
        done = installation.writes.finished(summary["plan_id"], stage.value, entity.target.object)
        of_stage = rows.filter((pc.field("entity") == entity.name) & (pc.field("stage") == stage.value))
        waiting.append(of_stage.filter(pc.invert(pc.is_in(of_stage["row_key"], value_set=done))))
    return pa.concat_tables(waiting).select(_WAITING_COLUMNS)


_WAITING_COLUMNS: Final = ["plan_row_id", "entity", "stage", "row_key", "value_hash"]


def _entities(installation: Installation) -> list[Entity]:
    """The catalog's entities, parents before children."""
    return [installation.catalog.entities[name] for name in ENTITY_ORDER if name in installation.catalog.entities]


def _targets(installation: Installation) -> list[tuple[str, str]]:
    """(object, instance) of every target."""
    return [(entity.target.object, entity.target.instance) for entity in installation.catalog.entities.values()]


def held_targets(installation: Installation) -> list[str]:
    """What holds targets back: silver knows them as they were before their schema broke, so nothing is written."""
    held = held_instances(installation)
    return [
        f"{name}, instance {instance}: {', '.join(map(str, held[name, instance]))}"
        for name, instance in _targets(installation)
        if (name, instance) in held
    ]


def _raise_if_stale(installation: Installation, summary: dict[str, Any], plan_id: str | None) -> None:
    if plan_id is not None and plan_id != summary["plan_id"]:
        raise StalePlanError(
            f"Plan {plan_id} is not the current one ({summary['plan_id']}). Nothing was written.",
            remedy="Look at the current plan with `contact-sync plan`.",
        )
    if held := held_targets(installation):
        raise StalePlanError(
            f"The schema of the target is broken ({'; '.join(held)}). Nothing was written.",
            remedy="Give the field back, or adapt the silver model; see docs/data_quality.md.",
        )
    newest = {
        f"{name}/{instance}": installation.bronze(name).position(instance).sequence
        for name, instance in _targets(installation)
    }
    if summary["basis"] != newest:
        raise StalePlanError(
            f"The target has changed since plan {summary['plan_id']} was made. Nothing was written.",
            remedy="Run `contact-sync run` to plan again.",
        )


def _tables(outcomes: Iterable[NodeOutcome], *kinds: str) -> list[str]:
    """`schema.table` of the nodes of these kinds that were built."""
    return [outcome.table for outcome in outcomes if outcome.unique_id.partition(".")[0] in kinds]


def _row_counts(session: Session, tables: Iterable[str]) -> dict[str, int]:
    """table -> rows."""
    return {table.partition(".")[2]: session.scalar(f"select count(*) from {table}") for table in tables}  # noqa: S608 -- dbt's names
