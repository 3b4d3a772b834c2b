"""What starts runs: one level-triggered sensor for everything that is due, and one that sees dropped files.

Level-triggered: each tick asks what is later than its promise, what a source says has changed, and whether the last run
failed; a lost tick loses nothing. Does not belong here: alerts.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Final

import dagster as dg

from contact_sync.assets.partitions import today
from contact_sync.automation.jobs import REFRESH
from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import FileListing
from contact_sync.connectors.registry import open_source
from contact_sync.errors import SourceError
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import changed_objects, lateness
from contact_sync.settings import Environment

TICK_SECONDS: Final = 5
RETRY_AFTER: Final = timedelta(seconds=60)
_ACTIVE: Final = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def sensors(installation: Installation, after_bronze: tuple[dg.AssetKey, ...]) -> list[dg.SensorDefinition]:
    """The sensors; a branch deployment has them stopped. after_bronze: what every refresh takes besides bronze."""
    is_branch = installation.settings.environment is Environment.BRANCH
    status = dg.DefaultSensorStatus.STOPPED if is_branch else dg.DefaultSensorStatus.RUNNING
    return [_refresh_sensor(status, after_bronze), _drop_sensor(status, after_bronze)]


def _refresh_sensor(status: dg.DefaultSensorStatus, after_bronze: tuple[dg.AssetKey, ...]) -> dg.SensorDefinition:
    @dg.sensor(
        name="refresh_when_due",
        job_name=REFRESH,
        default_status=status,
        minimum_interval_seconds=TICK_SECONDS,
        description="Asks what is later than its promise or has changed, and takes that through in one run.",
    )
    def refresh_when_due(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.RunRequest | dg.SkipReason:
        if context.instance.get_runs_count(dg.RunsFilter(job_name=REFRESH, statuses=_ACTIVE)):
            return dg.SkipReason("A refresh is under way.")
        requested = _requested(context.cursor)
        now = installation.now()
        due = due_objects(installation, requested, now)
        if not due and not _must_retry(context.instance, now):
            return dg.SkipReason("Nothing is due.")
        context.update_cursor(json.dumps(requested | dict.fromkeys(sorted(due), now.isoformat())))
        return _refresh(due, after_bronze)

    return refresh_when_due


def due_objects(installation: Installation, requested: dict[str, str], now: datetime) -> set[str]:
    """Objects to read now: nearly late and not just asked for, or changed at their source."""
    due = set()
    for entry in lateness(installation):
        asked_at = requested.get(entry.object_name)
        is_patient = asked_at is None or now - datetime.fromisoformat(asked_at) > entry.promise * 0.5
        if entry.is_due() and is_patient:
            due.add(entry.object_name)
    return due | changed_objects(installation) if _probes_now(installation, requested, now) else due


def _probes_now(installation: Installation, requested: dict[str, str], now: datetime) -> bool:
    """Whether sources are asked for changes with this tick."""
    seconds = installation.settings.probe_seconds
    if seconds is None:
        return False
    asked = [datetime.fromisoformat(at) for at in requested.values()]
    return not asked or now - max(asked) >= timedelta(seconds=seconds)


def _drop_sensor(status: dg.DefaultSensorStatus, after_bronze: tuple[dg.AssetKey, ...]) -> dg.SensorDefinition:
    @dg.sensor(
        name="file_dropped",
        job_name=REFRESH,
        default_status=status,
        minimum_interval_seconds=TICK_SECONDS,
        description="Starts one run for each version of a file dropped in the bucket.",
    )
    def file_dropped(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.SensorResult | dg.SkipReason:
        known = set(json.loads(context.cursor)) if context.cursor else set()
        try:
            found = dict(_file_versions(installation))
        except SourceError as error:
            return dg.SkipReason(str(error))
        new = {version: name for version, name in found.items() if version not in known}
        if not new:
            return dg.SkipReason("No new files.")
        requests = [_refresh({name}, after_bronze, run_key=version) for version, name in sorted(new.items())]
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(sorted(found)))

    return file_dropped


def _file_versions(installation: Installation) -> Iterator[tuple[str, str]]:
    """(`key@etag`, object name) of every file of every object that is dropped as files."""
    for item in installation.catalog.objects.values():
        for instance in _file_instances(installation, item):
            with closing(open_source(installation.settings, item, instance)) as source:
                if isinstance(source, FileListing):
                    yield from ((f"{key}@{etag}", item.name) for key, etag in source.versions(item).items())


def _file_instances(installation: Installation, item: CatalogObject) -> tuple[str, ...]:
    return installation.instances_of(item) if item.connector == "files" else ()


def _refresh(due: set[str], after_bronze: tuple[dg.AssetKey, ...], *, run_key: str | None = None) -> dg.RunRequest:
    """A run of the due bronze assets and everything after bronze; none due: only what an earlier run left undone."""
    return dg.RunRequest(
        run_key=run_key,
        job_name=REFRESH,
        partition_key=today() if due else None,
        asset_selection=[*(dg.AssetKey(["bronze", name]) for name in sorted(due)), *after_bronze],
    )


def _requested(cursor: str | None) -> dict[str, str]:
    return dict(json.loads(cursor)) if cursor else {}


def _must_retry(instance: dg.DagsterInstance, now: datetime) -> bool:
    """Whether the last refresh failed some time ago: what it left unprocessed is still to be done."""
    records: Any = instance.get_run_records(dg.RunsFilter(job_name=REFRESH), limit=1)
    if not records or records[0].dagster_run.status is not dg.DagsterRunStatus.FAILURE:
        return False
    ended = records[0].end_time
    return ended is not None and now.timestamp() - ended > RETRY_AFTER.total_seconds()
