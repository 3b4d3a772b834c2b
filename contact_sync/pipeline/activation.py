"""The steps after gold: plan, apply, reconcile.

Each takes an installation, does one thing and returns a report of counts. Does not belong here: Dagster, how reports
are shown, and how rows are compared and written (sync/).
"""

from __future__ import annotations

import json
from contextlib import closing
from itertools import product
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.connectors.registry import open_target, salesforce_instance
from contact_sync.errors import StalePlanError
from contact_sync.lake.published import is_published, publish, published_batches, read_published
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import held_instances
from contact_sync.sync import safety
from contact_sync.sync.apply import AppliedListener, Applier, ApplyReport
from contact_sync.sync.passed_refusals import release_passed
from contact_sync.sync.plan import Plan, Stage, StageCount, in_order, make_plan
from contact_sync.sync.planned_rows import COLUMNS
from contact_sync.sync.reconcile import Reconciliation, read_target
from contact_sync.sync.reconcile import reconcile as compare
from contact_sync.warehouse.lock import exclusive
from contact_sync.warehouse.windows import processed_sequences


def plan(installation: Installation) -> Plan:
    """Compare gold with the target and freeze the differences; publishes the plan, writes nothing to the target.

    Refusals whose reason may have passed are released before.
    """
    readings = {target: installation.batches.reading(*target).read_up_to for target in _targets(installation)}
    release_passed(installation.writes, now=installation.now(), read_up_to=readings)
    with installation.warehouse.session("plan") as session:
        processed = processed_sequences(session)
        basis = {f"{name}/{instance}": processed.get((name, instance), 0) for name, instance in _targets(installation)}
        made = make_plan(session, installation.catalog, installation.writes.refusals(), basis)
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
    for entity in in_order(installation.catalog):
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
