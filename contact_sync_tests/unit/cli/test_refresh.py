"""What a person sees while a refresh runs."""

from __future__ import annotations

import uuid

import dagster as dg
import pytest

from contact_sync.cli.refresh import _SILENT, _StepsShown

DAYS = dg.DailyPartitionsDefinition("2026-03-01", end_date="2026-03-05")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def orders() -> dg.MaterializeResult[None]:
    """What several days of an asset come to."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 12_000})


def test_an_asset_of_several_days_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With its rows, although Dagster tells of each of its days."""
    job = dg.Definitions(assets=[orders], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    days = {"dagster/asset_partition_range_start": "2026-03-01", "dagster/asset_partition_range_end": "2026-03-04"}
    run_id = str(uuid.uuid4())
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(run_id, _StepsShown())
        result = job.execute_in_process(instance=instance, tags=days, run_id=run_id, run_config=_SILENT)

    assert 4 == len(result.get_asset_materialization_events())
    assert [["orders", "12,000", "rows"]] == [line.split() for line in capsys.readouterr().err.splitlines()]
