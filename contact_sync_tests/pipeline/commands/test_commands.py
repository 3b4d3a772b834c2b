"""Every verb does its work against real servers and prints one JSON document when asked to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World

SEQUENCE = (
    ("doctor",),
    ("extract", "salesforce__contact", "--instance", "core"),
    ("run",),
    ("status",),
    ("plan",),
    ("apply",),
    ("reconcile",),
    ("run",),
    ("plan", "--show", "2"),
)
"""The verbs in the order a new user would try them; `run` waits for a review, `apply` writes."""


@dataclass(frozen=True)
class Told:
    """What a verb printed and how it ended."""

    verb: tuple[str, ...]
    exit_code: int
    document: Any


@pytest.fixture(scope="module")
def told(parsed_dbt: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Told]]:
    """The outcome of the whole sequence."""
    with (
        World.start(tmp_path_factory.mktemp("world"), contacts=200, accounts=40) as world,
        pytest.MonkeyPatch.context() as patch,
    ):
        home = tmp_path_factory.mktemp("home")
        settings = {"CONTACT_SYNC_HOME": str(home), "CONTACT_SYNC_PARTITION_DAYS": "2"}
        for name, value in (world.settings() | settings).items():
            patch.setenv(name, value)
        installation = Installation.from_environment()
        patch.setenv("DAGSTER_HOME", str(installation.settings.dagster_home))
        shutil.copytree(parsed_dbt, installation.dbt.target_path)
        outcomes = []
        for verb in SEQUENCE:
            result = CliRunner().invoke(app, [*verb, "--json"])
            outcomes.append(Told(verb=verb, exit_code=result.exit_code, document=json.loads(result.stdout)))
        yield outcomes


def of(told: list[Told], verb: str, *, last: bool = False) -> Told:
    """The first or last outcome of a verb."""
    found = [outcome for outcome in told if outcome.verb[0] == verb]
    return found[-1 if last else 0]


def test_every_verb_of_the_sequence_succeeds(told: list[Told]) -> None:
    """Nothing fails, except that `run` and `reconcile` may say that differences wait in the plan."""
    assert [] == [(outcome.verb, outcome.document) for outcome in told if outcome.exit_code != 0]


def test_doctor_reaches_every_instance(told: list[Told]) -> None:
    """Both orgs, the ERP and the bucket answer, say who they are, and let us do what the catalog asks."""
    document = of(told, "doctor").document
    found = {(one["source"], one["instance"]): one["is_ok"] for one in document}

    assert {
        ("drops", "main"): True,
        ("erp", "main"): True,
        ("salesforce", "core"): True,
        ("salesforce", "emea"): True,
    } == found
    assert [] == [finding for one in document for finding in one["findings"]]
    assert {True} == {bool(one["description"]) for one in document}


def test_extract_tells_its_figures(told: list[Told]) -> None:
    """Rows, pages, bytes, seconds, memory, watermark and batch are there, and the counts add up."""
    report = of(told, "extract").document

    assert 200 <= report["rows"] == report["rows_new"] + report["rows_known"] == report["declared_rows"]
    assert {"pages", "bytes", "seconds", "peak_rss_mb", "watermark", "batch_id"} <= set(report)


def test_a_run_waits_for_the_review(told: list[Told]) -> None:
    """Under the default policy a run plans and writes nothing; its differences wait in the plan."""
    summary = of(told, "run").document

    assert [] == summary["problems"]
    assert summary["planned"] > 0
    assert 0 == summary["written"] == summary["unexplained"]


def test_apply_writes_the_plan_that_was_shown(told: list[Told]) -> None:
    """What the plan counted is what was written, created and refused; afterwards nothing is left to do."""
    plan, applied = of(told, "plan").document, of(told, "apply").document

    assert plan["plan_id"] == applied["plan_id"]
    assert plan["rows"] == applied["planned"] == applied["written"] + applied["refused"]
    created = {stage["entity"]: stage["created"] for stage in applied["stages"] if stage["stage"] == "create"}
    grown = applied["counts_after"]["salesforce__contact"] - applied["counts_before"]["salesforce__contact"]
    assert created.get("contact", 0) == grown
    assert 0 == sum(result["unexplained"] for result in of(told, "reconcile").document)
    assert 0 == of(told, "plan", last=True).document["rows"]


def test_status_tells_age_and_promise(told: list[Told]) -> None:
    """Every object of every instance has an age and is on time right after a run."""
    objects = of(told, "status").document["objects"]

    assert all(entry["age_seconds"] is not None and not entry["is_late"] for entry in objects)
    assert {("salesforce__contact", "emea"), ("drops__trade_show", "main")} <= {
        (entry["object"], entry["instance"]) for entry in objects
    }


def test_simulate_prints_settings_that_work_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """The printed settings lead to servers that answer; an interrupt ends every process."""
    command = [
        str(Path(sys.executable).with_name("contact-sync")),
        "simulate",
        "--contacts",
        "60",
        "--accounts",
        "20",
        "--json",
    ]
    environment = os.environ | {"CONTACT_SYNC_HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            lines = []
            while not lines or lines[-1] != "}\n":
                lines.append(process.stdout.readline())
            ready = json.loads("".join(lines))
            url = ready["settings"]["CONTACT_SYNC_SALESFORCE__CORE__URL"]

            assert httpx.get(f"{url}/services/data").is_success
            assert httpx.get(f"{ready['control']}/status").json()["is_paused"]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)

    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/services/data")
