"""One refresh takes everything from the sources to the target, and the next one finds nothing left to do."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from contact_sync.lake.published import read_published
from contact_sync.pipeline import steps
from contact_sync.pipeline.bronze import extract
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync.simulator.postgres import PostgresServer
from contact_sync_tests.lake_databases import new_database
from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job
from contact_sync_tests.pipeline.spine.ticks import selected, tick

CONSENT_TIMES = ["do_not_call_at", "has_opted_out_of_email_at"]
UNCOUNTED = {
    *(f"silver/{entity}_{of}_change" for entity in ("account", "contact") for of in ("record", "source")),
    *(f"identity/{subject}_{of}" for subject in ("company", "person") for of in ("change", "joining_key")),
    "gold/golden_key_change",
}
"""Views, which nobody counts, and what says who was touched."""
GROUPS = ["activation", "bronze", "gold", "identity", "silver"]


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """asset -> metadata of its materialization."""
    events = [event for event in result.all_events if event.is_step_materialization]
    found = [event.step_materialization_data.materialization for event in events]
    return {
        "/".join(item.asset_key.path): {name: value.value for name, value in item.metadata.items()} for item in found
    }


def failed_checks(result: dg.ExecuteInProcessResult) -> list[str]:
    """Names of the checks that need somebody: a warning only tells, for example, that values were refused."""
    checks = result.get_asset_check_evaluations()
    return [check.check_name for check in checks if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR]


@pytest.mark.usefixtures("one_look")
def test_a_refresh_goes_from_the_sources_to_the_target_and_comes_to_rest(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, world: World
) -> None:
    """Every group is materialized with row counts, every check passes, gold is published, and the target is written.

    What was written comes back as an echo; once that was read, nothing is left to do and nothing is asked for.
    """
    installation = make_installation(PROBE_SECONDS="1", FRESHNESS_SECONDS="1800")
    before = world.org("core").store.count("Contact")

    result = run_job(installation, instance)
    proof = run_job(installation, instance, "reconcile")

    assert result.success
    assert proof.success
    found = metadata(result)
    assert sorted({key.split("/")[0] for key in found}) == GROUPS
    assert UNCOUNTED == {key for key, values in found.items() if "dagster/row_count" not in values}
    assert [] == failed_checks(result) + failed_checks(proof)
    assert (
        read_published(installation.location, "gold", "contact").num_rows == found["gold/contact"]["dagster/row_count"]
    )
    assert 0 < found["activation/write_result"]["dagster/row_count"] == found["activation/plan"]["dagster/row_count"]
    created = sum(
        stage["created"] for stage in found["activation/write_result"]["stages"] if stage["entity"] == "contact"
    )
    assert before + created == world.org("core").store.count("Contact")
    assert 0 == metadata(proof)["activation/reconciliation"]["unexplained"]

    (echo,), cursor = tick(installation, instance, "refresh_when_due")
    assert {"salesforce__account", "salesforce__contact"} == selected(echo)
    second = run_job(installation, instance)
    again = metadata(second)

    assert 0 == again["activation/plan"]["dagster/row_count"]
    assert 0 == again["activation/write_result"]["dagster/row_count"]
    assert set(found) == set(again)
    assert found["silver/nickname"]["dagster/row_count"] == again["silver/nickname"]["dagster/row_count"]
    assert again["silver/nickname"]["unchanged"]
    assert {check.check_name for check in result.get_asset_check_evaluations()} == {
        check.check_name for check in second.get_asset_check_evaluations()
    }
    assert ([], cursor) == tick(installation, instance, "refresh_when_due", cursor)
    assert ([], None) == tick(installation, instance, "refresh_when_due")
    assert [] == tick(installation, instance, "file_dropped")[0]


def test_the_same_pipeline_runs_on_a_lake_in_object_storage(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, world: World
) -> None:
    """With the lake on s3:// every layer has the rows it has on a local disk, and reading again adds none."""
    local = make_installation("local", APPLY="review")
    for item in local.catalog.objects.values():
        for name in local.instances_of(item):
            extract(local, item.name, name)
    steps.build_silver(local)
    steps.score_pairs(local)
    steps.resolve_identities(local)
    steps.build_gold(local)
    remote = make_installation(
        "remote", APPLY="review", LAKE=f"s3://{world.settings()['CONTACT_SYNC_S3__BUCKET']}/lake"
    )

    result = run_job(remote, instance)

    assert result.success
    for name in ("contact", "account"):
        assert golden_values(local, name) == golden_values(remote, name)
    url = remote.location.table_url("bronze", "salesforce__contact")
    on_s3 = DeltaTable(url, storage_options=remote.location.storage_options)
    assert local.bronze("salesforce__contact").delta.count() == on_s3.count()

    again = run_job(remote, instance, assets=[f"bronze/{name}" for name in remote.catalog.objects])

    assert again.success
    on_s3.update_incremental()
    assert local.bronze("salesforce__contact").delta.count() == on_s3.count()


# Whole refreshes, which other tests run on files; the lakes themselves are compared by unit tests.
@pytest.mark.deep
@pytest.mark.timeout(600)
def test_the_same_pipeline_runs_on_bronze_in_postgresql(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, postgres: PostgresServer
) -> None:
    """Every layer has the rows it has with files, a second refresh adds nothing, and so does the care of the lake."""
    files = make_installation("files", APPLY="review")
    assert run_job(files, instance).success
    with new_database(postgres) as url:
        database = make_installation("database", APPLY="review", LAKE=url)

        results = [run_job(database, instance) for _ in range(2)]

        assert [True, True] == [result.success for result in results]
        assert run_job(database, instance, "maintain_lake").success
        for name in ("contact", "account"):
            assert golden_values(files, name) == golden_values(database, name)
        held = [
            sum(files.bronze(name).batch_rows(batch) for batch in batches(files, name))
            for name in files.catalog.objects
        ]
        assert held == [
            sum(database.bronze(name).batch_rows(batch) for batch in batches(database, name))
            for name in database.catalog.objects
        ]
        database.close()


def batches(installation: Installation, name: str) -> set[str]:
    """The batches that bronze holds of an object."""
    table = installation.bronze(name)
    return {batch for one in table.sequences() for batch in table.distinct("_batch_id", one)}


def golden_values(installation: Installation, name: str) -> list[dict[str, Any]]:
    """The golden records, sorted, without the times of consent: those of a first reading are when it was read."""
    published = read_published(installation.location, "gold", name)
    rows: pa.Table = published.drop_columns([column for column in CONSENT_TIMES if column in published.column_names])
    return rows.sort_by(rows.column_names[0]).to_pylist()


# A whole refresh above shows that the automatic policy writes, and the tests of the commands that review does not.
@pytest.mark.deep
@pytest.mark.parametrize("policy", ["review", "automatic"])
def test_only_the_automatic_policy_writes(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, world: World, policy: str
) -> None:
    """Under the review policy the refresh plans and sends nothing; under the automatic one it sends safe plans."""
    installation = make_installation(APPLY=policy)
    written = sum(world.org("core").writes.values())
    assert world.erp is not None
    with world.erp.connect() as connection:
        # Every phone number differs from what the target holds.
        connection.execute(
            "update erp.customer set phone = '+4930' || customer_number || %s, updated_at = now()", [policy]
        )

    found = metadata(run_job(installation, instance))

    assert found["activation/plan"]["dagster/row_count"] > 0
    is_written = sum(world.org("core").writes.values()) > written
    assert (policy == "automatic") == is_written
