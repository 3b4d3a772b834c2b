"""Bronze: one asset per catalog object, made from the catalog; each reads all its instances.

An instance that cannot be read fails the check `every_instance_read`; what the others brought goes on, even if none of
them answers: Dagster would skip silver, and with it every other object, if the asset failed. Does not belong here: how
anything is extracted.
"""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from contact_sync.assets.bronze_checks import check_results, check_specs, extraction_metadata
from contact_sync.assets.failures import clear_failures
from contact_sync.assets.partitions import days_of_run
from contact_sync.catalog import CatalogObject
from contact_sync.errors import ContactSyncError, SourceError, SourceUnreachableError
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.select import Days
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation

GROUP = "bronze"
_KINDS = {"sql": "postgres", "files": "csv"}


class BronzeConfig(dg.Config):
    """Which instances a run reads; none named: all that are configured."""

    instances: list[str] = []


def bronze_assets(
    objects: tuple[CatalogObject, ...], partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """One asset per object."""
    silent = _Silent()
    return [_bronze_asset(item, partitions, silent) for item in objects]


class _Silent:
    """Instances that did not answer during the current run, so that it waits for each only once, not per object."""

    def __init__(self) -> None:
        self._run_id = ""
        self._reasons: dict[tuple[str, str], str] = {}

    def of_run(self, run_id: str) -> dict[tuple[str, str], str]:
        """(source, instance) -> what was wrong, for the run that is under way."""
        if run_id != self._run_id:
            self._run_id, self._reasons = run_id, {}
        return self._reasons


def _bronze_asset(
    item: CatalogObject, partitions: dg.DailyPartitionsDefinition, silent: _Silent
) -> dg.AssetsDefinition:
    key = dg.AssetKey([GROUP, item.name])

    @dg.asset(
        key=key,
        group_name=GROUP,
        description=item.description,
        owners=[item.owner],
        kinds={_KINDS.get(item.connector, item.connector), "deltalake"},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"source_{item.source}",
        check_specs=check_specs(key),
    )
    def extract_object(
        context: dg.AssetExecutionContext, config: BronzeConfig, installation: dg.ResourceParam[Installation]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        instances = tuple(config.instances) or installation.instances_of(item)
        days = days_of_run(context, partitions)
        reports, failures = _read_instances(context, installation, item, instances, days=days, silent=silent)
        if failures and not reports and _is_backfill(days, installation.now().date()):
            raise dg.Failure(description="; ".join(failures.values()), allow_retries=False)
        refused = [reason for report in reports for reason in report.refused_files]
        with clear_failures():
            yield dg.MaterializeResult(asset_key=key, metadata=extraction_metadata(installation, item, reports))
            yield from check_results(installation, item, key, reports, [*failures.values(), *refused])

    return extract_object


def _is_backfill(days: Days | None, today: date) -> bool:
    """Whether the run only re-reads past days: unread, they must not be marked as materialized."""
    return days is not None and days.last < today


def _read_instances(
    context: dg.AssetExecutionContext,
    installation: Installation,
    item: CatalogObject,
    instances: tuple[str, ...],
    *,
    days: Days | None,
    silent: _Silent,
) -> tuple[list[ExtractionReport], dict[str, str]]:
    """Reports of the instances that answered, and what was wrong with the others."""
    reports: list[ExtractionReport] = []
    known = silent.of_run(context.run.run_id)
    failures = {name: known[item.source, name] for name in instances if (item.source, name) in known}
    asked = [name for name in instances if name not in failures]
    for instance in asked:
        try:
            reports.append(steps.extract(installation, item.name, instance, days=days))
        except SourceError as error:
            failures[instance] = str(error)
            context.log.warning("%s, instance %s: %s", item.name, instance, error)
            if isinstance(error, SourceUnreachableError):
                known[item.source, instance] = str(error)
        except ContactSyncError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from None
    return reports, failures
