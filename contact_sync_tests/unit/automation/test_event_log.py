"""The event log that a new DAGSTER_HOME is given."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from contact_sync.automation.event_log import EventLogStorage, _engine
from contact_sync.cli.dagster_home import prepare_dagster_home
from contact_sync.settings import load_settings


@dg.asset
def counted() -> dg.MaterializeResult[None]:
    """An asset with a figure."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 3})


def test_the_log_is_complete_and_each_file_has_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run did is read back by another instance, from the files where Dagster has them, over two engines."""
    settings = load_settings()
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    prepare_dagster_home(settings)
    _engine.cache_clear()

    with dg.DagsterInstance.get() as instance:
        run = dg.materialize([counted], instance=instance)
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, EventLogStorage)
        logged = [entry.dagster_event_type for entry in instance.all_logs(run.run_id) if entry.is_dagster_event]
        event = instance.get_latest_materialization_event(dg.AssetKey("counted"))

    assert {one.event_type for one in run.all_events} <= set(logged)
    assert event is not None
    assert event.asset_materialization is not None
    assert 3 == event.asset_materialization.metadata["dagster/row_count"].value
    files = Path(settings.dagster_home, "history", "runs").glob("*.db")
    assert {"index", run.run_id} <= {file.stem for file in files}
    assert 2 == _engine.cache_info().misses
