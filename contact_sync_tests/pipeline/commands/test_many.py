"""`discover` and `extract` on two orgs with many object types: everything is read, counted, and read cheaply again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import contact_sync
from contact_sync.cli.main import app
from contact_sync.connectors.retry import Retry
from contact_sync.simulator.salesforce.instance import SalesforceInstance

TYPES = 50
LEFT_OUT = {"VoteView"}


@pytest.fixture
def orgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, SalesforceInstance]]:
    """Two orgs, the settings that lead to them, and a catalog with a wildcard."""
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    shutil.copy(Path(contact_sync.__file__).parent / "catalog" / "salesforce.yaml", catalog)
    text = (catalog / "salesforce.yaml").read_text()
    (catalog / "salesforce.yaml").write_text(text[: text.index("objects:")] + 'objects:\n  - {object: "*"}\n')
    (catalog / "golden.yaml").write_text("{}\n")
    monkeypatch.setattr(Retry, "delay", lambda _retry, _attempt: 0.01)
    monkeypatch.setenv("CONTACT_SYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONTACT_SYNC_CATALOG", str(catalog))
    with ExitStack() as running:
        made = {}
        for name, types in (("core", TYPES), ("emea", 12)):
            org = SalesforceInstance(name, tmp_path / name, clock=lambda: datetime.now(UTC), object_types=types)
            running.callback(org.stop)
            org.start()
            for setting, value in (
                ("URL", org.url),
                ("KIND", "simulator"),
                ("CLIENT_ID", org.client_id),
                ("CLIENT_SECRET", org.client_secret),
            ):
                monkeypatch.setenv(f"CONTACT_SYNC_SALESFORCE__{name.upper()}__{setting}", value)
            made[name] = org
        yield made


def run(*arguments: str) -> tuple[int, Any]:
    """Exit code and document of a verb."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_everything_is_discovered_and_extracted(orgs: dict[str, SalesforceInstance]) -> None:
    """One command reads every object of both orgs; a second one finds nothing new, at little more than a call each."""
    code, reports = run("extract", "--discover")

    readable = {name: {one.name for one in org.store.schema.objects if one.queryable} for name, org in orgs.items()}
    assert 0 == code, [one for one in reports if "error" in one]
    assert sum(map(len, readable.values())) == len(reports)
    held = {name: sum(org.store.count(one, "1 = 1") for one in readable[name]) for name, org in orgs.items()}
    assert held == {name: sum(report["rows_new"] for report in reports if report["instance"] == name) for name in orgs}
    assert all(report["rows_read"] == report["declared_rows"] for report in reports)

    before = {name: org.org.api_usage for name, org in orgs.items()}
    code, again = run("extract")

    assert (0, 0) == (code, sum(report["rows_new"] for report in again))
    for name, org in orgs.items():
        calls = org.org.api_usage - before[name]
        assert calls <= 1.5 * len(readable[name]), (name, calls)
        assert 0 == org.jobs["query"]


def test_drift_is_told(orgs: dict[str, SalesforceInstance]) -> None:
    """After a discovery the check is quiet; a new object, or one that is gone, ends it with exit code 2."""
    code, found = run("discover")
    assert (0, TYPES - len(LEFT_OUT), len(LEFT_OUT)) == (code, found["objects"], found["left_out"])
    assert 0 == run("discover", "--check")[0]

    schema = orgs["core"].store.schema
    schema._objects = {name: one for name, one in schema._objects.items() if name != "generated_001__c"}
    code, found = run("discover", "--check")
    assert (2, ["salesforce/Generated_001__c"]) == (code, found["gone"])

    orgs["emea"].outage(is_down=True)
    assert 2 == run("discover")[0]
    code, found = run("discover", "--check")
    assert (2, [], ["salesforce/emea"]) == (code, found["gone"], list(found["problems"]))


def test_a_failed_object_does_not_stop_the_others(orgs: dict[str, SalesforceInstance]) -> None:
    """With one org down its extractions fail by name, and all of the other's are done; patterns choose objects."""
    assert 0 == run("discover")[0]
    orgs["emea"].outage(is_down=True)

    code, outcomes = run("extract", "salesforce__c*")

    assert 1 == code
    assert 1 == run("extract", "salesforce__c*", "--discover")[0]
    states = {(one["instance"], one.get("state", "read")) for one in outcomes}
    assert {("core", "read"), ("emea", "failed")} == states
    assert all(one["object_name"].startswith("salesforce__c") for one in outcomes)


def test_a_pattern_that_matches_nothing_is_an_error(orgs: dict[str, SalesforceInstance]) -> None:
    """Neither an unknown name nor an empty pattern is taken for success."""
    assert 0 == run("discover")[0]

    assert (1, "CatalogError") == _error(run("extract", "erp__*"))
    assert (1, "CatalogError") == _error(run("extract", "salesforce__nothing"))


def _error(told: tuple[int, Any]) -> tuple[int, str]:
    return told[0], told[1]["error"]
