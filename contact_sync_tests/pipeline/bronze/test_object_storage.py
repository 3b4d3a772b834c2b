"""The same extraction into a lake in object storage."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from contact_sync.errors import StaleCommitError
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.location import LakeLocation
from contact_sync.settings import load_settings
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record

START_SECONDS = 20.0


@pytest.fixture
def location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LakeLocation]:
    """A lake in object storage served by another process: delta-rs waits without letting this one's threads run."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (tmp_path / "moto.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log
        )
    try:
        settings = {"ENDPOINT": f"http://127.0.0.1:{port}", "BUCKET": "lake", "ACCESS_KEY_ID": "a"}
        for name, value in {**settings, "SECRET_ACCESS_KEY": "b"}.items():
            monkeypatch.setenv(f"CONTACT_SYNC_S3__{name}", value)
        monkeypatch.setenv("CONTACT_SYNC_LAKE", "s3://lake/test/")
        make_bucket(settings["ENDPOINT"])
        yield LakeLocation.from_settings(load_settings())
    finally:
        server.terminate()
        server.wait(timeout=10)


def make_bucket(endpoint: str) -> None:
    """Make the bucket as soon as the server answers."""
    config = Config(connect_timeout=2, retries={"max_attempts": 0})
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    )
    deadline = time.monotonic() + START_SECONDS
    with closing(client):
        while True:
            try:
                client.create_bucket(Bucket="lake")
            except EndpointConnectionError:
                assert time.monotonic() < deadline, "the object storage did not start"
            else:
                return


def test_a_lake_in_object_storage(location: LakeLocation, tmp_path: Path) -> None:
    """Rows, position and known rows work as on disk; of two runs at once one is stale, and care keeps everything."""
    crm = MemorySource(page_rows=2)
    crm.put(*(record(number, NOON - timedelta(hours=1)) for number in range(3)))
    with closing(Bench(tmp_path)) as bench:
        bench.location = location
        assert (3, 1) == (bench.run(crm).rows_new, bench.table.position("core").sequence)
        crm.put(record("new", NOON))
        bench.later(minutes=1)
        real = DeltaBronzeTable.publish
        with pytest.MonkeyPatch.context() as patch:

            def raced(table: DeltaBronzeTable, *arguments: object) -> None:
                """The same sequence is published by somebody else first."""
                patch.setattr(DeltaBronzeTable, "publish", real)
                with closing(Bench(tmp_path / "rival")) as rival:
                    rival.location, rival.now = location, bench.now
                    rival.extractor = rival.make_extractor(timedelta(0))
                    assert 1 == rival.run(crm).rows_new
                real(table, *arguments)  # type: ignore[arg-type]  # whatever it was called with

            patch.setattr(DeltaBronzeTable, "publish", raced)
            with pytest.raises(StaleCommitError):
                bench.run(crm)

        assert 0 == bench.run(crm).rows_new
        done = bench.table.maintain()
        assert done is not None
        assert (3, 1) == (done.files_before, done.files_after)
        assert 4 == len(bench.rows())
        assert "open" not in bench.states()
        assert 4 == rows_in_warehouse(DuckDBWarehouse(tmp_path / "w.duckdb", memory_mb=500, threads=1), bench.table)


def rows_in_warehouse(warehouse: DuckDBWarehouse, table: DeltaBronzeTable) -> object:
    """How many rows DuckDB has of a table that it cannot read in place, brought in twice."""
    with warehouse.session("test") as session:
        warehouse.bring_in(session, table, {"Name": "varchar"})
        warehouse.bring_in(session, table, {"Name": "varchar"})
        return session.scalar(f"select count(*) from bronze.{table.name}")
