"""`discover` and `extract` on two orgs with many object types: everything is read, counted, and read cheaply again."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from contact_sync.catalog import CatalogObject
from contact_sync.extraction.extract import Extractor
from contact_sync.extraction.report import ExtractionReport
from contact_sync_tests.pipeline.commands.two_orgs import TYPES, Orgs, held, published, run, state_of, states

LEFT_OUT = {"VoteView"}


def test_everything_is_discovered_and_extracted(orgs: Orgs) -> None:
    """One command reads every object of both orgs; a second one finds nothing new, at little more than a call each."""
    code, reports = run("extract", "--discover")

    assert 0 == code, [one for one in reports if "error" in one]
    assert held(orgs) == {(one["object_name"], one["instance"]): one["rows_new"] for one in reports} == published()
    assert all(report["rows_read"] == report["declared_rows"] for report in reports)

    before = {name: org.org.api_usage for name, org in orgs.items()}
    code, again = run("extract")

    assert (0, 0) == (code, sum(report["rows_new"] for report in again))
    for name, org in orgs.items():
        calls = org.org.api_usage - before[name]
        objects = sum(instance == name for _, instance in held(orgs))
        assert calls <= 1.5 * objects, (name, calls)
        assert 0 == org.jobs["query"]


def test_drift_is_told(orgs: Orgs) -> None:
    """After a discovery the check is quiet; a new object, or one that is gone, ends it with exit code 2."""
    code, found = run("discover")
    assert (0, TYPES - len(LEFT_OUT), len(LEFT_OUT)) == (code, found["objects"], found["left_out"])
    assert 0 == run("discover", "--check")[0]

    schema = orgs["core"].store.schema
    added = replace(schema.known("Generated_001__c"), name="Added__c")
    schema._objects["added__c"] = added
    schema._modified["added__c"] = datetime.now(UTC)
    code, found = run("discover", "--check")
    assert (2, ["salesforce/Added__c"], []) == (code, found["new"], found["gone"])
    del schema._objects["added__c"]

    del schema._objects["generated_001__c"]
    code, found = run("discover", "--check")
    assert (2, ["salesforce/Generated_001__c"]) == (code, found["gone"])

    orgs["emea"].outage(is_down=True)
    assert 2 == run("discover")[0]
    code, found = run("discover", "--check")
    assert (2, [], ["salesforce/emea"]) == (code, found["gone"], list(found["problems"]))


def test_a_failed_object_does_not_stop_the_others(orgs: Orgs) -> None:
    """With one org down its extractions fail by name, and all of the other's are done; patterns choose objects."""
    assert 0 == run("discover")[0]
    orgs["emea"].outage(is_down=True)

    code, outcomes = run("extract", "salesforce__c*")

    assert 1 == code
    assert 1 == run("extract", "salesforce__c*", "--discover")[0]
    states = {(one["instance"], one.get("state", "read")) for one in outcomes}
    assert {("core", "read"), ("emea", "failed")} == states
    assert all(one["object_name"].startswith("salesforce__c") for one in outcomes)


def test_one_object_fails_alone(orgs: Orgs) -> None:
    """An object that an answering org no longer has fails by name; everything else of that org is published."""
    assert 0 == run("discover")[0]
    del orgs["core"].store.schema._objects["generated_001__c"]

    code, outcomes = run("extract")

    assert 1 == code
    failed = [one for one in outcomes if state_of(one) != "read"]
    assert [("salesforce__generated_001__c", "core", "failed")] == [
        (one["object_name"], one["instance"], one["state"]) for one in failed
    ]
    assert held(orgs) == {work: rows for work, rows in published().items() if work[0] != failed[0]["object_name"]}


def test_a_defect_fails_one_object(orgs: Orgs, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw makes the exit code 1 and names its object; everything else is published."""
    assert 0 == run("discover")[0]
    broken = ("salesforce__generated_001__c", "core")
    original = Extractor.run

    def run_or_break(extractor: Extractor, item: CatalogObject, instance: str, *rest: Any, **options: Any) -> Any:
        if (item.name, instance) == broken:
            raise ZeroDivisionError
        return original(extractor, item, instance, *rest, **options)

    monkeypatch.setattr(Extractor, "run", run_or_break)
    code, outcomes = run("extract")

    assert 1 == code
    failed = [one for one in outcomes if state_of(one) != "read"]
    assert [(*broken, "failed", "DefectError")] == [
        (one["object_name"], one["instance"], one["state"], one["error"]) for one in failed
    ]
    assert {work: 0 if work == broken else rows for work, rows in held(orgs).items()} == published()

    code, alone = run("extract", broken[0], "--instance", broken[1])
    assert (1, "DefectError") == (code, alone["error"])


def test_the_guard_of_the_request_limit_leaves_the_rest_for_later(orgs: Orgs) -> None:
    """Once the share of an org's requests is used its objects are incomplete, exit code 2; later they are read."""
    assert 0 == run("discover")[0]
    limits, used = orgs["core"].org.limits, orgs["core"].org.api_usage
    limits.api_requests = round((used + 20) / 0.9)

    code, outcomes = run("extract")

    assert 2 == code
    of_core = states([one for one in outcomes if one["instance"] == "core"])
    assert {"read", "incomplete"} == set(of_core)
    assert {"read"} == set(states([one for one in outcomes if one["instance"] == "emea"]))
    assert orgs["core"].org.api_usage < limits.api_requests
    waiting = next(one for one in outcomes if state_of(one) == "incomplete")
    code, outcome = run("extract", waiting["object_name"], "--instance", "core")
    assert (2, "incomplete", "QuotaExhaustedError") == (code, outcome["state"], outcome["error"])

    limits.api_requests = 100_000
    code, outcomes = run("extract")

    assert 0 == code, states(outcomes)
    assert held(orgs) == published()


def test_as_many_side_by_side_as_asked_for(orgs: Orgs, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--parallel` counts, not the setting; without it the setting does."""
    assert 0 == run("discover")[0]
    monkeypatch.setenv("CONTACT_SYNC_PARALLEL", "3")
    most: list[int] = []
    running: Counter[str] = Counter()
    lock = threading.Lock()
    original = Extractor.run

    def counted(*arguments: Any, **options: Any) -> ExtractionReport:
        with lock:
            running["now"] += 1
            most[-1] = max(most[-1], running["now"])
        try:
            return original(*arguments, **options)
        finally:
            with lock:
                running["now"] -= 1

    monkeypatch.setattr(Extractor, "run", counted)
    for arguments in ((), ("--parallel", "1")):
        most.append(0)
        assert 0 == run("extract", *arguments)[0]

    assert [3, 1] == most


def test_a_pattern_that_matches_nothing_is_an_error(orgs: Orgs) -> None:
    """Neither an unknown name nor an empty pattern is taken for success."""
    assert 0 == run("discover")[0]

    assert (1, "CatalogError") == _error(run("extract", "erp__*"))
    assert (1, "CatalogError") == _error(run("extract", "salesforce__nothing"))


def _error(told: tuple[int, Any]) -> tuple[int, str]:
    return told[0], told[1]["error"]
