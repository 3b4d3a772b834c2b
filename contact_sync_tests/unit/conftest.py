"""Benches of the test's own, with either lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contact_sync.lake.database import LakeDatabase
from contact_sync.simulator.postgres import PostgresServer
from contact_sync_tests.lake_databases import new_database
from contact_sync_tests.unit.extraction.memory_source import Bench


@pytest.fixture
def postgres_bench(tmp_path: Path, postgres: PostgresServer) -> Iterator[Bench]:
    """An extractor into an empty database."""
    with (
        new_database(postgres) as url,
        closing(LakeDatabase(url)) as database,
        closing(Bench(tmp_path, lake_database=database)) as bench,
    ):
        yield bench


@pytest.fixture
def delta_bench(tmp_path: Path) -> Iterator[Bench]:
    """An extractor into an empty lake of Delta tables."""
    with closing(Bench(tmp_path)) as bench:
        yield bench


@pytest.fixture
def bench(delta_bench: Bench) -> Bench:
    """An extractor with an empty lake, of the usual kind."""
    return delta_bench


@pytest.fixture(params=["delta", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_bench(request: pytest.FixtureRequest) -> Bench:
    """An extractor with an empty lake of each kind."""
    bench: Bench = request.getfixturevalue(f"{request.param}_bench")
    return bench
