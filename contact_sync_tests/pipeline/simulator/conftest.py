"""Running systems for the tests of the simulator: an empty org for each test, a small world for a whole module."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contact_sync.simulator import World
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.pipeline.simulator.client import Client


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[SalesforceInstance]:
    """An empty org that answers, with pages of 100 rows."""
    instance = SalesforceInstance("core", tmp_path / "core", clock=lambda: datetime.now(UTC), page_size=100)
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def moment() -> list[datetime]:
    """The time on the clock of `clocked_instance`, to be moved."""
    return [datetime(2026, 11, 20, 12, tzinfo=UTC)]


@pytest.fixture
def clocked_instance(tmp_path: Path, moment: list[datetime]) -> Iterator[SalesforceInstance]:
    """An empty org whose clock is set by hand."""
    instance = SalesforceInstance("core", tmp_path / "clocked", clock=lambda: moment[0])
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def clocked_client(clocked_instance: SalesforceInstance) -> Iterator[Client]:
    """A client of the org whose clock is set by hand."""
    client = Client(clocked_instance)
    yield client
    client.close()


@pytest.fixture
def client(instance: SalesforceInstance) -> Iterator[Client]:
    """A client of the empty org."""
    client = Client(instance)
    yield client
    client.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A small world with everything in it."""
    with World.start(
        tmp_path_factory.mktemp("world"), contacts=300, accounts=60, as_of=datetime(2026, 11, 20, 12, tzinfo=UTC)
    ) as world:
        yield world


@pytest.fixture(scope="module")
def shared_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceInstance]:
    """An org for tests that leave no trace in it: refusals, descriptions, logins."""
    instance = SalesforceInstance("core", tmp_path_factory.mktemp("shared"), clock=lambda: datetime.now(UTC))
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def shared_client(shared_instance: SalesforceInstance) -> Iterator[Client]:
    """A client of the shared org."""
    client = Client(shared_instance)
    yield client
    client.close()
