"""Personal data is in the tables and nowhere else: not in logs, run pages, event logs, dbt's files or Delta's log."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from contact_sync.connectors.retry import Retry
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync.simulator.population.trade_show import COLUMNS
from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job

CANARY = "zqxcanary"
PHONE = "5550199731"
"""Digits of the planted phone, written without separators."""
_MARKED = (CANARY.encode(), PHONE.encode())


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance on disk, whose files are searched."""
    home = tmp_path / "dagster"
    home.mkdir()
    log = {
        "module": "contact_sync.automation.event_log",
        "class": "EventLogStorage",
        "config": {"home": str(home)},
    }
    settings = {"telemetry": {"enabled": False}, "event_log_storage": log}
    with dg.DagsterInstance.local_temp(str(home), overrides=settings) as temporary:
        yield temporary


def plant(world: World) -> None:
    """Marked persons in the CRM, the ERP and a dropped file."""
    org = world.org("core").org
    person = {"FirstName": "Zqxcanaryanna", "LastName": "Zqxcanaryberg", "Email": "zqxcanary.crm@example.com"}
    rows = [
        person | {"Phone": f"+49{PHONE}"},
        person | {"LastName": "Zqxcanaryholm", "Email": "zqxcanary2@example.com"},
    ]
    saved = org.writer.insert("Contact", rows, user_id=org.user_ids["rep.one"])
    assert [None, None] == [one.error for one in saved]
    plant_in_erp(world, 990001, last_name="Zqxcanaryberg", email="zqxcanary.erp@example.com")
    # The target refuses these, and quotes what was sent.
    plant_in_erp(
        world, 990002, last_name="Zqxcanary" * 12, first_name="Zqxcanaryulla", email="zqxcanary.long@example.com"
    )
    plant_in_erp(world, 990003, last_name="Zqxcanarydahl", first_name="Zqxcanaryines", email="zqxcanary..bad@example")
    row = ["Fair", "2026-11-19T10:00:00Z", "zq-1", "Zqxcanaryeva", "Zqxcanaryfors", "zqxcanary.show@example.com"]
    drop(world, "zq-good.csv", [",".join(COLUMNS), ",".join([*row, PHONE, "", "", "", "", "met Zqxcanaryfors"])])


def plant_in_erp(world: World, number: int, *, last_name: str, email: str, first_name: str = "Zqxcanaryolga") -> None:
    """A marked contact of some customer, with a phone of its own."""
    assert world.erp is not None
    with world.erp.connect() as connection:
        connection.execute(
            """
            insert into erp.contact (contact_number, customer_number, first_name, last_name, email, phone, is_active,
                                     created_at, updated_at)
            select %s, min(customer_number), %s, %s, %s, %s, true, now(), now() from erp.customer
            """,
            (number, first_name, last_name, email, f"+49{PHONE}{number % 10}"),
        )


def drop(world: World, name: str, lines: list[str]) -> None:
    """Drop a file of these lines."""
    assert world.objects is not None
    world.objects.drop(f"trade_show/{name}", "\n".join([*lines, ""]).encode())


def marked(content: bytes) -> list[bytes]:
    """The marks found."""
    lower = content.lower()
    return [mark for mark in _MARKED if mark in lower]


def marked_files(directory: Path) -> list[str]:
    """Files below a directory that hold a mark; packed ones are unpacked, Parquet files read."""
    found = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        if path.suffix == ".parquet":
            content += str(pq.read_table(path).to_pylist()).encode()
        if marked(content):
            found.append(str(path.relative_to(directory)))
    return found


def spoil_gold(installation: Installation) -> None:
    """Give silver a value that the gold models cannot convert, so that the engine quotes it in its error."""
    with installation.warehouse.session("test") as session:
        session.execute("alter table silver.account_record alter column credit_limit type varchar")
        session.execute("update silver.account_record set credit_limit = 'Zqxcanary'")
        session.execute("update identity.company_change set changed_in = changed_in + 1")


def test_personal_data_is_only_in_the_tables(  # noqa: PLR0917 -- fixtures
    make_installation: MakeInstallation,
    instance: dg.DagsterInstance,
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After runs that went well, refused writes, refused a file, lost a source and broke in dbt, no mark is found."""
    caplog.set_level("INFO")
    monkeypatch.setattr(Retry, "delay", lambda _retry, _attempt: 0.01)
    plant(world)
    installation = make_installation()

    first = run_job(installation, instance)
    assert first.success
    assert run_job(installation, instance, "reconcile").success
    written = first.asset_materializations_for_node("activation__write_result")[0].metadata
    assert written["refused"].value
    drop(world, "zq-bad.csv", ["event,name", "Fair,Zqxcanaryfors"])
    world.outage("emea", True)
    sources = run_job(installation, instance, assets=["bronze/drops__trade_show", "bronze/salesforce__contact"])
    world.outage("emea", False)
    assert 2 == len([check for check in sources.get_asset_check_evaluations() if not check.passed])
    spoil_gold(installation)
    assert not run_job(installation, instance, assets=["gold/account_field", "gold/account"]).success

    gold = Path(installation.location.table_url("gold", "contact"))
    assert marked_files(gold), "the search finds what is there"
    assert list((tmp_path / "dagster").rglob("*.db"))
    assert [] == marked_files(tmp_path / "dagster")
    assert [] == marked_files(installation.dbt.target_path)
    logs = list(Path(installation.location.root).rglob("_delta_log"))
    assert len(logs) > len(installation.catalog.objects)
    assert [] == [name for log in logs for name in marked_files(log)]
    events = [str(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    assert len(events) > 100
    assert [] == [event[:200] for event in events if marked(event.encode())]
    captured = capfd.readouterr()
    assert [] == marked((captured.out + captured.err + caplog.text).encode())
