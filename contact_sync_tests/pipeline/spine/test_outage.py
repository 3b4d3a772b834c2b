"""Outages: what cannot be read is told once and stops nothing else; when it is back it catches up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from contact_sync.assets.bronze_checks import EVERY_INSTANCE, ON_TIME
from contact_sync.automation.alerts import alert_sensors
from contact_sync.connectors.retry import Retry
from contact_sync.lake.published import read_published
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import lateness
from contact_sync.simulator import World
from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job
from contact_sync_tests.pipeline.spine.webhook import Webhook, listening

PROMISE = timedelta(minutes=30)
CONTACT = "salesforce__contact"
BRONZE_CONTACT = f"bronze/{CONTACT}"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Where alerts go."""
    with listening() as server:
        yield server


@pytest.fixture
def up_again(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world of which everything answers when the test is over; clients repeat a call as often, but sooner."""
    monkeypatch.setattr(Retry, "delay", lambda _retry, _attempt: 0.01)
    yield world
    for name in ("core", "emea", "erp"):
        world.outage(name, False)


def problems(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """asset -> what its failed check of the instances says."""
    return {
        check.asset_key.path[-1]: str(check.metadata["problems"].value)
        for check in result.get_asset_check_evaluations()
        if check.check_name == EVERY_INSTANCE and not check.passed
    }


def failed_steps(result: dg.ExecuteInProcessResult) -> list[str]:
    """What each failed step said."""
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return [str(failure.user_failure_data or failure.error) for failure in failures]


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    """The assets that were materialized."""
    events = [event for event in result.all_events if event.is_step_materialization]
    return {"/".join(event.step_materialization_data.materialization.asset_key.path) for event in events}


def tick(installation: Installation, instance: dg.DagsterInstance) -> None:
    """Let the sensor for late objects look once."""
    sensor = next(one for one in alert_sensors(installation) if one.name == "late_objects")
    with dg.build_sensor_context(instance=instance, resources={"installation": installation}) as context:
        sensor(context)


def on_time(instance: dg.DagsterInstance, name: str) -> dg.AssetCheckEvaluation:
    """The newest evaluation of an object's check `on_time`."""
    key = dg.AssetCheckKey(dg.AssetKey(["bronze", name]), ON_TIME)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data if record.event.dagster_event else None
    assert evaluation is not None
    return evaluation


def at(installation: Installation, ago: timedelta) -> Installation:
    """The same installation with a clock that is behind."""
    return replace(installation, now=_clock(ago))


def _clock(ago: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) - ago


def test_an_instance_that_is_down_is_told_once_and_the_rest_reaches_gold(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, up_again: World, webhook: Webhook
) -> None:
    """The checks name emea, gold has what core brought, one alert per object tells of it, and its end is noticed."""
    now = make_installation(APPLY="review", FRESHNESS_SECONDS="1800", ALERT__WEBHOOK_URL=webhook.url)
    an_hour_ago = at(now, timedelta(hours=1))
    assert run_job(an_hour_ago, instance).success
    of_salesforce = [f"bronze/{name}" for name in now.catalog.objects if name.startswith("salesforce")]
    up_again.outage("emea", True)
    new = up_again.life.happen("core.add_duplicate").records[0]

    during = run_job(now, instance)

    assert during.success
    assert {one.removeprefix("bronze/") for one in of_salesforce} == set(problems(during))
    assert all("emea" in problem and "core" not in problem for problem in problems(during).values())
    with now.warehouse.session("test") as session:
        assert 1 == session.scalar("select count(*) from identity.person_link where record_key = $1", (new,))
        person = session.scalar("select person_key from identity.person_link where record_key = $1", (new,))
    assert person in read_published(now.location, "gold", "contact")["person_key"].to_pylist()

    late = {(entry.object_name, entry.instance) for entry in lateness(now) if entry.is_late}
    assert {(one.removeprefix("bronze/"), "emea") for one in of_salesforce} == late
    told = sorted(f"{name}/{where} is late" for name, where in late)
    for _ in range(3):
        tick(now, instance)
    assert told == webhook.titles
    assert not on_time(instance, CONTACT).passed
    assert "emea" == on_time(instance, CONTACT).metadata["late_instances"].value
    assert on_time(instance, "erp__contact").passed

    up_again.outage("emea", False)
    back = run_job(now, instance, assets=of_salesforce)
    for _ in range(2):
        tick(now, instance)

    assert back.success
    assert {} == problems(back)
    assert on_time(instance, CONTACT).passed
    assert told == webhook.titles

    later = at(now, -timedelta(hours=1))
    tick(later, instance)
    everything = [f"{entry.object_name}/{entry.instance} is late" for entry in lateness(later)]
    assert sorted([*told, *everything]) == webhook.titles


@pytest.mark.deep
def test_an_object_that_nobody_answers_for_stops_nothing_else(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, up_again: World
) -> None:
    """With every Salesforce org down the ERP reaches gold, and the failed check says which orgs did not answer."""
    installation = make_installation(APPLY="review")
    assert run_job(installation, instance).success
    for name in ("core", "emea"):
        up_again.outage(name, True)
    key = up_again.life.happen("erp.change_contact").records[0]
    held = installation.bronze(CONTACT).delta.count()

    result = run_job(installation, instance)

    assert [] == failed_steps(result)
    assert {BRONZE_CONTACT, "silver/contact_record", "gold/contact"} <= materialized(result)
    said = problems(result)
    assert {name for name in installation.catalog.objects if name.startswith("salesforce")} == set(said)
    assert all(name in said[CONTACT] for name in ("core", "emea"))
    assert "Traceback" not in said[CONTACT]
    assert held == installation.bronze(CONTACT).delta.count()
    assert newest(installation, key) == newest_in_bronze(installation, key)


def test_a_backfill_of_a_source_that_is_down_fails_clearly(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, up_again: World
) -> None:
    """Past days that could not be read are not marked as materialized; other objects of the same run are read."""
    installation = make_installation()
    up_again.outage("erp", True)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    days = {"dagster/asset_partition_range_start": yesterday, "dagster/asset_partition_range_end": yesterday}

    result = run_job(installation, instance, assets=["bronze/erp__contact", "bronze/salesforce__case"], days=days)

    assert not result.success
    assert {"bronze/salesforce__case"} == materialized(result)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.user_failure_data
    assert error is not None
    assert "erp__contact" in str(error.description)
    assert "Traceback" not in str(error.description)


def newest(installation: Installation, key: str) -> Any:
    """The version of an ERP contact that silver holds."""
    with installation.warehouse.session("test") as session:
        return session.scalar("select version_at from silver.contact_record where record_key = $1", (key,))


def newest_in_bronze(installation: Installation, key: str) -> Any:
    """The newest version of an ERP contact in bronze."""
    name, _, record_id = key.split("/")
    rows = installation.bronze(name).delta.to_pyarrow_table(columns=["_record_id", "_version_at"]).to_pylist()
    return max(row["_version_at"] for row in rows if row["_record_id"] == record_id)
