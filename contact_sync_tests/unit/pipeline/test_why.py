"""`why` explains a person from what is known, by its key, a key that was superseded, or one of its records."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.errors import DecisionError
from contact_sync.pipeline.decisions import decide, judgement
from contact_sync.pipeline.why import explain
from contact_sync.state.decisions import Verdict
from contact_sync_tests.unit.pipeline.stewards_bench import ANN, ANNE, BOB, BOBBY, StewardsBench


@pytest.fixture
def bench() -> Iterator[StewardsBench]:
    """Ann and Anne were two persons, until an e-mail address and a steward joined Ann, Anne and Bob."""
    bench = StewardsBench()
    keys, bench.keys = bench.keys, []
    bench.resolve()
    bench.earlier = bench.key(ANNE)
    bench.keys = keys
    said = judgement(bench.installation, bench.entity, Verdict.SAME, ANN, BOB, steward="Ann", note="phoned")
    decide(bench.installation, [said])
    bench.resolve()
    with bench.installation.warehouse.session("gold") as session:
        row = {"person_key": bench.key(ANN), "field": "email", "value": "ann@acme.example"}
        row |= {"source_record_key": ANNE, "rule": "most_recent", "version_at": None}
        session.replace("gold.contact_field", pa.Table.from_pylist([row]))
    yield bench
    bench.installation.close()


def test_everything_about_a_person_is_told(bench: StewardsBench) -> None:
    """Records, evidence with its rule, the decision, the candidate, the history of the key and the golden value."""
    found = explain(bench.installation, bench.entity, bench.key(ANN))

    assert [(ANN, True), (ANNE, True), (BOB, True)] == [(row["record_key"], row["is_live"]) for row in found.records]
    assert [(ANN, ANNE, "email_last_name", None)] == [
        (row["record_key_1"], row["record_key_2"], row["rule"], row["score"]) for row in found.evidence
    ]
    assert [("same", "Ann", "phoned")] == [(row["verdict"], row["steward"], row["note"]) for row in found.decisions]
    assert [(BOB, BOBBY)] == [(row["record_key_1"], row["record_key_2"]) for row in found.waiting]
    assert ["create", "create", "create", "merge", "merge"] == [row["kind"] for row in found.events]
    assert [("email", ANNE, "most_recent")] == [
        (row["field"], row["source_record_key"], row["rule"]) for row in found.fields
    ]
    assert {key for row in found.superseded for key in [row["key"]]} | {found.key} == {
        row["key"] for row in found.events
    } | {row["other_key"] for row in found.events if row["other_key"]}


def test_scores_come_with_the_weight_of_each_comparison(bench: StewardsBench) -> None:
    """A pair that the model joined is evidence like a rule."""
    bench.pairs = [(*bench.pairs[0][:3], 0.97, bench.pairs[0][4])]
    bench.resolve()
    (scored,) = [row for row in explain(bench.installation, bench.entity, BOBBY).evidence if row["score"]]

    assert (BOB, BOBBY, 0.97) == (scored["record_key_1"], scored["record_key_2"], scored["score"])
    assert [["email", "exact", 7.25], ["last_name", "close", -1.0]] == scored["details"]


def test_a_superseded_key_and_a_record_lead_to_the_same(bench: StewardsBench) -> None:
    """Whatever name somebody noted once, the person of today is explained, also on the command line."""
    asked = (bench.key(ANN), bench.earlier, BOB)
    keys = {explain(bench.installation, bench.entity, one).key for one in asked}
    told = [json.loads(CliRunner().invoke(app, ["why", "person", one, "--json"]).stdout) for one in asked]
    shown = CliRunner().invoke(app, ["why", "person", bench.earlier])

    assert {bench.key(ANN)} == keys == {one["key"] for one in told}
    assert 1 == len({json.dumps({**one, "asked": ""}) for one in told})
    assert (0, True) == (shown.exit_code, "What happened to its key" in shown.stdout)


def test_a_record_that_is_gone_is_still_told(bench: StewardsBench) -> None:
    """It has no values any more, but it was part of the person."""
    del bench.records[BOB]
    bench.resolve()

    assert (BOB, False) in [
        (row["record_key"], row["is_live"]) for row in explain(bench.installation, bench.entity, ANN).records
    ]


def test_nobody_cannot_be_explained(bench: StewardsBench) -> None:
    """The message says what to give."""
    with pytest.raises(DecisionError, match=r"No record or person per_unknown is known\. Give a person_key"):
        explain(bench.installation, bench.entity, "per_unknown")
