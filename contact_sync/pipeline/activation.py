"""The steps after gold: plan, apply, reconcile.

Each takes an installation, does one thing and returns a report of counts. Does not belong here: Dagster, how reports
are shown, and how rows are compared and written (sync/).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice, product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.catalog import Entity
from contact_sync.connectors.registry import open_target, salesforce_instance
from contact_sync.errors import StalePlanError
from contact_sync.lake.published import (
    is_published,
    publish,
    publish_file,
    published_batches,
    spool,
    spooled,
)
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import held_instances
from contact_sync.sync import safety
from contact_sync.sync.apply import AppliedListener, Applier, ApplyReport
from contact_sync.sync.passed_refusals import release_passed
from contact_sync.sync.plan import Plan, StageCount, fields_of, in_order, make_plan, plan_rows
from contact_sync.sync.plan_table import Stage
from contact_sync.sync.planned_rows import columns_to_apply, write_of
from contact_sync.sync.reconcile import FINISHED, PLANNED, Reconciliation, read_target
from contact_sync.sync.reconcile import reconcile as compare
from contact_sync.warehouse.lock import exclusive
from contact_sync.warehouse.windows import processed_sequences


def plan(installation: Installation) -> Plan:
    """Compare gold with the target and freeze the differences; publishes the plan, writes nothing to the target.

    Refusals whose reason may have passed are released before.
    """
    readings = {target: installation.batches.reading(*target).read_up_to for target in _targets(installation)}
    release_passed(installation.writes, now=installation.now(), read_up_to=readings)
    root = installation.settings.root
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plan-", dir=root) as directory:
        file = Path(directory) / "plan.parquet"
        with installation.warehouse.session("plan") as session:
            processed = processed_sequences(session)
            targets = _targets(installation)
            basis = {f"{name}/{instance}": processed.get((name, instance), 0) for name, instance in targets}
            made = make_plan(session, installation.catalog, installation.writes.refusals(), basis)
            spool(plan_rows(session, made, installation.catalog), file)
        publish_file(installation.location, "activation", "plan", file)
    summary = pa.table({"plan_id": [made.plan_id], "summary": [json.dumps(made.as_json())]})
    publish(installation.location, "activation", "plan_summary", summary)
    return made


def first_writes(installation: Installation, count: int) -> list[dict[str, Any]]:
    """The first rows of the newest plan; `before` and `after`: field of the target -> value."""
    batches = _published_plan(installation)
    rows = (batch.slice(place, 1) for batch in batches for place in range(batch.num_rows))
    return [write_of(row, installation.catalog.entities) for row in islice(rows, count)]


def plan_summary(installation: Installation) -> dict[str, Any]:
    """Summary of the newest plan; StalePlanError if the rows in the lake are those of another one."""
    published = published_batches(installation.location, "activation", "plan_summary")
    summary: dict[str, Any] = json.loads(next(published).column("summary")[0].as_py())
    count, found = 0, set()
    for rows in _published_plan(installation, ["plan_id"]):
        count += rows.num_rows
        found |= set(pc.unique(rows.column("plan_id")).to_pylist())
    if count != summary["rows"] or not found <= {summary["plan_id"]}:
        raise StalePlanError(
            f"The publication of the plan after {summary['plan_id']} was interrupted.",
            remedy="Make the plan again with `contact-sync plan`.",
        )
    return summary


def _published_plan(installation: Installation, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    return published_batches(installation.location, "activation", "plan", columns)


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
                now=installation.now,
            )
            rows = _published_plan(installation, columns_to_apply(installation.catalog.entities, counts))
            return applier.apply(rows, summary["plan_id"], listener=listener)


def waits_for_hours(installation: Installation) -> list[str]:
    """What the current plan would write now, if its target's hours allowed it."""
    counts = [StageCount(**count) for count in plan_summary(installation)["counts"]]
    return safety.outside_hours(counts, installation.catalog.entities, installation.now())


def reconcile(installation: Installation) -> list[Reconciliation]:
    """Read the target as it is now and explain every difference from gold."""
    root = installation.settings.root
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reconcile-", dir=root) as directory:
        planned, finished = Path(directory) / "planned.parquet", Path(directory) / "finished.parquet"
        has_plan = is_published(installation.location, "activation", "plan")
        plan_id = plan_summary(installation)["plan_id"] if has_plan else None
        spool(pa.RecordBatchReader.from_batches(PLANNED, _planned(installation, plan_id)), planned)
        spool(pa.RecordBatchReader.from_batches(FINISHED, _finished(installation, plan_id)), finished)
        return [_reconciled(installation, entity, planned, finished) for entity in in_order(installation.catalog)]


def _reconciled(installation: Installation, entity: Entity, planned: Path, finished: Path) -> Reconciliation:
    """One entity's comparison with the rows of the current plan (PLANNED) and those of them applied (FINISHED).

    Files beside theirs hold what is read and what is published.
    """
    item, table = installation.object(entity.target.object), f"difference_{entity.name}"
    live, differences = planned.with_name(f"{entity.name}.parquet"), planned.with_name(f"{table}.parquet")
    with closing(installation.open_source(item, entity.target.instance)) as source:
        spool(read_target(source, item, entity, installation.now()), live)
    refusals = installation.writes.refusals()
    with installation.warehouse.session("reconcile") as session:
        result = compare(session, entity, spooled(live), refusals, planned=spooled(planned), finished=spooled(finished))
        spool(session.stream(f"activation.{table}"), differences)
    publish_file(installation.location, "activation", table, differences)
    return result


def _planned(installation: Installation, plan_id: str | None) -> Iterator[pa.RecordBatch]:
    """The rows of the current plan (PLANNED), if there is one."""
    if plan_id is not None:
        for rows in _published_plan(installation, PLANNED.names):
            yield from rows.cast(PLANNED).to_batches()


def _finished(installation: Installation, plan_id: str | None) -> Iterator[pa.RecordBatch]:
    """Those of them that have been applied (FINISHED), stage by stage."""
    if plan_id is not None:
        for entity, stage in product(in_order(installation.catalog), Stage):
            keys = installation.writes.finished(plan_id, stage.value, entity.target.object)
            place = [arrow_values.repeat(arrow_values.text(one), len(keys)) for one in (entity.name, stage.value)]
            yield pa.record_batch([*place, keys], schema=FINISHED)


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
    if summary.get("fields") != fields_of(installation.catalog):
        raise StalePlanError(
            f"golden.yaml writes other fields than when plan {summary['plan_id']} was made. Nothing was written.",
            remedy="Make the plan again with `contact-sync plan`.",
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
