"""One small world and installation for all tests of this directory; what happens in it is observed once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.simulator import World
from contact_sync_tests.pipeline.activation.first_rounds import FirstRounds, observe_first_rounds
from contact_sync_tests.pipeline.activation.loop import Loop


@pytest.fixture(scope="package")
def loop(parsed_dbt: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """A world of 400 contacts in which nothing has been read yet."""
    home: Path = tmp_path_factory.mktemp("activation")
    with World.start(home / "world", contacts=400, accounts=80) as world, pytest.MonkeyPatch.context() as patch:
        for name, value in (world.settings() | {"CONTACT_SYNC_HOME": str(home / "home")}).items():
            patch.setenv(name, value)
        installation = Installation(load_settings())
        shutil.copytree(parsed_dbt, installation.dbt.target_path)
        yield Loop(world, installation)
        installation.close()


@pytest.fixture(scope="package")
def first(loop: Loop) -> FirstRounds:
    """Two rounds, observed."""
    return observe_first_rounds(loop)
