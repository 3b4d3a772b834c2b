"""What wakes a run and what does not: promises, changes at sources, dropped files, failures."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from contact_sync.automation.after_bronze import AfterBronze
from contact_sync.automation.alerts import alert_sensors
from contact_sync.automation.jobs import REFRESH
from contact_sync.automation.maintenance import schedules
from contact_sync.automation.sensors import RETRY_AFTER, due_objects, sensors
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import changed_objects, unread_files
from contact_sync.simulator import World
from contact_sync.simulator.population.trade_show import COLUMNS
from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job
from contact_sync_tests.pipeline.spine.ticks import GOLD, selected, tick
from contact_sync_tests.pipeline.spine.webhook import listening

pytestmark = pytest.mark.usefixtures("one_look")
PROMISE = timedelta(minutes=30)
DROPS = "drops__trade_show"


@pytest.fixture
def installation(make_installation: MakeInstallation) -> Installation:
    """An installation that only plans and promises half an hour."""
    return make_installation(APPLY="review", FRESHNESS_SECONDS=str(int(PROMISE.total_seconds())))


@pytest.fixture
def read_installation(installation: Installation, instance: dg.DagsterInstance) -> Installation:
    """The same, with all of bronze read."""
    assert run_job(installation, instance, assets=[f"bronze/{name}" for name in installation.catalog.objects]).success
    return installation


def moved(installation: Installation, by: timedelta) -> Installation:
    """The installation at another time."""
    return replace(installation, now=lambda: datetime.now(UTC) + by)


def with_run(instance: dg.DagsterInstance, *, is_good: bool) -> dg.DagsterRun:
    """A finished run of the job `refresh` in the instance's history."""

    @dg.op
    def work() -> None:
        if not is_good:
            raise dg.Failure(description="erp__contact, instance main: no connection.", allow_retries=False)

    @dg.job(name=REFRESH, executor_def=dg.in_process_executor)
    def refresh() -> None:
        work()

    result = refresh.execute_in_process(instance=instance, raise_on_error=False)
    assert is_good == result.success
    return result.dagster_run


def test_what_was_never_read_is_due(installation: Installation, instance: dg.DagsterInstance) -> None:
    """Everything is asked for in one run, once: while it is under way or just asked for, the sensor is patient."""
    everything = set(installation.catalog.objects)
    assert everything == due_objects(installation, {}, installation.now())
    # Files that nobody has read are the other sensor's.
    assert run_job(installation, instance, assets=[f"bronze/{DROPS}"]).success
    everything -= {DROPS}

    (request,), cursor = tick(installation, instance, "refresh_when_due")

    assert everything == selected(request)
    assert GOLD in (request.asset_selection or [])
    assert everything == set(json.loads(cursor or "{}"))
    assert ([], cursor) == tick(installation, instance, "refresh_when_due", cursor)
    assert everything <= due_objects(moved(installation, PROMISE), json.loads(cursor or "{}"), _in(PROMISE))


def _in(time: timedelta) -> datetime:
    return datetime.now(UTC) + time


def test_what_is_nearly_late_is_due(read_installation: Installation, instance: dg.DagsterInstance) -> None:
    """Just read: quiet. Past half of its promise: asked for, unless it was asked for recently."""
    asked = dict.fromkeys(read_installation.catalog.objects, _in(PROMISE * 0.5).isoformat())
    later = moved(read_installation, PROMISE * 0.6)

    assert set() == due_objects(read_installation, {}, read_installation.now())
    assert [] == tick(read_installation, instance, "refresh_when_due")[0]
    assert set(read_installation.catalog.objects) == due_objects(later, {}, later.now())
    assert set() == due_objects(later, asked, later.now())


def test_a_change_at_a_source_wakes_its_object_only(
    read_installation: Installation, make_installation: MakeInstallation, instance: dg.DagsterInstance, world: World
) -> None:
    """An edit in emea and a change in the ERP each wake their object; read, they are quiet again."""
    probing = make_installation(
        read_installation.settings.home.name, PROBE_SECONDS="1", FRESHNESS_SECONDS="1800", APPLY="review"
    )
    assert set() == changed_objects(probing)

    world.life.happen("emea.edit_contact")
    assert {"salesforce__contact"} == changed_objects(probing)
    world.life.happen("erp.place_order")
    assert {"salesforce__contact", "erp__order"} == changed_objects(probing)
    (request,), _ = tick(probing, instance, "refresh_when_due")
    assert {"salesforce__contact", "erp__order"} == selected(request)

    assert run_job(probing, instance, assets=["bronze/salesforce__contact", "bronze/erp__order"]).success
    assert set() == changed_objects(probing)
    world.outage("emea", True)
    try:
        assert set() == {name for name in changed_objects(probing) if name != "salesforce__contact"}
    finally:
        world.outage("emea", False)


def test_each_version_of_a_file_is_asked_for_once(
    read_installation: Installation, instance: dg.DagsterInstance, world: World
) -> None:
    """A new version gives one run with its version as the key; what was read or refused gives none."""
    assert world.objects is not None
    assert {} == unread_files(read_installation)
    assert [] == tick(read_installation, instance, "file_dropped")[0]
    row = "Fair,2026-11-19T10:00:00Z,new-1,Ann,Example,ann@example.com,,,,,,"
    etag = world.objects.drop("trade_show/new.csv", f"{','.join(COLUMNS)}\n{row}\n".encode())
    bad = world.objects.drop("trade_show/bad.csv", b"a,b\n1,2\n")
    versions = [f"trade_show/bad.csv@{bad}", f"trade_show/new.csv@{etag}"]

    requests, _ = tick(read_installation, instance, "file_dropped")

    assert versions == [request.run_key for request in requests]
    assert [{DROPS}, {DROPS}] == [selected(request) for request in requests]
    assert dict.fromkeys(versions, DROPS) == unread_files(read_installation)

    result = run_job(read_installation, instance, assets=[f"bronze/{DROPS}"])

    assert result.success
    assert [versions[0]] == list(read_installation.batches.refused_files(DROPS))
    assert {} == unread_files(read_installation)
    assert [] == tick(read_installation, instance, "file_dropped")[0]

    again = world.objects.drop("trade_show/new.csv", f"{','.join(COLUMNS)}\n{row}x\n".encode())
    assert [f"trade_show/new.csv@{again}"] == [
        request.run_key for request in tick(read_installation, instance, "file_dropped")[0]
    ]
    assert run_job(read_installation, instance, assets=[f"bronze/{DROPS}"]).success


def test_a_failed_refresh_is_tried_again(read_installation: Installation, instance: dg.DagsterInstance) -> None:
    """Not at once, but after a while, and without reading what is fresh; a good one is not repeated."""
    with_run(instance, is_good=False)

    assert [] == tick(read_installation, instance, "refresh_when_due")[0]
    (request,), _ = tick(moved(read_installation, RETRY_AFTER * 2), instance, "refresh_when_due")
    assert set() == selected(request)
    assert [GOLD] == list(request.asset_selection or [])

    with_run(instance, is_good=True)
    assert [] == tick(moved(read_installation, RETRY_AFTER * 2), instance, "refresh_when_due")[0]


def test_a_branch_starts_nothing_by_itself(make_installation: MakeInstallation) -> None:
    """In a branch deployment no sensor and no schedule runs."""
    for environment, expected in (("branch", "STOPPED"), ("production", "RUNNING")):
        installation = make_installation(environment, ENVIRONMENT=environment)
        watching = [*sensors(installation, AfterBronze(origins={}, seeds={})), *alert_sensors(installation)]
        assert {"refresh_when_due", "file_dropped", "run_failed", "late_objects", "broken_contracts"} == {
            one.name for one in watching
        }
        assert {expected} == {one.default_status.value for one in [*watching, *schedules(installation)]}


@pytest.fixture
def failed_run(instance: dg.DagsterInstance) -> tuple[dg.DagsterRun, dg.DagsterEvent]:
    """A failed run and the event that says so."""
    run = with_run(instance, is_good=False)
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id)]
    return run, next(event for event in events if event is not None and event.is_run_failure)


def test_a_failed_run_is_told_once(
    make_installation: MakeInstallation,
    instance: dg.DagsterInstance,
    failed_run: tuple[dg.DagsterRun, dg.DagsterEvent],
    tmp_path: Path,
) -> None:
    """One post names the run and says what the failed step said, without a stack trace."""
    run, event = failed_run
    with listening() as webhook:
        installation = make_installation(ALERT__WEBHOOK_URL=webhook.url)
        sensor = next(one for one in alert_sensors(installation) if one.name == "run_failed")
        context = dg.build_run_status_sensor_context(
            "run_failed", event, instance, run, resources={"installation": installation}
        ).for_run_failure()
        sensor(context)

    assert [f"run {run.run_id[:8]} of refresh failed"] == webhook.titles
    (post,) = webhook.posts
    assert "erp__contact, instance main: no connection." in post["text"]
    assert "Traceback" not in post["text"]
    assert str(tmp_path) not in post["text"]


def test_sensors_do_not_ask_for_the_same_at_once(
    read_installation: Installation, instance: dg.DagsterInstance, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is dropped while the run that the other sensor asked for is not there yet has to wait for it."""
    assert world.objects is not None
    late = moved(read_installation, PROMISE)
    due, dropped = sensors(late, AfterBronze(origins={}, seeds={}))

    def asks(sensor: dg.SensorDefinition) -> bool:
        with dg.build_sensor_context(instance=instance, resources={"installation": late}) as context:
            return not isinstance(sensor(context), dg.SkipReason)

    assert asks(due)
    # With a row, so that the other tests' installations have read it before they look for news.
    row = ",".join("B-once" if column == "badge_id" else "" for column in COLUMNS)
    world.objects.drop("trade_show/at_once.csv", f"{','.join(COLUMNS)}\n{row}\n".encode())
    assert not asks(dropped)
    monkeypatch.setattr("contact_sync.automation.sensors.STARTING_SECONDS", 0)
    assert asks(dropped)
