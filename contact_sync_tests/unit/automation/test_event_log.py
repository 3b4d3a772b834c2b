"""The event log that a new DAGSTER_HOME is given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import dagster as dg
import pytest

from contact_sync.automation.event_log import EventLogStorage, _open_files
from contact_sync.cli.dagster_home import prepare_dagster_home
from contact_sync.settings import load_settings


@dg.asset
def counted() -> dg.MaterializeResult[None]:
    """An asset with a figure."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 3})


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the log of a new home lies."""
    settings = load_settings()
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    prepare_dagster_home(settings)
    _open_files.close()
    yield settings.dagster_home / "history" / "runs"
    _open_files.close()


def test_the_log_is_complete_over_one_connection_to_each_file(files: Path) -> None:
    """What a run did is read back by another instance, from the files where Dagster has them."""
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
    assert {"index", run.run_id} == {file.stem for file in files.glob("*.db")}
    assert {str(file): (1, 0) for file in files.glob("*.db")} == {
        str(engine.url.database): (engine.pool.checkedin(), engine.pool.checkedout())  # type: ignore[attr-defined]
        for engine in _open_files._engines.values()
    }


@pytest.mark.usefixtures("files")
def test_who_watches_a_run_is_told_what_it_logs() -> None:
    """Though its files may not change with each event; and nothing any more, once the watching has ended."""
    told: SimpleQueue[str] = SimpleQueue()

    def callback(entry: dg.EventLogEntry, _cursor: str) -> None:
        told.put(str(entry.dagster_event and entry.dagster_event.message))

    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(dg.JobDefinition(name="nothing", graph_def=dg.GraphDefinition("nothing")))
        instance.report_engine_event("before", run)
        instance.watch_event_logs(run.run_id, None, callback)
        assert "before" == told.get(timeout=10)
        instance.report_engine_event("after", run)
        assert "after" == told.get(timeout=10)
        instance.end_watch_event_logs(run.run_id, callback)
        assert told.empty()


def test_a_forked_process_opens_files_of_its_own(files: Path) -> None:
    """SQLite's connections must not be used, nor closed, by two processes."""
    with dg.DagsterInstance.get():
        assert _open_files._engines
        child = os.fork()
        if child == 0:
            os._exit(len(_open_files._engines))
        assert (child, 0) == os.waitpid(child, 0)
        assert _open_files._engines
    assert list(files.glob("index.db*"))
