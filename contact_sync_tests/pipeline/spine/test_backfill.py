"""Backfills: the order and the size of the pieces do not matter, nothing in bronze is lost, nothing looks fresher."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from contact_sync.definitions import build_defs
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job

DAYS = 7
OBJECTS = ("drops__trade_show", "erp__contact", "salesforce__user", "salesforce__account", "salesforce__contact")
"""One of each connector, and what the contacts' model reads besides them."""
BRONZE_KEY = ["_instance", "_record_id", "_version_at", "_row_hash"]
LINEAGE = ("changed_in", "extracted_at", "batch_id", "opted_out_of_email_since", "do_not_call_since")
BRONZE = [f"bronze/{name}" for name in OBJECTS]
SILVER = [f"silver/{name}" for name in OBJECTS]
"""What holds the newest version of each record of a source."""


def tags(days: list[date]) -> dict[str, str]:
    """Run tags for the days from the first to the last."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: days[0].isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: days[-1].isoformat(),
    }


def last_days() -> list[date]:
    """The days of all partitions, the oldest first."""
    today = datetime.now(UTC).date()
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS))]


def read(installation: Installation, instance: dg.DagsterInstance, days: list[date], assets: list[str]) -> None:
    """Materialize bronze assets for some days in one run."""
    assert run_job(installation, instance, assets=assets, days=tags(days)).success


def silver_of(installation: Installation) -> dict[str, Any]:
    """model -> (rows, hash of all rows in any order) without the columns that tell how or when a row came here."""
    told = f"columns(lambda name: name not in {LINEAGE})"
    with installation.warehouse.session("test") as session:
        return {
            name: session.query(f"select count(*) as rows, sum(hash({told})) as hash from silver.{name}").to_pylist()[0]
            | session.query(
                f"select sum(hash(record)) as whole from (select {told} from silver.{name}) as record"
            ).to_pylist()[0]
            for name in OBJECTS
        }


def versions_in(installation: Installation, name: str) -> set[tuple[Any, ...]]:
    """What bronze holds of an object, one tuple per version."""
    table = installation.bronze(name)
    columns = [table.delta.to_pyarrow_table(columns=[key]).column(key).to_pylist() for key in BRONZE_KEY]
    return set(zip(*columns, strict=True))


@pytest.fixture
def backfill_world(world: World) -> World:
    """The population stands still, and each org has had edits today."""
    for event in ("core.edit_contact", "emea.edit_contact", "core.delete_contact", "erp.change_contact"):
        world.life.happen(event)
    return world


@pytest.mark.usefixtures("backfill_world")
def test_the_order_of_partitions_does_not_matter(
    make_installation: MakeInstallation, instance: dg.DagsterInstance
) -> None:
    """Seven days in pieces, shuffled, silver merged in between, lead to the silver that one run leads to."""
    at_once = make_installation("at_once", PARTITION_DAYS=str(DAYS))
    days = last_days()
    read(at_once, instance, days, [*BRONZE, *SILVER])

    in_pieces = make_installation("in_pieces", PARTITION_DAYS=str(DAYS))
    pieces = [days[:1], days[1:3], days[3:4], days[4:6], days[6:]]
    random.Random(11).shuffle(pieces)
    for number, piece in enumerate(pieces):
        merged = SILVER if number in {2, len(pieces) - 1} else []
        read(in_pieces, instance, piece, [*BRONZE, *merged])

    expected = silver_of(at_once)
    assert all(values["rows"] for values in expected.values())
    assert expected == silver_of(in_pieces)


def test_a_backfill_loses_nothing_and_makes_nothing_look_fresher(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, world: World
) -> None:
    """A record that has moved on stays in bronze as it was; neither watermark nor reading moves."""
    installation = make_installation(PARTITION_DAYS=str(DAYS))
    name, days = "salesforce__contact", last_days()
    read(installation, instance, days, [f"bronze/{name}"])
    before = versions_in(installation, name)
    readings = installation.batches.readings()
    watermark = installation.bronze(name).position("core").watermark
    edited = world.life.happen("core.edit_contact").records[0].rpartition("/")[2]

    read(installation, instance, days[:-1], [f"bronze/{name}"])

    after = versions_in(installation, name)
    assert before <= after
    assert any(record_id == edited for _, record_id, _, _ in before)
    assert readings == installation.batches.readings()
    assert watermark == installation.bronze(name).position("core").watermark

    read(installation, instance, days[-1:], [f"bronze/{name}"])

    assert {edited} == {record_id for _, record_id, _, _ in versions_in(installation, name) - after}
    assert before < versions_in(installation, name)


def test_a_run_of_days_is_one_run_of_the_asset(make_installation: MakeInstallation) -> None:
    """A backfill of any number of days is a single run."""
    installation = make_installation(PARTITION_DAYS=str(DAYS))
    graph = build_defs(installation).resolve_asset_graph()
    policies = {graph.get(dg.AssetKey(["bronze", name])).backfill_policy for name in installation.catalog.objects}
    assert {dg.BackfillPolicy.single_run()} == policies
