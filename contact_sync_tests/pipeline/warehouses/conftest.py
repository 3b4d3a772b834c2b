"""A lake with nasty rows, and an installation over it for each engine: DuckDB, PostgreSQL, and a Snowflake server."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from contact_sync.lake.bronze import LINEAGE
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.location import LakeLocation
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.simulator.postgres import PostgresServer
from contact_sync_tests.pipeline.warehouses.bronze_rows import OBJECTS, Row

Settings = dict[str, str]


class Lake:
    """A local lake that is filled batch by batch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._location = LakeLocation.from_settings(load_settings().model_copy(update={"lake": str(path)}))

    def publish(self, batch: int) -> None:
        """Publish one batch of every object."""
        for name, (instance, rows_of) in OBJECTS.items():
            table = DeltaBronzeTable(self._location, name)
            stage = table.stage({"_instance": instance, "_month": f"2026-0{batch}"})
            staged = stage.write(_bronze(rows_of(batch), batch), file_name=f"batch_{batch}")
            table.publish(instance, f"batch_{batch}", batch, [staged])


def _bronze(rows: list[Row], batch: int) -> pa.Table:
    """Rows as an extraction stages them."""
    names = sorted({name for row in rows for name in row if not name.startswith("_")})
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    extracted_at = datetime(2026, 3, batch, tzinfo=UTC)
    versions = [row.get("_version_at") for row in rows]
    lineage = {
        "_batch_id": [f"batch_{batch}"] * len(rows),
        "_sequence": [batch] * len(rows),
        "_extracted_at": [extracted_at] * len(rows),
        "_record_id": [row["_record_id"] for row in rows],
        "_version_at": [datetime.fromisoformat(version) if version else None for version in versions],
        "_is_deleted": [row.get("_is_deleted") == "true" for row in rows],
        "_row_hash": [hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest() for row in rows],
    }
    for field in LINEAGE:
        columns[field.name] = pa.array(lineage.get(field.name, [None] * len(rows)), field.type)
    return pa.table(columns)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """An empty lake."""
    return Lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Settings]:
    """The settings of a PostgreSQL warehouse."""
    directory = Path(tempfile.mkdtemp(prefix="contact_sync_postgres_"))
    # The server of a test run by root is another user, who has to get there.
    directory.chmod(0o755)
    server = PostgresServer(directory / "data")
    server.start()
    url = server.url("postgres")
    _user, _, password = url.removeprefix("postgresql://").partition("@")[0].partition(":")
    yield {"WAREHOUSE": url.replace(f":{password}@", "@"), "WAREHOUSE_LOGIN__PASSWORD": password}
    server.stop()
    server.remove()
    directory.rmdir()


@pytest.fixture(scope="module")
def snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a Snowflake warehouse that fakesnow serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("snowflake") / "server.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "fakesnow", "-s", "-p", str(port)]
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    _wait_for(server, port, log)
    yield {
        "WAREHOUSE": f"snowflake://loader@127.0.0.1/contacts?host=127.0.0.1&port={port}&protocol=http&warehouse=small",
        "WAREHOUSE_LOGIN__PASSWORD": "any",
    }
    server.terminate()
    server.wait()


def _wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    while True:
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            continue


MakeInstallation = Callable[[str, Settings], Installation]


@pytest.fixture(scope="module")
def make_installation(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeInstallation]:
    """Make the installation of an engine over the lake, with state of its own."""
    made: list[Installation] = []

    def make(engine: str, settings: Settings) -> Installation:
        values = {"HOME": str(tmp_path_factory.mktemp(engine)), "LAKE": str(lake.path), **settings}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in values.items():
                patch.setenv(f"CONTACT_SYNC_{name}", value)
            made.append(Installation(load_settings()))
        return made[-1]

    yield make
    for installation in made:
        installation.close()
