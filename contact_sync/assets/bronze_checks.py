"""The checks of a bronze asset, and what its page says of an extraction; values of records appear nowhere.

Does not belong here: extracting (bronze.py), or what a schema change means (extraction/schema.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from contact_sync.catalog import CatalogObject
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.schema import HIDDEN
from contact_sync.lake.bronze import LINEAGE
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import lateness
from contact_sync.state.schemas import SchemaVersion
from contact_sync.warehouse.types import casts, misfits

EVERY_INSTANCE = "every_instance_read"
COUNTED = "rows_counted"
ON_TIME = "on_time"
NOTHING_HIDDEN = "no_field_hidden"
SCHEMA_KNOWN = "schema_unchanged"
TYPES_FIT = "types_fit"

_DESCRIPTIONS = {
    EVERY_INSTANCE: "Each configured instance was read.",
    ON_TIME: "Each instance was read as recently as promised.",
    COUNTED: "Rows read = rows the source declared = new + known.",
    NOTHING_HIDDEN: "No field that was once read is hidden from our user: changed records would lack its value.",
    SCHEMA_KNOWN: "No field was added, removed or retyped since the last run.",
    TYPES_FIT: "The silver model's types can hold what the fields are described as.",
}


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of a bronze asset."""
    return [dg.AssetCheckSpec(name, asset=key, description=text) for name, text in _DESCRIPTIONS.items()]


def check_results(
    installation: Installation,
    item: CatalogObject,
    key: dg.AssetKey,
    reports: Sequence[ExtractionReport],
    problems: Sequence[str],
) -> Iterator[dg.AssetCheckResult]:
    """What the checks found after an extraction; `problems` are what was wrong with instances and files."""

    def result(name: str, metadata: Mapping[str, str], *, passed: bool, is_error: bool = True) -> dg.AssetCheckResult:
        severity = dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            asset_key=key, check_name=name, passed=passed, severity=severity, metadata=dict(metadata)
        )

    yield result(EVERY_INSTANCE, {"problems": "; ".join(problems) or "none"}, passed=not problems)
    late = [entry.instance for entry in lateness(installation, [item]) if entry.is_late]
    yield result(ON_TIME, {"late_instances": ", ".join(late) or "none"}, passed=not late, is_error=False)
    counted = {report.instance: f"{report.rows_read} of {report.declared_rows}" for report in reports}
    yield result(COUNTED, counted, passed=all(report.rows_read == report.declared_rows for report in reports))
    schemas = _schemas(installation, item)
    hidden = {name: _named(version, HIDDEN) for name, version in schemas.items() if HIDDEN in version.gone.values()}
    yield result(NOTHING_HIDDEN, hidden, passed=not hidden)
    changed = {report.instance: _changes(report) for report in reports if report.schema}
    yield result(SCHEMA_KNOWN, changed, passed=not changed, is_error=False)
    unfit = _misfits(installation, item, schemas)
    yield result(TYPES_FIT, unfit, passed=not unfit, is_error=False)


def extraction_metadata(
    installation: Installation, item: CatalogObject, reports: Sequence[ExtractionReport]
) -> dict[str, dg.MetadataValue]:
    """Row counts, columns, and a line per instance."""
    table = installation.bronze(item.name)
    columns = [
        dg.TableColumn(name, str(LINEAGE.field(name).type) if name in LINEAGE.names else "text")
        for name in table.columns
    ]
    per_instance = [
        dg.TableRecord(
            {
                "instance": report.instance,
                "rows_read": report.rows_read,
                "rows_new": report.rows_new,
                "rows_known": report.rows_known,
                "rows_checked": report.rows_checked,
                "rows_deleted": report.rows_deleted,
                "pages": report.pages,
                "bytes": report.bytes,
                "seconds": report.seconds,
            }
        )
        for report in reports
    ]
    left_out = {
        f"{name} ({field['left_out']})"
        for version in _schemas(installation, item).values()
        for name, field in version.fields.items()
        if field["left_out"]
    }
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(report.rows_new for report in reports)),
        "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns=columns)),
        "rows_read": dg.MetadataValue.int(sum(report.rows_read for report in reports)),
        "seconds": dg.MetadataValue.float(round(sum((report.seconds for report in reports), start=0.0), 3)),
        **({"instances": dg.MetadataValue.table(per_instance)} if per_instance else {}),
        **({"fields_left_out": dg.MetadataValue.text(", ".join(sorted(left_out)))} if left_out else {}),
    }


def _schemas(installation: Installation, item: CatalogObject) -> dict[str, SchemaVersion]:
    """instance -> the newest version of the object's schema there."""
    found = {name: installation.schemas.current(item.name, name) for name in installation.instances_of(item)}
    return {name: version for name, version in found.items() if version is not None}


def _named(version: SchemaVersion, why: str) -> str:
    return ", ".join(sorted(name for name, reason in version.gone.items() if reason == why))


def _changes(report: ExtractionReport) -> str:
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in report.schema.items())


def _misfits(installation: Installation, item: CatalogObject, schemas: Mapping[str, SchemaVersion]) -> dict[str, str]:
    """instance -> columns of the silver model that cannot hold their field; nothing where there is no model."""
    columns = casts(installation.dbt.model_code(item.name))
    found = {name: "; ".join(map(str, misfits(columns, version.fields))) for name, version in schemas.items()}
    return {name: text for name, text in found.items() if text}
