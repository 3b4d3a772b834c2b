"""An installation for each engine: DuckDB, PostgreSQL, and a Snowflake server.

All tests of this directory run on one worker (SHARED in the suite's conftest): there is one server of each kind.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.simulator.postgres import PostgresServer
from contact_sync.warehouse.address import DuckDBAddress, warehouse_address
from contact_sync_tests.lake_databases import new_database
from contact_sync_tests.pipeline.warehouses.builds import NOW, Held, build_at_once

Settings = dict[str, str]
MakeInstallation = Callable[[str, Settings], Installation]
ROWS_PER_CHUNK = 1_000
"""More rows than that come from Snowflake in several chunks."""


@pytest.fixture(scope="module")
def postgresql(postgres: PostgresServer) -> Iterator[Settings]:
    """The settings of a PostgreSQL warehouse."""
    with new_database(postgres) as url:
        _user, _, password = url.removeprefix("postgresql://").partition("@")[0].partition(":")
        yield {"WAREHOUSE": url.replace(f":{password}@", "@"), "WAREHOUSE_LOGIN__PASSWORD": password}


@pytest.fixture(scope="session")
def snowflake_server() -> Iterator[int]:
    """The port of a server of Snowflake's protocol."""
    program = [sys.executable, "-m", "contact_sync_tests.pipeline.warehouses.snowflake_server"]
    with tempfile.TemporaryDirectory(prefix="contact-sync-snowflake-") as directory:
        with socket.socket() as listening, (Path(directory) / "server.log").open("wb") as log:
            # Clients may connect from now on; they wait until the program is there.
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            port = listening.getsockname()[1]
            server = subprocess.Popen(
                [*program, str(listening.fileno()), str(ROWS_PER_CHUNK)],
                pass_fds=[listening.fileno()],
                env={**os.environ, "TMPDIR": directory},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        with server:
            yield port
            # It would wait for connections that clients keep open; what it holds is in memory.
            server.kill()


@pytest.fixture(scope="module")
def snowflake(snowflake_server: int, request: pytest.FixtureRequest) -> Settings:
    """The settings of a Snowflake warehouse, a database for each file of tests."""
    host = f"host=127.0.0.1&port={snowflake_server}&protocol=http&warehouse=small"
    return {
        "WAREHOUSE": f"snowflake://loader@127.0.0.1/{request.path.stem}?{host}",
        "WAREHOUSE_LOGIN__PASSWORD": "any",
    }


@pytest.fixture(scope="session")
def make_installation(parsed_dbt: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeInstallation]:
    """Make the installation of an engine, with an empty lake and state of its own."""
    made: list[Installation] = []

    def make(engine: str, settings: Settings) -> Installation:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"HOME": str(tmp_path_factory.mktemp(engine)), **settings}.items():
                patch.setenv(f"CONTACT_SYNC_{name}", value)
            installation = Installation(load_settings(), now=lambda: NOW)
        if isinstance(warehouse_address(installation.settings), DuckDBAddress):
            shutil.copytree(parsed_dbt, installation.dbt.target_path)
        made.append(installation)
        return installation

    yield make
    for installation in made:
        installation.close()


@pytest.fixture(scope="session")
def duckdb(make_installation: MakeInstallation) -> Held:
    """What DuckDB makes of both batches."""
    return build_at_once(make_installation("duckdb", {}))
