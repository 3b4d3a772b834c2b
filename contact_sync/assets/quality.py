"""Quality: what was measured of silver, as tables, and as checks of the silver assets. Wiring only.

Every check is told with each refresh of its asset, so that a failed one stays failed until it is mended, but measured
only when something changed. Figures only: no value of a record appears anywhere.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from contact_sync.assets.failures import clear_failures
from contact_sync.assets.models import POOL
from contact_sync.assets.plot import line_plot
from contact_sync.catalog import Severity
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import ObjectQuality, QualityReport, check_quality, failed, measurable_objects
from contact_sync.quality.history import SCHEMAS
from contact_sync.quality.verdict import DRIFT, RuleResult

GROUP = "silver"
CONTRACT = "contract"
PROFILE_DRIFT = "profile_drift"
_OWNER = "team:data-engineering"
_DESCRIPTIONS = {
    "object_profile": "How many live rows each object and instance holds. One row per object, instance and day.",
    "column_profile": "Figures of each column, such as nulls and lengths. One row per object, instance, day, column.",
    "rule_result": "What became of each rule of a contract. One row per object, instance, day, rule and column.",
}


def quality_assets(installation: Installation) -> dg.AssetsDefinition:
    """The tables of quality, measured together, and the checks of the silver models that they are measured on."""
    names = measurable_objects(installation)
    checks = [check for name in names for check in _check_specs(installation, name)]
    specs = [_spec(name, names) for name in _DESCRIPTIONS]

    @dg.multi_asset(
        specs=specs,
        check_specs=checks,
        name="quality",
        pool=POOL,
        can_subset=True,
        # The checks are of the models' assets; dagster-dbt declares its checks of sources in the same way.
        allow_arbitrary_check_specs=True,
    )
    def quality(
        context: dg.AssetExecutionContext, installation: dg.ResourceParam[Installation]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with clear_failures():
            report = check_quality(installation)
        for spec in specs:
            if spec.key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=spec.key, metadata=_table_metadata(report, spec.key.path[-1]))
        for found in report.objects:
            for result in (_contract_result(found), _drift_result(found)):
                if dg.AssetCheckKey(_key(found.name), str(result.check_name)) in context.selected_asset_check_keys:
                    yield result

    return quality


def _key(name: str) -> dg.AssetKey:
    return dg.AssetKey([GROUP, name])


def _spec(name: str, objects: Sequence[str]) -> dg.AssetSpec:
    columns = [dg.TableColumn(field.name, str(field.type)) for field in SCHEMAS[f"silver.{name}"]]
    return dg.AssetSpec(
        _key(name),
        group_name=GROUP,
        owners=[_OWNER],
        kinds={"python", "duckdb"},
        description=_DESCRIPTIONS[name],
        deps=[_key(one) for one in objects],
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)},
    )


def _check_specs(installation: Installation, name: str) -> list[dg.AssetCheckSpec]:
    contract = installation.contracts.get(name)
    rules = f"The {len(contract.rules)} rules of contracts/{name}.yaml hold" if contract else "There is no contract"
    return [
        dg.AssetCheckSpec(
            CONTRACT, asset=_key(name), description=f"{rules}, and every field that the model reads is there."
        ),
        dg.AssetCheckSpec(
            PROFILE_DRIFT, asset=_key(name), description="No figure moved further than it did on the days before."
        ),
    ]


def _table_metadata(report: QualityReport, name: str) -> dict[str, dg.MetadataValue]:
    measured = [found.name for found in report.objects if found.is_new]
    return {
        "dagster/row_count": dg.MetadataValue.int(report.row_counts[f"silver.{name}"]),
        "measured": dg.MetadataValue.text(", ".join(measured) or "nothing has changed"),
    }


def _contract_result(found: ObjectQuality) -> dg.AssetCheckResult:
    """The rules and the schema; as an error if a rule of that severity is broken."""
    results = [one for one in found.results if one.rule != DRIFT]
    broken = failed(results)
    is_error = any(one.severity is Severity.ERROR for one in broken)
    # All rules with a new measurement; afterwards, refresh for refresh, only the broken ones.
    shown = results if found.is_new else broken
    return dg.AssetCheckResult(
        asset_key=_key(found.name),
        check_name=CONTRACT,
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        metadata={
            **_measured_at(found),
            "rules": dg.MetadataValue.int(len(results)),
            "rules_broken": dg.MetadataValue.int(len(broken)),
            "problems": dg.MetadataValue.text(_problems(broken)),
            **({"results": dg.MetadataValue.table([_record(one) for one in shown])} if shown else {}),
        },
    )


def _drift_result(found: ObjectQuality) -> dg.AssetCheckResult:
    """The figures that moved, and a plot of them and of the rows."""
    moved = failed(found.results, DRIFT)
    return dg.AssetCheckResult(
        asset_key=_key(found.name),
        check_name=PROFILE_DRIFT,
        passed=not moved,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            **_measured_at(found),
            "problems": dg.MetadataValue.text(_problems(moved)),
            "figures_moved": dg.MetadataValue.int(sum(one.failed_count for one in moved)),
            "days": dg.MetadataValue.int(max((len(days) for days in found.series.values()), default=0)),
            **({"plot": dg.MetadataValue.md(line_plot(found.series))} if found.series else {}),
        },
    )


def _measured_at(found: ObjectQuality) -> dict[str, dg.MetadataValue]:
    if found.measured_at is None:
        return {"measured_at": dg.MetadataValue.text("nothing to measure yet")}
    return {"measured_at": dg.MetadataValue.timestamp(found.measured_at)}


def _problems(broken: Sequence[RuleResult]) -> str:
    return "; ".join(f"{one.instance}: {one.problem}" for one in broken) or "none"


def _record(result: RuleResult) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "instance": result.instance,
            "column": result.column_name,
            "rule": result.expectation,
            "severity": result.severity.value,
            "rows": result.row_count,
            "rows_failed": result.failed_count,
            "passed": result.is_passed,
        }
    )
