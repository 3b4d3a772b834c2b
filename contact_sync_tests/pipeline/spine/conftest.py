"""A small world, installations that point at it, and a way to run jobs in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from contact_sync.assets.partitions import days_since
from contact_sync.connectors.retry import Retry
from contact_sync.definitions import build_defs
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.simulator import World

MakeInstallation = Callable[..., Installation]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two orgs, an ERP and a bucket; the population stands still."""
    with World.start(tmp_path_factory.mktemp("world"), contacts=300, accounts=60) as running:
        yield running


@pytest.fixture
def make_installation(
    world: World, parsed_dbt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeInstallation]:
    """Make an installation in a directory of its own: `make(name, SETTING=value)`."""
    made: list[Installation] = []

    def make(name: str = "installation", **settings: str) -> Installation:
        values = world.settings() | {
            "CONTACT_SYNC_APPLY": "automatic",
            "CONTACT_SYNC_HOME": str(tmp_path / name),
            "CONTACT_SYNC_PARTITION_DAYS": "3",
        }
        for variable, value in (values | {f"CONTACT_SYNC_{key}": value for key, value in settings.items()}).items():
            monkeypatch.setenv(variable, value)
        installation = Installation(load_settings())
        shutil.copytree(parsed_dbt, installation.dbt.target_path, dirs_exist_ok=True)
        made.append(installation)
        return installation

    yield make
    for installation in made:
        installation.close()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance of the test's own, in memory: on disk its event log costs more than the work it tells of."""
    with dg.DagsterInstance.ephemeral() as temporary:
        yield temporary


@pytest.fixture
def one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick looks once, as it does where sources are not probed; clients repeat a call as often, but sooner."""
    monkeypatch.setattr(Retry, "delay", lambda _retry, _attempt: 0.01)
    monkeypatch.setattr("contact_sync.automation.sensors.TICK_SECONDS", 0)


def run_job(
    installation: Installation,
    instance: dg.DagsterInstance,
    name: str = "refresh",
    *,
    assets: list[str] | None = None,
    days: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Execute a job in this process, a refresh for all days unless some are named; the caller looks at its success."""
    every_day = days_since(None, installation.settings.partition_days) if name == "refresh" else {}
    job = build_defs(installation).resolve_job_def(name)
    return job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(asset.split("/")) for asset in assets] if assets else None,
        tags=days or every_day,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
