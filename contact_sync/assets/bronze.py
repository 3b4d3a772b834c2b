"""Bronze: one asset per catalog object, made from the catalog; each reads all its instances.

An instance that cannot be read fails the check `every_instance_read`; what the others brought goes on, even if none of
them answers: Dagster would skip silver, and with it every other object, if the asset failed. Does not belong here: how
anything is extracted.
"""

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date

import dagster as dg

from contact_sync.assets.bronze_checks import check_results, check_specs, extraction_metadata
from contact_sync.assets.failures import clear_failures
from contact_sync.assets.partitions import days_of_run
from contact_sync.catalog import CatalogObject
from contact_sync.errors import NOT_WORTH_ASKING, ContactSyncError, SourceError
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.select import Days
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.sources import Instance, OpenSources

GROUP = "bronze"
_KINDS = {"sql": "postgres", "files": "csv"}


class BronzeConfig(dg.Config):
    """Which instances a run reads; none named: all that are configured."""

    instances: list[str] = []


def bronze_assets(
    objects: tuple[CatalogObject, ...], partitions: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """One asset per object."""
    with warnings.catch_warnings():
        # That a run of many days is one run is called beta by Dagster, which is not news for users.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_bronze_asset(item, objects, partitions) for item in objects]


class RunSources:
    """What the bronze assets of one run share: open sources, and the instances that did not answer.

    A run waits for a silent instance only once, not per object.
    """

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.open = OpenSources(installation)
        self.silent: dict[Instance, str] = {}

    def close(self) -> None:
        """Give every connection back."""
        self.open.close()


def run_sources(installation: Installation) -> dg.ResourceDefinition:
    """The resource `sources`, made at the start of a run and closed at its end."""

    @dg.resource
    def sources() -> Iterator[RunSources]:
        with closing(RunSources(installation)) as made:
            yield made

    return sources


def _bronze_asset(
    item: CatalogObject, objects: tuple[CatalogObject, ...], partitions: dg.DailyPartitionsDefinition
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
        context: dg.AssetExecutionContext, config: BronzeConfig, sources: dg.ResourceParam[RunSources]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        installation = sources.installation
        instances = tuple(config.instances) or installation.instances_of(item)
        days = days_of_run(context, partitions)
        reports, failures = _read_instances(context, sources, _of_run(context, objects), item, instances, days=days)
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


def _of_run(context: dg.AssetExecutionContext, objects: tuple[CatalogObject, ...]) -> list[CatalogObject]:
    """The objects that this run reads."""
    selected = context.run.asset_selection
    return [item for item in objects if selected is None or dg.AssetKey([GROUP, item.name]) in selected]


def _read_instances(
    context: dg.AssetExecutionContext,
    sources: RunSources,
    items: list[CatalogObject],
    item: CatalogObject,
    instances: tuple[str, ...],
    *,
    days: Days | None,
) -> tuple[list[ExtractionReport], dict[str, str]]:
    """Reports of the instances that answered, read side by side, and what was wrong with the others."""
    silent = sources.silent
    failures = {name: silent[item.source, name] for name in instances if (item.source, name) in silent}
    asked = [name for name in instances if name not in failures]
    if not asked:
        return [], failures

    def read(instance: str) -> ExtractionReport | ContactSyncError:
        try:
            sources.open.prepare(items, item, instance)
            extractor = sources.installation.extractor()
            return extractor.run(item, instance, sources.open.of(item, instance), days=days)
        except ContactSyncError as error:
            return error

    with ThreadPoolExecutor(min(len(asked), sources.installation.settings.parallel)) as pool:
        outcomes = dict(zip(asked, pool.map(read, asked), strict=True))
    for instance, error in outcomes.items():
        if isinstance(error, SourceError):
            failures[instance] = str(error)
            context.log.warning("%s, instance %s: %s", item.name, instance, error)
            if isinstance(error, NOT_WORTH_ASKING):
                silent[item.source, instance] = str(error)
        elif isinstance(error, ContactSyncError):
            raise dg.Failure(description=str(error), allow_retries=False)
    return [report for report in outcomes.values() if isinstance(report, ExtractionReport)], failures
