"""Models generated for objects of a real extraction: they build, and what people change in them stays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.schema import FieldSchema

OBJECTS = {
    "salesforce__campaign": "Campaign",
    "salesforce__product2": "Product2",
    "salesforce__group": "Group",
    "salesforce__generated_001__c": "Generated_001__c",
}
CAMPAIGN = "salesforce__campaign"


@dataclass
class Scaffolded:
    """An org, an installation over it with a dbt project of its own, and what the first scaffolding said."""

    org: SalesforceInstance
    project: Path
    reports: list[dict[str, Any]]

    def file(self, suffix: str, name: str = CAMPAIGN) -> Path:
        """A file of an object's model."""
        return self.project / "models" / "silver" / "source_record" / f"{name}.{suffix}"

    def edit(self, suffix: str, old: str, new: str) -> None:
        """Change what a file of the campaign's model says, as a person does."""
        text = self.file(suffix).read_text(encoding="utf-8")
        assert old in text
        self.file(suffix).write_text(text.replace(old, new), encoding="utf-8")

    def build(self, *names: str) -> dict[str, int]:
        """Build silver models with their tests, as the pipeline does; model -> rows."""
        with closing(Installation(load_settings())) as installation:
            return steps.build_silver(installation, selection=["picklist_value", *names]).row_counts

    def query(self, sql: str) -> list[dict[str, Any]]:
        """The rows a statement returns."""
        with closing(Installation(load_settings())) as installation, installation.warehouse.session("look") as session:
            return session.query(sql).to_pylist()


def run(*arguments: str) -> Any:
    """The document of a verb that succeeds."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert 0 == result.exit_code, result.stdout
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Scaffolded]:
    """Four objects without a model are extracted and given one."""
    directory = tmp_path_factory.mktemp("scaffold")
    project, catalog = directory / "dbt_project", directory / "catalog"
    left_out = shutil.ignore_patterns("*.py", "__pycache__", "target", "logs")
    shutil.copytree(repository / "dbt_project", project, ignore=left_out)
    shutil.copytree(repository / "contact_sync" / "catalog", catalog, ignore=left_out)
    with (catalog / "salesforce.yaml").open("a", encoding="utf-8") as file:
        for name in OBJECTS.values():
            deleted = ", deleted: null" if name == "Group" else ""
            file.write(f"  - {{object: {name}, description: Records of {name}.{deleted}}}\n")
    org = SalesforceInstance("core", directory / "org", clock=lambda: datetime.now(UTC), object_types=60)
    org.start()
    settings = org.settings() | {
        "CONTACT_SYNC_HOME": str(directory / "home"),
        "CONTACT_SYNC_CATALOG": str(catalog),
        "CONTACT_SYNC_DBT_PROJECT": str(project),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        run("extract", *OBJECTS)
        yield Scaffolded(org, project, run("scaffold", "object", "--all"))
    org.stop()


@pytest.fixture(autouse=True)
def _same_installation(_home: None, scaffolded: Scaffolded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's installation, not one of each test."""
    monkeypatch.setenv("CONTACT_SYNC_HOME", str(scaffolded.project.parent / "home"))


def test_every_object_gets_a_model_that_builds(scaffolded: Scaffolded) -> None:
    """Each object that was read and has no model gets one with every field, and every record becomes a typed row."""
    assert set(OBJECTS) == {report["object_name"] for report in scaffolded.reports if report["is_new"]}
    records = {name: scaffolded.org.store.count(OBJECTS[name], "true") for name in OBJECTS}

    counts = scaffolded.build(*OBJECTS)

    assert records == {name: counts[name] for name in OBJECTS}
    (source,) = scaffolded.org.store.records("Generated_001__c", "true")[:1]
    (row,) = scaffolded.query(f"select * from silver.salesforce__generated_001__c where record_id = '{source['Id']}'")
    assert (None, source["Name"], source["Day__c"]) == (
        row["rejected_fields"],
        row["name"],
        row["day"] and row["day"].isoformat(),
    )
    assert isinstance(row["generated_001_number"], Decimal | None)


def test_edits_stay_and_new_fields_come(scaffolded: Scaffolded) -> None:
    """A changed cast, a description and a removed column stay as they are; a new field is added, also to old rows."""
    scaffolded.edit("sql", "{{ as_text('Type') }} as campaign_type", "lower({{ as_text('Type') }}) as campaign_type")
    scaffolded.edit("sql", "        {{ as_decimal('NumberSent') }} as number_sent,\n", "")
    scaffolded.edit("yml", "Budgeted cost, as the source describes it (currency).", "What it may cost.")
    column = scaffolded.file("yml").read_text(encoding="utf-8").partition("      - name: number_sent\n")[2]
    scaffolded.edit("yml", "      - name: number_sent\n" + column.partition("      - name: ")[0], "")
    campaign = scaffolded.org.store.records("Campaign")[0]
    scaffolded.org.store.put_field("Campaign", FieldSchema("Region__c", "string", 80))
    scaffolded.org.store.put_field("Campaign", FieldSchema("ActualCost", "currency", precision=18, scale=4))
    saved = scaffolded.org.org.writer.update(
        "Campaign", [{"Id": campaign["Id"], "Region__c": "North"}], user_id=scaffolded.org.org.user_ids["rep.one"]
    )
    assert [None] == [one.error for one in saved]
    run("extract", CAMPAIGN)
    scaffolded.build(CAMPAIGN)

    (report,) = run("scaffold", "object", CAMPAIGN)
    files = {path: path.read_bytes() for path in scaffolded.project.rglob("*") if path.is_file()}
    (again,) = run("scaffold", "object", CAMPAIGN)
    scaffolded.build(CAMPAIGN)

    assert (["region"], ["actual_cost"], []) == (report["added"], report["retyped"], report["kept"])
    assert ([], []) == (again["added"], again["retyped"])
    assert files == {path: path.read_bytes() for path in scaffolded.project.rglob("*") if path.is_file()}
    sql, properties = (scaffolded.file(suffix).read_text(encoding="utf-8") for suffix in ("sql", "yml"))
    assert "lower({{ as_text('Type') }}) as campaign_type" in sql
    assert "description: What it may cost." in properties
    assert "number_sent" not in sql + properties
    regions = scaffolded.query(f"select region from silver.{CAMPAIGN} where record_id = '{campaign['Id']}'")
    assert [{"region": "North"}] == regions


def test_a_type_may_be_given_in_other_words(scaffolded: Scaffolded) -> None:
    """In other quotes or through a variable it means the same, and in a comment nothing."""
    query = f"select record_id, start_date, end_date from silver.{CAMPAIGN} order by record_id"
    scaffolded.build(CAMPAIGN)
    before = scaffolded.query(query)
    in_a_loop = "{% for field in ['EndDate'] %}{{ as_date(field) }}{% endfor %}"

    scaffolded.edit("sql", "{{ as_date('StartDate') }}", '{{ as_date("StartDate") }}')
    scaffolded.edit("sql", "{{ as_date('EndDate') }}", in_a_loop)
    scaffolded.edit("sql", "    from latest\n", "    from latest {# as_id('Gone') is gone #}\n")
    scaffolded.build(CAMPAIGN)

    assert before == scaffolded.query(query)
    assert {True} == {any(row[name] for row in before) for name in ("start_date", "end_date")}


def test_a_run_of_some_models_leaves_the_others_their_batches(scaffolded: Scaffolded) -> None:
    """What was extracted meanwhile is merged by the next run of its own model, not taken for done."""
    (product,) = scaffolded.org.org.writer.insert(
        "Product2", [{"Name": "New product"}], user_id=scaffolded.org.org.user_ids["rep.one"]
    )
    run("extract", "salesforce__product2")
    scaffolded.build(CAMPAIGN)
    scaffolded.build("salesforce__product2")

    names = scaffolded.query(f"select name from silver.salesforce__product2 where record_id = '{product.id}'")
    assert [{"name": "New product"}] == names


def test_a_model_written_by_hand_is_left_alone(scaffolded: Scaffolded) -> None:
    """What was not generated is never written to."""
    before = scaffolded.file("sql", "salesforce__lead").read_bytes()
    run("extract", "salesforce__lead")

    (report,) = run("scaffold", "object", "salesforce__lead")

    assert (True, []) == (report["is_by_hand"], report["added"])
    assert before == scaffolded.file("sql", "salesforce__lead").read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [("salesforce__nothing", "no object salesforce__nothing"), ("salesforce__case", "contact-sync extract")],
)
def test_what_cannot_be_scaffolded_says_why(scaffolded: Scaffolded, name: str, message: str) -> None:
    """An object that the catalog does not have, or that was never read, is an error with a remedy."""
    result = CliRunner().invoke(app, ["scaffold", "object", name, "--json"])

    assert 1 == result.exit_code
    assert message in result.stdout
