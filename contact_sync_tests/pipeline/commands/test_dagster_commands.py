"""Dagster's own commands work on this project as they are documented."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contact_sync.settings import Settings
from contact_sync.simulator import World
from contact_sync.warehouse.transform import DbtProject

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def environment(parsed_dbt: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a small world, and homes of the test's own."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    shutil.copytree(parsed_dbt, DbtProject(Settings(home=home)).target_path)
    with World.start(tmp_path_factory.mktemp("world"), contacts=60, accounts=20, instances=("core",)) as world:
        own = {"CONTACT_SYNC_HOME": str(home), "DAGSTER_HOME": str(home), "CONTACT_SYNC_PARTITION_DAYS": "2"}
        yield {**os.environ, **world.settings(), **own}


@pytest.mark.parametrize(
    "command",
    [
        ("dg", "check", "defs"),
        ("dagster", "asset", "materialize", "-m", "contact_sync.definitions", "--select", "bronze/erp__order"),
        ("dg", "launch", "--assets", "bronze/salesforce__lead"),
    ],
    ids=" ".join,
)
def test_the_command_ends_well(command: tuple[str, ...], environment: dict[str, str], repository: Path) -> None:
    """The command ends with exit code 0; a materialization is a successful run."""
    is_run = command[1] in {"asset", "launch"}
    partition = ("--partition", datetime.now(UTC).strftime("%Y-%m-%d")) if is_run else ()

    done = subprocess.run(
        [str(BIN / command[0]), *command[1:], *partition],
        capture_output=True,
        text=True,
        env=environment,
        cwd=repository,
        check=False,
    )

    assert 0 == done.returncode, done.stderr[-2000:]
    assert not is_run or "RUN_SUCCESS" in done.stdout + done.stderr
