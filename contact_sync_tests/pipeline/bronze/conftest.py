"""A world to extract from, and an installation of the module's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small world; its pages are small too, so that objects have several."""
    with World.start(tmp_path_factory.mktemp("world"), contacts=300, accounts=60, page_size=100) as world:
        yield world


@pytest.fixture(scope="module")
def environment(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Settings that lead to the world, and a home of the module's own."""
    home: Path = tmp_path_factory.mktemp("installation")
    settings = {**world.settings(), "CONTACT_SYNC_HOME": str(home)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield {**os.environ, **settings}


@pytest.fixture(scope="module")
def installation(environment: dict[str, str]) -> Iterator[Installation]:
    """The installation those settings describe."""
    with closing(Installation.from_environment()) as installation:
        yield installation
