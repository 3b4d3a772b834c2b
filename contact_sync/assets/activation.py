"""Activation: the plan, what became of its writes, and the proof that both sides agree. Wiring only."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa

from contact_sync.assets.failures import clear_failures
from contact_sync.assets.models import POOL
from contact_sync.catalog import Entity
from contact_sync.pipeline import activation
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import ApplyPolicy
from contact_sync.sync.apply import ApplyReport
from contact_sync.sync.plan import Plan
from contact_sync.sync.plan_table import after, before, plan_schema, written_fields

GROUP = "activation"
PLAN = dg.AssetKey([GROUP, "plan"])
WRITE_RESULT = dg.AssetKey([GROUP, "write_result"])
RECONCILIATION = dg.AssetKey([GROUP, "reconciliation"])
_OWNER = "team:revenue-operations"
_PLAN_COLUMNS = {
    "plan_id": "The plan the row belongs to.",
    "plan_row_id": "Identifies the write everywhere: job, result, audit.",
    "entity": "contact or account.",
    "stage": "stamp, update or create.",
    "object_name": "The target object, as in the catalog.",
    "instance": "The target instance.",
    "golden_key": "The person or company that is written.",
    "record_id": "The target record; empty for a create.",
    "row_key": "Finds the row in the target's answer.",
    "value_hash": "Hash of everything that is written.",
    "parent_key": "Its parent: rows of one parent are written one after the other.",
    "seen_at": "When the target's record had changed last, as far as was known.",
}


class WriteConfig(dg.Config):
    """`approve`: write the current plan although the policy is to wait for a review."""

    approve: bool = False


def activation_assets(entities: tuple[Entity, ...]) -> list[dg.AssetsDefinition]:
    """Plan, write result and reconciliation."""
    gold = [dg.AssetKey(["gold", entity.name]) for entity in entities]
    records = [dg.AssetKey(["silver", entity.records]) for entity in entities]
    subjects = [entity.key.removesuffix("_key") for entity in entities]
    evidence = [
        dg.AssetKey(["identity", f"{subject}_{table}"])
        for subject in subjects
        for table in ("link", "possible_match_key")
    ]
    return [_plan_asset([*gold, *records, *evidence], entities), _write_result_asset(), _reconciliation_asset(gold)]


def _plan_asset(upstream: list[dg.AssetKey], entities: tuple[Entity, ...]) -> dg.AssetsDefinition:
    told = _PLAN_COLUMNS | {
        column: text
        for entity in entities
        for name in written_fields(entity)
        for column, text in (
            (before(name), f"What the target held in {name}, where it is to be written."),
            (after(name), f"What is to be written to {name}; nothing: it is left alone, #N/A: it is cleared."),
        )
    }
    columns = [
        dg.TableColumn(field.name, _type_name(field.type), description=told[field.name])
        for field in plan_schema(entities)
    ]

    @dg.asset(
        key=PLAN,
        group_name=GROUP,
        deps=upstream,
        owners=[_OWNER],
        kinds={"duckdb", "deltalake"},
        pool=POOL,
        description="The writes that would make the target agree with gold, each with its values before and after.",
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )
    def plan(installation: dg.ResourceParam[Installation]) -> dg.MaterializeResult[None]:
        with clear_failures():
            return dg.MaterializeResult(metadata=_plan_metadata(activation.plan(installation)))

    return plan


def _type_name(kind: pa.DataType) -> str:
    return "timestamp" if pa.types.is_timestamp(kind) else "text"


def _write_result_asset() -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec("every_row_accounted_for", asset=WRITE_RESULT, description="Planned = written + refused.")

    @dg.asset(
        key=WRITE_RESULT,
        group_name=GROUP,
        deps=[PLAN],
        owners=[_OWNER],
        kinds={"salesforce"},
        pool="target",
        check_specs=[check],
        description="What became of each planned write; waits for a review unless the policy is to apply safe plans.",
    )
    def write_result(
        config: WriteConfig, installation: dg.ResourceParam[Installation]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        if not config.approve and installation.settings.apply is ApplyPolicy.REVIEW:
            yield dg.MaterializeResult(metadata={"dagster/row_count": 0, "state": "waits for `contact-sync apply`"})
            yield dg.AssetCheckResult(passed=True, check_name=check.name, metadata={"state": "nothing was sent"})
            return
        if held := activation.held_targets(installation):
            problems = {"problems": f"nothing was sent, the target's schema is broken: {'; '.join(held)}"}
            yield dg.MaterializeResult(metadata={"dagster/row_count": 0, **problems})
            yield dg.AssetCheckResult(passed=False, check_name=check.name, metadata=problems)
            return
        if waiting := activation.waits_for_hours(installation):
            state = f"waits: {'; '.join(waiting)}"
            yield dg.MaterializeResult(metadata={"dagster/row_count": 0, "state": state})
            yield dg.AssetCheckResult(passed=True, check_name=check.name, metadata={"state": "nothing was sent"})
            return
        with clear_failures():
            report = activation.apply(installation)
        yield dg.MaterializeResult(metadata=_apply_metadata(report))
        accounted = all(stage.is_accounted_for for stage in report.stages)
        yield dg.AssetCheckResult(
            passed=accounted, check_name=check.name, metadata={"planned": report.planned, "written": report.written}
        )

    return write_result


def _reconciliation_asset(gold: list[dg.AssetKey]) -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec(
        "no_unexplained_difference", asset=RECONCILIATION, description="Every difference has an explanation."
    )

    @dg.asset(
        key=RECONCILIATION,
        group_name=GROUP,
        deps=[WRITE_RESULT, *gold],
        owners=[_OWNER],
        kinds={"duckdb", "deltalake"},
        pool=POOL,
        check_specs=[check],
        description="Reads the target as it is now, compares it with gold and explains every difference.",
    )
    def reconciliation(
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with clear_failures():
            results = activation.reconcile(installation)
        unexplained = sum(result.unexplained for result in results)
        yield dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(sum(result.differences.values()) for result in results),
                "unexplained": unexplained,
                **{result.entity: dg.MetadataValue.json(result.as_json()) for result in results},
            }
        )
        yield dg.AssetCheckResult(passed=unexplained == 0, check_name=check.name, metadata={"unexplained": unexplained})

    return reconciliation


def _plan_metadata(plan: Plan) -> dict[str, dg.MetadataValue]:
    counts = [
        dg.TableRecord({"entity": count.entity, "stage": count.stage, "planned": count.planned, "held": count.held})
        for count in plan.counts
    ]
    return {
        "dagster/row_count": dg.MetadataValue.int(plan.row_count),
        "plan_id": dg.MetadataValue.text(plan.plan_id),
        "writes": dg.MetadataValue.table(counts),
    }


def _apply_metadata(report: ApplyReport) -> dict[str, dg.MetadataValue]:
    return {
        "dagster/row_count": dg.MetadataValue.int(report.written),
        "plan_id": dg.MetadataValue.text(report.plan_id),
        "refused": dg.MetadataValue.int(report.refused),
        "stages": dg.MetadataValue.json([{**vars(stage)} for stage in report.stages]),
        "records_before": dg.MetadataValue.json(dict(report.counts_before)),
        "records_after": dg.MetadataValue.json(dict(report.counts_after)),
    }
