"""What starts runs: one level-triggered sensor for everything that is due, and one that sees dropped files.

Level-triggered: each tick asks what is later than its promise, what a source says has changed, and whether the last run
failed; a lost tick loses nothing. Does not belong here: alerts.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from contact_sync.assets.partitions import days_since
from contact_sync.automation.after_bronze import AfterBronze
from contact_sync.automation.jobs import REFRESH
from contact_sync.errors import SourceError
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import changed_objects, lateness, oldest_reading, unread_files
from contact_sync.settings import Environment

TICK_SECONDS: Final = 5
LOOK_SECONDS: Final = 1.0
RETRY_AFTER: Final = timedelta(seconds=60)
STARTING_SECONDS: Final = 10.0
"""Within which a run that was asked for is there to be seen."""
Found = TypeVar("Found")
_ACTIVE: Final = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def sensors(installation: Installation, after_bronze: AfterBronze) -> list[dg.SensorDefinition]:
    """The sensors; a branch deployment has them stopped. after_bronze: what a refresh may take besides bronze."""
    status = dg.DefaultSensorStatus.STOPPED if is_branch(installation) else dg.DefaultSensorStatus.RUNNING
    asked = _Asked()
    return [_refresh_sensor(status, after_bronze, asked), _drop_sensor(status, after_bronze, asked)]


class _Asked:
    """What one sensor tells the other, beside it in this process: it has asked for a run, which is not there yet."""

    def __init__(self) -> None:
        self._by = ""
        self._at = -STARTING_SECONDS

    def note(self, sensor: str) -> None:
        """A sensor asks for a run."""
        self._by, self._at = sensor, time.monotonic()

    def is_waiting(self, sensor: str) -> bool:
        """Whether the other sensor has just asked: both runs would do the same work after bronze."""
        return self._by not in {"", sensor} and time.monotonic() - self._at < STARTING_SECONDS


def is_branch(installation: Installation) -> bool:
    """Whether this is a branch deployment, in which nothing starts by itself."""
    return installation.settings.environment is Environment.BRANCH


def _refresh_sensor(status: dg.DefaultSensorStatus, after_bronze: AfterBronze, asked: _Asked) -> dg.SensorDefinition:
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
        requested = _requested(context.cursor)

        def look() -> dg.RunRequest | None:
            if asked.is_waiting("refresh_when_due") or _is_refreshing(context.instance):
                return None
            if _new_files(context.instance, installation):
                return None
            now = installation.now()
            due = due_objects(installation, requested, now)
            if not due and not _must_retry(context.instance, now):
                return None
            asked.note("refresh_when_due")
            context.update_cursor(json.dumps(requested | dict.fromkeys(sorted(due), now.isoformat())))
            return _refresh(context.instance, installation, due, after_bronze)

        return _watch(installation, look) or dg.SkipReason("Nothing is due, or a refresh is under way.")

    return refresh_when_due


def _watch(installation: Installation, look: Callable[[], Found | None]) -> Found | None:
    """Look again and again within one tick when sources are probed, because ticks are seconds apart; else once."""
    seconds = installation.settings.probe_seconds
    deadline = time.monotonic() + (TICK_SECONDS if seconds is not None else 0)
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return found


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


def _drop_sensor(status: dg.DefaultSensorStatus, after_bronze: AfterBronze, asked: _Asked) -> dg.SensorDefinition:
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
        def look() -> dict[str, str] | None:
            if asked.is_waiting("file_dropped") or _is_refreshing(context.instance):
                return None
            return _new_files(context.instance, installation) or None

        unread = _watch(installation, look)
        if unread is None:
            return dg.SkipReason("No new files, or a refresh is under way.")
        asked.note("file_dropped")
        # Whatever else is due comes along: a run of its own would wait for this one.
        due = due_objects(installation, {}, installation.now())
        requests = []
        for version, name in sorted(unread.items()):
            requests.append(_refresh(context.instance, installation, due | {name}, after_bronze, run_key=version))
            due = set()
        return dg.SensorResult(requests)

    return file_dropped


def _refresh(
    instance: dg.DagsterInstance,
    installation: Installation,
    due: set[str],
    after_bronze: AfterBronze,
    *,
    run_key: str | None = None,
) -> dg.RunRequest:
    """A run of the due bronze assets and of what comes from them; none due: everything after bronze once more."""
    days = days_since(oldest_reading(installation, due), installation.settings.partition_days)
    bronze = [dg.AssetKey(["bronze", name]) for name in sorted(due)]
    return dg.RunRequest(
        run_key=run_key,
        job_name=REFRESH,
        tags=days if due else None,
        asset_selection=[*bronze, *(after_bronze.behind(instance, bronze) if due else after_bronze.everything)],
    )


def _new_files(instance: dg.DagsterInstance, installation: Installation) -> dict[str, str]:
    """Unread file versions that no run was started for; one whose run failed is read when its object is due."""
    try:
        unread = unread_files(installation)
    except SourceError:
        # The bucket's lateness tells.
        return {}
    return {
        version: name
        for version, name in unread.items()
        if not instance.get_runs_count(dg.RunsFilter(tags={RUN_KEY_TAG: version}))
    }


def _is_refreshing(instance: dg.DagsterInstance) -> bool:
    """Whether a refresh is under way: the next one waits for it, since both would do the same work after bronze."""
    return bool(instance.get_runs_count(dg.RunsFilter(job_name=REFRESH, statuses=_ACTIVE)))


def _requested(cursor: str | None) -> dict[str, str]:
    return dict(json.loads(cursor)) if cursor else {}


def _must_retry(instance: dg.DagsterInstance, now: datetime) -> bool:
    """Whether the last refresh failed some time ago: what it left unprocessed is still to be done."""
    records: Any = instance.get_run_records(dg.RunsFilter(job_name=REFRESH), limit=1)
    if not records or records[0].dagster_run.status is not dg.DagsterRunStatus.FAILURE:
        return False
    ended = records[0].end_time
    return ended is not None and now.timestamp() - ended > RETRY_AFTER.total_seconds()
