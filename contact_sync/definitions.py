"""The one place where everything is put together. Nothing here reads a network; dbt's manifest is parsed if stale."""

from __future__ import annotations

import dagster as dg

from contact_sync.assets.activation import RECONCILIATION, activation_assets
from contact_sync.assets.bronze import bronze_assets, run_sources
from contact_sync.assets.identity import identity_assets
from contact_sync.assets.models import gold_assets, silver_assets
from contact_sync.assets.partitions import daily_partitions
from contact_sync.assets.quality import quality_assets
from contact_sync.assets.snowflake import snowflake_resource
from contact_sync.automation.after_bronze import AfterBronze
from contact_sync.automation.alerts import alert_sensors
from contact_sync.automation.freshness import with_promises
from contact_sync.automation.jobs import jobs
from contact_sync.automation.maintenance import maintenance_job, schedules
from contact_sync.automation.sensors import sensors
from contact_sync.pipeline.installation import Installation


def build_defs(installation: Installation) -> dg.Definitions:
    """All definitions of an installation."""
    catalog = installation.catalog
    entities = tuple(catalog.entities.values())
    manifest = installation.dbt.manifest()
    partitions = daily_partitions(installation.settings.partition_days)
    after_bronze = [
        silver_assets(manifest),
        quality_assets(installation),
        identity_assets(entities),
        gold_assets(manifest),
    ]
    activation = activation_assets(entities)
    refreshed = AfterBronze.of([*after_bronze, *activation], left_out=RECONCILIATION)
    return with_promises(
        dg.Definitions(
            assets=[*bronze_assets(tuple(catalog.objects.values()), partitions), *after_bronze, *activation],
            jobs=[*jobs(), maintenance_job()],
            sensors=[*sensors(installation, refreshed), *alert_sensors(installation)],
            schedules=schedules(installation),
            resources={
                "installation": installation,
                "sources": run_sources(installation),
                **snowflake_resource(installation.settings),
            },
            executor=dg.in_process_executor,
        ),
        catalog,
        installation.settings,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of the installation that the environment describes; `dagster dev` and `dg` load these."""
    return build_defs(Installation.from_environment())
