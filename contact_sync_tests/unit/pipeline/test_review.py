"""Stewards see what waits, decide it here or in a spreadsheet, and every later resolution goes by what they decided."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.errors import DecisionError
from contact_sync.pipeline.decisions import decide, entity_of, judgement, withdraw
from contact_sync.pipeline.review import Answer, answer, list_candidates
from contact_sync.pipeline.review_file import read_answers, readable, write_candidates
from contact_sync.state.decisions import Verdict
from contact_sync_tests.unit.pipeline.stewards_bench import ANN, ANNE, BOB, BOBBY, EVE, EVIDENCE, StewardsBench


@pytest.fixture
def bench() -> Iterator[StewardsBench]:
    """Four persons of five records; one pair waits."""
    bench = StewardsBench()
    bench.resolve()
    yield bench
    bench.installation.close()


def judge(bench: StewardsBench, verdict: Verdict, one: str, other: str, steward: str = "Ann") -> int:
    """Take one decision; its number."""
    said = judgement(bench.installation, bench.entity, verdict, one, other, steward=steward)
    return decide(bench.installation, [said])[0].decision_id


def filled_in(bench: StewardsBench, path: Path, decision: str) -> Path:
    """An export in which a steward has decided every row."""
    write_candidates(list_candidates(bench.installation, bench.entity), path)
    kinds = {".csv": (pd.read_csv, "to_csv"), ".xlsx": (pd.read_excel, "to_excel")}
    read, write = kinds[path.suffix]
    table = read(path, dtype=str, keep_default_na=False)
    table["decision"] = decision
    getattr(table, write)(path, index=False)
    return path


def test_a_candidate_shows_the_values_of_both_sides(bench: StewardsBench) -> None:
    """Score, evidence and the values of each field; fields that the records do not have are left out."""
    (one,) = list_candidates(bench.installation, bench.entity)

    assert ((BOB, BOBBY), 0.8, "score", EVIDENCE) == (one.record_keys, one.score, one.reason, one.evidence)
    assert ("Bob", "Bobby") == one.fields["first_name"]
    assert "company_key" not in one.fields
    assert "email exact +7.2, last_name close -1.0" == readable(one.evidence)


@pytest.mark.parametrize(("suffix", "decision", "persons"), [("csv", "same", 3), ("xlsx", "Different ", 4)])
def test_a_spreadsheet_goes_there_and_back(
    bench: StewardsBench, tmp_path: Path, suffix: str, decision: str, persons: int
) -> None:
    """Exported, filled in, imported: the decision holds in the next resolution, and the candidate waits no more."""
    answers = read_answers(filled_in(bench, tmp_path / f"review.{suffix}", decision))
    answer(bench.installation, bench.entity, answers, steward="Ann")

    assert [] == list_candidates(bench.installation, bench.entity)
    assert persons == bench.resolve().keys
    assert [] == list_candidates(bench.installation, bench.entity)


def test_an_export_is_harmless_and_without_answers_until_it_is_filled_in(bench: StewardsBench, tmp_path: Path) -> None:
    """No cell begins a formula; an empty decision is no answer; semicolons are understood."""
    path = tmp_path / "review.csv"
    write_candidates(list_candidates(bench.installation, bench.entity), path)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)

    assert ["'+1 212 555 0101", '\'=HYPERLINK("x")'] == [table["phone 1"][0], table["phone 2"][0]]
    assert [] == read_answers(path)
    table["decision"] = "same"
    table.to_csv(path, index=False, sep=";")
    assert [Verdict.SAME] == [one.verdict for one in read_answers(path)]


def test_a_candidate_that_changed_since_the_export_is_refused_with_all_others(
    bench: StewardsBench, tmp_path: Path
) -> None:
    """The row is named, and nothing of the file is noted."""
    bench.pairs.append((ANNE, EVE, "model", 0.7, "[]"))
    bench.resolve()
    path = filled_in(bench, tmp_path / "review.csv", "same")
    bench.records[BOBBY]["email"] = "bobby@acme.example"
    bench.resolve()

    with pytest.raises(DecisionError, match=r"1 of 2 answers are refused.*row 2: candidate c\w+ has changed since"):
        answer(bench.installation, bench.entity, read_answers(path), steward="Ann")
    assert [] == bench.installation.decisions.decisions()


def test_answers_to_what_does_not_wait_and_twice_are_refused(bench: StewardsBench) -> None:
    """Both are named by where they stand."""
    (one,) = list_candidates(bench.installation, bench.entity)
    answers = [
        Answer(place=place, candidate_id=candidate, version=one.version, verdict=Verdict.SAME)
        for place, candidate in (("row 2", one.candidate_id), ("row 3", one.candidate_id), ("row 4", "c0"))
    ]

    with pytest.raises(DecisionError) as refused:
        answer(bench.installation, bench.entity, answers, steward="Ann")
    assert "row 3: candidate" in str(refused.value)
    assert "row 4: candidate c0 does not wait any more" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "candidate,version\nc1,v1\n", "a.csv has no column decision, note"),
        ("a.csv", "candidate,version,decision,note\nc1,v1,perhaps,\n", "none of different, same in row 2"),
        ("a.csv", "", r"a.csv is no csv file that can be read \(EmptyDataError\)"),
        ("a.xlsx", "no workbook", "a.xlsx is no xlsx file that can be read"),
        ("a.pdf", "", "a.pdf is neither CSV nor Excel"),
        (None, "", "cannot be read"),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, name: str | None, content: str, message: str) -> None:
    """The error says what is wrong and where, and quotes no cell."""
    path = tmp_path / (name or "missing.csv")
    if name is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(DecisionError, match=message):
        read_answers(path)


def test_decisions_join_and_part_and_are_taken_back(bench: StewardsBench) -> None:
    """Persons by their keys, records by theirs; a withdrawn decision leaves everything as before."""
    before = {record: bench.key(record) for record in bench.records}
    joined = judge(bench, Verdict.SAME, bench.key(EVE), bench.key(BOB))
    parted = judge(bench, Verdict.DIFFERENT, ANN, ANNE)
    bench.resolve()
    assert bench.key(EVE) == bench.key(BOB)
    assert bench.key(ANN) != bench.key(ANNE)
    withdraw(bench.installation, joined)
    withdraw(bench.installation, parted)
    bench.resolve()

    assert before == {record: bench.key(record) for record in bench.records}


def test_what_was_decided_to_be_different_does_not_come_back(bench: StewardsBench) -> None:
    """Other evidence between the same two persons is settled as well."""
    bench.pairs += [(ANN, BOB, "model", 0.7, "[]"), (ANNE, BOB, "model", 0.75, "[]")]
    bench.resolve()
    judge(bench, Verdict.DIFFERENT, ANN, BOB)
    bench.resolve()

    assert [(BOB, BOBBY)] == [one.record_keys for one in list_candidates(bench.installation, bench.entity)]


def test_a_contradiction_is_refused_by_the_number_of_the_decision(bench: StewardsBench) -> None:
    """Same as one another by a chain, records cannot be different, and the other way round."""
    judge(bench, Verdict.SAME, ANN, BOB)
    judge(bench, Verdict.SAME, BOB, EVE)
    with pytest.raises(DecisionError, match=r"cannot be different: against decision 1, decision 2\. Nothing was noted"):
        judge(bench, Verdict.DIFFERENT, ANN, EVE)
    judge(bench, Verdict.DIFFERENT, EVE, BOBBY)
    with pytest.raises(DecisionError, match="cannot be same: against decision 3"):
        judge(bench, Verdict.SAME, ANN, BOBBY)

    assert [1, 2, 3] == [one.decision_id for one in bench.installation.decisions.decisions()]


@pytest.mark.parametrize(
    ("one", "other", "steward", "message"),
    [
        (ANN, "per_unknown", "Ann", "No record or person per_unknown is known"),
        (ANN, ANN, "Ann", "are one record"),
        (ANN, EVE, " ", "needs the name of the steward"),
    ],
)
def test_a_decision_about_nobody_or_by_nobody_is_refused(
    bench: StewardsBench, one: str, other: str, steward: str, message: str
) -> None:
    """Nothing is noted."""
    with pytest.raises(DecisionError, match=message):
        judge(bench, Verdict.SAME, one, other, steward)
    assert [] == bench.installation.decisions.decisions()


def test_a_held_create_waits_with_the_weak_keys_it_shares(bench: StewardsBench) -> None:
    """An ERP record without a contact: the contact that shares most with it, then the other; one refused is gone."""
    erp = "erp__contact/main/1"
    bench.records[erp] = {"first_name": "Eva", "last_name": "Poe"}
    bench.weak_keys = [(EVE, "last_name_company", "1"), (erp, "last_name_company", "1"), (EVE, "name", "2")]
    bench.weak_keys += [(erp, "name", "2"), (ANN, "phone_last_name", "3"), (erp, "phone_last_name", "3")]
    bench.resolve()
    _, most, least = list_candidates(bench.installation, bench.entity)

    assert ((erp, EVE), "held", None) == (most.record_keys, most.reason, most.score)
    assert "last_name_company shared, name shared" == readable(most.evidence)
    assert (erp, ANN) == least.record_keys
    judge(bench, Verdict.DIFFERENT, *most.record_keys)
    bench.resolve()
    assert [(BOB, BOBBY), (erp, ANN)] == [one.record_keys for one in list_candidates(bench.installation, bench.entity)]


def test_a_subject_that_nobody_has_keys_of_is_refused(bench: StewardsBench) -> None:
    """The message names those there are."""
    with pytest.raises(DecisionError, match=r"no keys of a dog\. Known: company, person"):
        entity_of(bench.installation, "dog")


def test_stewards_work_on_the_command_line(bench: StewardsBench, tmp_path: Path) -> None:
    """List, accept, refuse, withdraw, export and import; a mistake ends with an error and no decision."""
    run = CliRunner().invoke
    listed = json.loads(run(app, ["review", "list", "--json"]).stdout)
    candidate = listed["candidates"][0]["candidate_id"]
    shown = run(app, ["review", "list"]).stdout
    exported = run(app, ["review", "export", str(tmp_path / "r.xlsx")])
    accepted = run(app, ["review", "accept", candidate, "--steward", "Ann", "--json"])
    again = run(app, ["review", "accept", candidate, "--steward", "Ann", "--json"])
    withdrawn = run(app, ["review", "withdraw", "1", "--json"])
    refused = run(app, ["review", "refuse", candidate, "--steward", "Ann", "--json"])
    different = run(app, ["review", "different", ANN, EVE, "--steward", "Ann", "--json"])
    same = run(app, ["review", "same", ANN, EVE, "--steward", "Ann", "--json"])
    imported = run(app, ["review", "import", str(tmp_path / "r.xlsx"), "--steward", "Ann"])
    decided = json.loads(run(app, ["review", "decisions", "--json"]).stdout)

    assert 1 == listed["waiting"]
    assert "Bobby" in shown
    assert [0, 0, 1, 0, 0, 0, 1, 0] == [
        one.exit_code for one in (exported, accepted, again, withdrawn, refused, different, same, imported)
    ]
    assert ["same", "different", "different"] == [one["verdict"] for one in decided]
    assert [True, False, False] == [one["withdrawn_at"] is not None for one in decided]
