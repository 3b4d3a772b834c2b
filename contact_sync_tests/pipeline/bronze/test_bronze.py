"""Every object of every simulated system arrives in bronze, by the rules of the lake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from contact_sync.lake.bronze import LINEAGE, PARTITION_COLUMNS, STATISTICS_COLUMNS
from contact_sync.pipeline.bronze import extract
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync_tests.lake_databases import new_database

pytestmark = pytest.mark.postgres

REPORT = {"rows", "pages", "bytes", "seconds", "peak_rss_mb", "watermark", "batch_id"}


@pytest.fixture(scope="module", autouse=True)
def reports(installation: Installation) -> dict[tuple[str, str], Any]:
    """(object, instance) -> report of the first extraction of everything."""
    return {
        (item.name, instance): extract(installation, item.name, instance)
        for item in installation.catalog.objects.values()
        for instance in installation.instances_of(item)
    }


def test_everything_arrives_once(installation: Installation, world: World, reports: Any) -> None:
    """Rows in bronze are as many as the systems hold and as they declared, and all were new."""
    for (name, instance), report in reports.items():
        table = installation.bronze(name)
        first = f"_instance = '{instance}' and _sequence <= {report.sequence}"
        found = pa.table(table.delta.scan(columns=["_record_id"], predicate=first).read_all())
        assert report.rows_read == report.rows_new == report.declared_rows == found.num_rows > 0, name
        assert len(set(found.column(0).to_pylist())) == found.num_rows
    contacts = world.org("core").store.records("Contact", "1 = 1")
    assert len(contacts) == reports["salesforce__contact", "core"].rows_read


def test_values_are_as_sent(installation: Installation, world: World) -> None:
    """The newest version of every contact has the org's text, character by character."""
    extract(installation, "salesforce__contact", "core")
    names = ["Id", "LastName", "Email", "Description", "MailingStreet"]
    rows = installation.bronze("salesforce__contact").delta.scan(
        columns=[*names, "_sequence"], predicate="_instance = 'core'"
    )
    found = sorted(pa.table(rows.read_all()).to_pylist(), key=lambda row: row.pop("_sequence"))
    sent = [{name: one[name] or None for name in names} for one in world.org("core").store.records("Contact", "1 = 1")]

    assert {one["Id"]: one for one in sent} == {row["Id"]: row for row in found}


def test_reading_again_appends_nothing(installation: Installation, reports: Any) -> None:
    """A second reading of each object commits nothing."""
    for name, instance in reports:
        version = installation.bronze(name).delta.version()
        assert 0 == extract(installation, name, instance).rows_new
        assert version == installation.bronze(name).delta.version()


def test_changes_arrive(installation: Installation, world: World, reports: Any) -> None:
    """Edits of the org and of the ERP arrive as new versions, and deletes as deleted ones."""
    before = installation.bronze("salesforce__contact").position("core").sequence
    world.life.happen("core.edit_contact")
    world.life.happen("core.delete_contact")
    world.life.happen("erp.change_contact")

    assert extract(installation, "salesforce__contact", "core").rows_new > 0
    assert extract(installation, "erp__contact", "main").rows_new > 0
    table = installation.bronze("salesforce__contact")
    deleted = table.delta.scan(columns=["_record_id"], predicate=f"_is_deleted and _sequence > {before}").read_all()
    assert pa.table(deleted).num_rows > 0


def test_tables_follow_the_rules(installation: Installation, reports: Any) -> None:
    """Partitioned by instance and month, lineage typed and everything else text, statistics of lineage only."""
    for name in {name for name, _ in reports}:
        table = installation.bronze(name)
        schema = pa.schema(table.delta.schema().to_arrow())
        assert list(PARTITION_COLUMNS) == table.delta.metadata().partition_columns
        assert {*LINEAGE.names, *PARTITION_COLUMNS} < set(schema.names)
        assert all(str(schema.field(one).type).startswith("string") for one in schema.names if one not in LINEAGE.names)
        for path in Path(table.url).rglob("_month=*/20*.parquet"):  # not what compaction wrote
            assert set(STATISTICS_COLUMNS) == columns_with_statistics(path)


def columns_with_statistics(path: Path) -> set[str]:
    """Columns of a Parquet file of which its footer tells anything."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {one.path_in_schema for one in columns if one.statistics is not None}


def test_no_personal_value_is_in_the_log(installation: Installation, world: World, reports: Any) -> None:
    """No email, surname or phone of a contact is in any file of any _delta_log: before and after care of the lake."""
    contacts = world.org("core").store.records("Contact", "1 = 1")
    canaries = {
        str(one[name]).encode()
        for one in contacts
        for name in ("Email", "LastName", "Phone", "Id")
        if one[name] and len(str(one[name])) >= 6
    }
    table = installation.bronze("salesforce__contact")
    data = str(pa.table(table.delta.scan(columns=["Email"]).read_all()).to_pylist()).encode()
    assert any(canary in data for canary in canaries), "the canaries would be seen if they were there"

    for step in ("as written", "after compaction and a checkpoint"):
        logs = list(Path(installation.location.root).glob("bronze/*/_delta_log/*"))
        content = b"".join(log_text(path) for path in logs)
        assert content
        assert [] == [canary for canary in canaries if canary in content], step
        for name in {name for name, _ in reports}:
            installation.bronze(name).maintain()
            installation.bronze(name).delta.create_checkpoint()


def log_text(path: Path) -> bytes:
    """A log file's text; a checkpoint is unpacked first."""
    if path.suffix != ".parquet":
        return path.read_bytes() if path.is_file() else b""
    return str(pq.read_table(path).to_pylist()).encode()


def test_files_are_forced_to_disk(installation: Installation, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page, its directory, the commit and the log's directory are synchronised before the run ends."""
    world.life.happen("core.edit_contact")
    forced: list[str] = []
    original = os.fsync

    def fsync(descriptor: int) -> None:
        forced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert extract(installation, "salesforce__contact", "core").rows_new > 0

    version = installation.bronze("salesforce__contact").delta.version()
    page, directory, commit, log = forced
    assert page.endswith(".parquet")
    assert Path(page).parent == Path(directory)
    assert (f"{version:020d}.json", Path(commit).parent) == (Path(commit).name, Path(log))


def test_rows_watermark_and_sequence_are_one_commit(installation: Installation, world: World) -> None:
    """The commit that adds a batch's files also moves the transaction version; its rows hold the watermark."""
    world.life.happen("core.edit_contact")
    report = extract(installation, "salesforce__contact", "core")
    table = installation.bronze("salesforce__contact")
    log = Path(table.url) / "_delta_log" / f"{table.delta.version():020d}.json"
    actions = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]

    transactions = [one["txn"] for one in actions if "txn" in one]
    added = [one["add"] for one in actions if "add" in one]
    assert [("contact_sync/core", report.sequence)] == [(one["appId"], one["version"]) for one in transactions]
    assert report.rows_new == sum(json.loads(one["stats"])["numRecords"] for one in added)
    rows = DeltaTable(table.url).scan(columns=["_watermark"], predicate=f"_sequence = {report.sequence}").read_all()
    assert {json.dumps({"time": report.watermark.isoformat()})} == set(pa.table(rows).column(0).to_pylist())


@pytest.fixture(params=["files", "postgresql"])
def lake(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of each kind of lake."""
    if request.param == "files":
        yield {}
        return
    with new_database(request.getfixturevalue("postgres")) as url:
        yield {"CONTACT_SYNC_LAKE": url}


def test_the_command_reports_and_loads_only_what_it_needs(
    environment: dict[str, str], lake: dict[str, str], tmp_path: Path
) -> None:
    """`contact-sync extract --json` prints one document with the promised names; reading needs no heavy library."""
    program = (
        "import sys\n"
        "from contact_sync.cli.main import app\n"
        "try:\n"
        "    app(['extract', 'salesforce__contact', '--instance', 'core', '--json'])\n"
        "finally:\n"
        "    print({'dagster', 'dbt', 'duckdb', 'pandas'} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, **lake, "CONTACT_SYNC_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    document = json.loads(done.stdout)
    assert set(document) >= REPORT
    assert document["rows"] == document["rows_read"] == document["declared_rows"]
    assert document["batch_id"]
    assert "set()" == done.stderr.strip().splitlines()[-1]
