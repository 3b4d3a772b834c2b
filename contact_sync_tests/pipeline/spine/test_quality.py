"""Contracts and schemas through Dagster: what is broken fails its check with figures, and only that object waits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from contact_sync.automation.alerts import alert_sensors
from contact_sync.cli.main import app
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync_tests.pipeline.spine.conftest import MakeInstallation, run_job
from contact_sync_tests.pipeline.spine.test_privacy import CANARY, marked, plant_in_erp
from contact_sync_tests.pipeline.spine.webhook import listening

OBJECTS = ("erp__contact", "salesforce__lead")
# The scoreboard counts duplicates too, for which all records are needed; other objects than these two have none.
GRAPH = Path(__file__).parents[2] / "golden" / "asset_graph.txt"
ASSETS = [
    *(f"bronze/{name}" for name in OBJECTS),
    *(line.split()[0] for line in GRAPH.read_text().splitlines() if line.startswith(("silver/", "identity/"))),
    *("gold/duplicates", "gold/data_quality"),
]
CONTRACT = """\
rows_at_least: 1
columns:
  last_name: [{length: [1, 10]}, {required: true}]
  email: {pattern: ".*", severity: warn}
"""


@pytest.fixture
def catalog(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped catalog, with contracts of the test's own for both objects."""
    directory = tmp_path / "catalog"
    ignored = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(repository / "contact_sync" / "catalog", directory, ignore=ignored)
    (directory / "contracts" / "erp__contact.yaml").write_text(CONTRACT, encoding="utf-8")
    lead = "columns: {last_name: {required: true}}"
    (directory / "contracts" / "salesforce__lead.yaml").write_text(lead, encoding="utf-8")
    monkeypatch.setenv("CONTACT_SYNC_CATALOG", str(directory))
    return directory


def checks(result: dg.ExecuteInProcessResult, name: str = "contract") -> dict[str, dg.AssetCheckEvaluation]:
    """Object -> its evaluation of a check."""
    found = [check for check in result.get_asset_check_evaluations() if check.check_name == name]
    return {check.asset_key.path[-1]: check for check in found if check.asset_key.path[-1] in OBJECTS}


def broken_rules(check: dg.AssetCheckEvaluation) -> list[tuple[Any, ...]]:
    """Instance, column and failed rows of the rules that did not pass."""
    table = check.metadata["results"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [record.data for record in table.records]
    return [(row["instance"], row["column"], row["rows_failed"]) for row in rows if not row["passed"]]


def companies(installation: Installation) -> list[tuple[str, str, int]]:
    """Instance, company and number of the leads that the test made, as silver has them."""
    with installation.warehouse.session("test") as session:
        rows = session.query(
            "select instance, company_name, count(*) as n from silver.salesforce__lead "
            "where last_name = 'Ofthetest' group by instance, company_name order by instance, company_name"
        ).to_pylist()
    return [tuple(row.values()) for row in rows]


def new_lead(world: World, instance: str, company: str) -> None:
    """A lead of the test's own."""
    org = world.org(instance).org
    (saved,) = org.writer.insert(
        "Lead", [{"LastName": "Ofthetest", "Company": company}], user_id=org.user_ids["rep.one"]
    )
    assert saved.error is None


@pytest.mark.usefixtures("catalog")
def test_what_is_broken_is_told_and_only_its_object_waits(
    make_installation: MakeInstallation, instance: dg.DagsterInstance, world: World
) -> None:
    """A broken rule and a hidden field fail the checks of their objects, with figures and without values of records.

    The org whose field is hidden waits at its last good batch and loses nothing; the other org and objects go on.
    """
    for number, last_name in ((990011, "Zqxcanaryberg"), (990012, "Zqx")):
        plant_in_erp(world, number, last_name=last_name, email=f"{CANARY}.{number}@example.com")
    with listening() as webhook:
        installation = make_installation(APPLY="review", ALERT__WEBHOOK_URL=webhook.url)
        first = run_job(installation, instance, assets=ASSETS)

        assert first.success
        found = checks(first)
        assert [("main", "last_name", 1)] == broken_rules(found["erp__contact"])
        assert (False, dg.AssetCheckSeverity.ERROR) == (found["erp__contact"].passed, found["erp__contact"].severity)
        assert found["salesforce__lead"].passed
        assert all(check.passed for check in checks(first, "profile_drift").values())
        board = CliRunner().invoke(app, ["quality", "--json"])
        rows = {(row["object_name"], row["instance"]): row for row in json.loads(board.stdout)}
        assert (2, 1, "length last_name") == (
            board.exit_code,
            rows["erp__contact", "main"]["error_count"],
            rows["erp__contact", "main"]["failing_rules"],
        )
        assert 1 == rows["salesforce__lead", "core"]["score"] > rows["erp__contact", "main"]["score"]

        world.org("core").store.schema.hide_field("Lead", "Company")
        for org in ("core", "emea"):
            new_lead(world, org, "Of the test")
        hidden = run_job(installation, instance, assets=ASSETS)
        tick(installation, instance)

        assert hidden.success
        assert [("core", "Company", 1)] == broken_rules(checks(hidden)["salesforce__lead"])
        assert [("emea", "Of the test", 1)] == companies(installation)
        assert [("main", "last_name", 1)] == broken_rules(checks(hidden)["erp__contact"]), "told again, not measured"
        assert ["erp__contact breaks its contract", "salesforce__lead breaks its contract"] == webhook.titles

        world.org("core").store.schema.hide_field("Lead", "Company", is_hidden=False)
        back = run_job(installation, instance, assets=ASSETS)
        tick(installation, instance)

        assert checks(back)["salesforce__lead"].passed
        assert [("core", "Of the test", 1), ("emea", "Of the test", 1)] == companies(installation)
        assert 2 == len(webhook.titles)
    events = [str(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
    assert [] == [event[:200] for event in events if marked(event.encode())]


def tick(installation: Installation, instance: dg.DagsterInstance) -> None:
    """Let the sensor for broken contracts look twice."""
    sensor = next(one for one in alert_sensors(installation) if one.name == "broken_contracts")
    for _ in range(2):
        with dg.build_sensor_context(instance=instance, resources={"installation": installation}) as context:
            sensor(context)
