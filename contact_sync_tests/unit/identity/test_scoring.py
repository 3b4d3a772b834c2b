"""Pairs of people are found, compared and weighed as the model says, all at once or bit by bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from contact_sync.errors import IdentityError
from contact_sync.identity import blocking
from contact_sync.identity.comparisons import BITS, PERSON
from contact_sync.identity.model import MatchModel, load_model
from contact_sync.identity.scoring import COLUMNS, score_all

MODEL = load_model()
EVERY_PAIR = MatchModel(comparisons=PERSON, bias=0.0, weights={}, join=0.5, believe=0.5, review=0.0)
ANN = {"first_name": "ann", "last_name": "lee", "any_email": "ann.lee@acme.example", "email_is_role": False}


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for one test."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def people(*rows: dict[str, object]) -> pa.Table:
    """Records of these values, named r0, r1 ...; whatever is not given is unknown."""
    schema = pa.schema([(name, pa.bool_() if name == "email_is_role" else pa.string()) for name in COLUMNS])
    named = [{"record_key": f"r{number}", **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(named, schema=schema)


def level_of(
    database: duckdb.DuckDBPyConnection, comparison: str, one: dict[str, object], two: dict[str, object]
) -> str:
    """The level at which two records, that share a company and a name, are compared."""
    database.register("source", people(one, two))
    score_all(database, EVERY_PAIR, "source")
    ((pattern,),) = database.sql("select pattern from pair").fetchall()
    place = [one.name for one in PERSON].index(comparison)
    return PERSON[place].levels[pattern >> (BITS * place) & ((1 << BITS) - 1)]


@pytest.mark.parametrize(
    ("comparison", "other", "level"),
    [
        ("first_name", {"first_name": "a"}, "initial"),
        ("first_name", {"first_name": "anna"}, "close"),
        ("first_name", {"first_name": "bob"}, "different"),
        ("last_name", {"last_name": "leee"}, "close"),
        ("name_suffix", {"name_suffix": "jr"}, "one_sided"),
        ("email", {}, "same_of_few"),
        ("email", {"any_email": "ann.lee@home.example"}, "same_mailbox"),
        ("email", {"any_email": "info@acme.example", "email_is_role": True}, "role_at_one_domain"),
        ("email", {"any_email": None, "email_is_role": None}, "missing"),
        ("email_and_last_name", {"last_name": "roe"}, "different"),
        ("phone", {"mobile_phone": "+12125550101"}, "same_of_few"),
        ("phone", {"phone": "+12125550102"}, "different"),
        ("street", {"street": None}, "missing"),
        ("postal_code", {"postal_code": "10002"}, "different"),
        ("company", {}, "same_of_few"),
    ],
)
def test_levels(database: duckdb.DuckDBPyConnection, comparison: str, other: dict[str, object], level: str) -> None:
    """Each comparison finds the level that its name promises, whichever record comes first."""
    one = {**ANN, "phone": "+12125550101", "street": "1 elm st", "postal_code": "10001", "company": "acme"}
    two = {**one, **other} if "mobile_phone" not in other else {**one, "phone": None, **other}
    assert level_of(database, comparison, one, two) == level
    assert level_of(database, comparison, two, one) == level


def test_swapped_names_meet(database: duckdb.DuckDBPyConnection) -> None:
    """Lee Ann and Ann Lee at one address are compared, and the comparison says that the names are swapped."""
    one = {"first_name": "ann", "last_name": "lee", "postal_code": "10001"}
    two = {"first_name": "lee", "last_name": "ann", "postal_code": "10001"}
    assert [level_of(database, name, one, two) for name in ("first_name", "last_name")] == ["swapped", "swapped"]


def test_large_blocks_are_left_out(database: duckdb.DuckDBPyConnection) -> None:
    """Twenty-one records that share nothing but an e-mail address are not compared, and the block is counted."""
    rows = [{"first_name": f"f{n}", "last_name": f"l{n}", "any_email": "x@y.example"} for n in range(21)]
    database.register("source", people(*({**row, "email_is_role": False} for row in rows)))
    report = score_all(database, EVERY_PAIR, "source")
    assert report.compared == 0
    assert {block.rule: block.blocks_left_out for block in report.blocks}["email"] == 1


def test_a_rule_that_makes_too_many_pairs_is_left_out(
    database: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs are counted before they are made; the rule that exceeds the limit makes none and is named."""
    monkeypatch.setattr(blocking, "_FEW_PAIRS", 0)
    database.register("source", people(*[{**ANN, "any_email": f"ann@{n}.example"} for n in range(4)]))
    report = score_all(database, EVERY_PAIR, "source")
    assert {block.rule for block in report.blocks if not block.is_used} == {"name", "mailbox"}
    assert report.compared == 0


def test_weights_explain_the_score() -> None:
    """What is told of a pair adds up to its log odds, for any pattern, and every comparison is told of."""
    random = np.random.default_rng(5)
    for _ in range(50):
        numbers = [int(random.integers(len(one.levels))) for one in PERSON]
        pattern = sum(number << (BITS * place) for place, number in enumerate(numbers))
        told = MODEL.explain(pattern)
        assert {one.comparison for one in told} == {one.name for one in PERSON}
        expected = float(MODEL.log_odds(np.array([pattern]))[0])
        assert MODEL.bias + sum(one.weight for one in told) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("{", "is no model"),
        ('{"join": 0.9}', "is no model"),
        (
            '{"bias": 0, "join": 0.9, "believe": 0.6, "review": 0.3, "weights": [["email: unheard_of", 1.0]]}',
            "email: unheard_of",
        ),
    ],
)
def test_a_wrong_model_is_refused(tmp_path: Path, document: str, told: str) -> None:
    """A file that is no model, or weighs what is not compared, is refused by name."""
    (tmp_path / "person.json").write_text(document, encoding="utf-8")
    with pytest.raises(IdentityError, match=told) as refused:
        load_model(tmp_path / "person.json")
    assert "person.json" in str(refused.value)


def test_the_committed_model_is_auditable() -> None:
    """Each weight has a line of its own, and the file says what it was trained on."""
    lines = Path(load_model.__globals__["PERSON_MODEL"]).read_text(encoding="utf-8").splitlines()
    document = json.loads("\n".join(lines))
    assert len(document["weights"]) == sum(line.startswith("    [") for line in lines)
    assert document["trained_on"]["matches"] < document["trained_on"]["pairs"]
