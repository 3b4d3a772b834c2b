"""docs/adding_a_kpi.md, followed to the letter: its two files make a model that builds, is tested and is an asset."""

from __future__ import annotations

import re
import shutil
import textwrap
from datetime import date
from pathlib import Path
from typing import Final

import dagster as dg
import duckdb
import pytest
from dbt.cli.main import dbtRunner

from contact_sync.definitions import build_defs
from contact_sync.pipeline.installation import Installation
from contact_sync_tests.pipeline.dbt.conftest import invoke_dbt

FILE: Final = re.compile(r"^`(models/\S+)`:\n\n((?:    .*\n|\n)+)", re.MULTILINE)
OPPORTUNITIES: Final = """
    create schema silver;
    create table silver.salesforce__opportunity as
    select * from (values
        ('1', 'New Customer', date '2026-02-03', true, true, false),
        ('2', 'New Customer', date '2026-02-20', true, false, false),
        ('3', 'New Customer', date '2026-03-01', false, false, false)
    ) as opportunity (record_id, opportunity_type, close_date, is_closed, is_won, is_deleted);
"""


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Installation:
    """An installation with a dbt project of its own: ours, and the files of the document."""
    project = tmp_path / "my_dbt_project"
    shutil.copytree(repository / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    document = (repository / "docs/adding_a_kpi.md").read_text(encoding="utf-8")
    for name, content in FILE.findall(document):
        (project / name).write_text(textwrap.dedent(content).strip() + "\n", encoding="utf-8")
    monkeypatch.setenv("CONTACT_SYNC_DBT_PROJECT", str(project))
    return Installation.from_environment()


def test_the_document_adds_a_model_that_is_built_tested_and_shown(installation: Installation) -> None:
    """The KPI has its figures, its grain check and unit test pass, and Dagster has it with owner, group and lineage."""
    path = installation.settings.warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(OPPORTUNITIES)

    graph = build_defs(installation).resolve_asset_graph()
    outcomes = installation.dbt.build(["win_rate"])
    unit_test = invoke_dbt(
        dbtRunner(),
        path,
        installation.dbt.target_path,
        ["test", "--select", "open_opportunities_do_not_count"],
        project=installation.dbt.directory,
    )

    assert ["pass"] == [str(result.status) for result in unit_test.results]
    assert {"win_rate": "success", "win_rate_grain": "pass"} == {
        outcome.unique_id.split(".")[2]: outcome.status for outcome in outcomes
    }
    with duckdb.connect(str(path)) as connection:
        rows = connection.execute("select * from gold.win_rate").fetchall()
    assert [("New Customer", date(2026, 2, 1), 2, 0.5)] == rows
    key = dg.AssetKey(["gold", "win_rate"])
    node = graph.get(key)
    assert ("gold", ["team:revenue-operations"]) == (node.group_name, list(node.owners))
    assert {dg.AssetKey(["silver", "salesforce__opportunity"])} == node.parent_keys
    assert {"win_rate_grain"} == {check.name for check in graph.asset_check_keys if check.asset_key == key}
