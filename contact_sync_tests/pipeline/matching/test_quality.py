"""The committed model on contacts whose truth is known: as good as it says, all at once or bit by bit."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest

from benchmarks.matching.normalised import components, judge, match_keys, normalise
from benchmarks.matching.world import make_contacts
from contact_sync.identity.comparisons import NO_RULE, shared_rules
from contact_sync.identity.model import load_model
from contact_sync.identity.scoring import score_all, score_changes

MODEL = load_model()
RULES = ["email_last_name", "email_first_name", "phone_name", "name_postal_code", "name_street", "name_company"]


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database for one test."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def pairs_of(database: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], float]:
    """(record, record) -> score of all pairs that are kept."""
    rows = database.sql("""
        select least(one.record_key, two.record_key), greatest(one.record_key, two.record_key), score
        from pair inner join record as one on one.id = pair.one inner join record as two on two.id = pair.two
    """).fetchall()
    return {(one, two): score for one, two, score in rows}


def test_increments_find_what_a_full_run_finds(database: duckdb.DuckDBPyConnection) -> None:
    """Records that come, change and go in six steps lead to the pairs of one run; 99.9 % are judged alike."""
    normalise(database, make_contacts(20_000, 31))
    database.execute("create table gone as select record_key from person where hash(record_key) % 200 = 0")
    database.execute("create table nobody as select record_key from person limit 0")
    late = "hash(record_key) % 200"
    database.execute(f"create table early as select * from person where {late} not between 1 and 5")
    database.execute(f"update early set phone = null where {late} between 6 and 9")
    score_all(database, MODEL, "early")
    for step in (1, 2, 3, 4, 5):
        database.execute(f"create or replace table late as from person where {late} in ({step}, {step + 5})")
        score_changes(database, MODEL, "late", "nobody")
    database.execute("create or replace table late as from person limit 0")
    report = score_changes(database, MODEL, "late", "gone")
    found = pairs_of(database)
    database.execute("create table remaining as from person where record_key not in (from gone)")
    full = score_all(database, MODEL, "remaining")
    expected = pairs_of(database)
    assert full.records == report.records
    joined = {pair for pair, score in expected.items() if score >= MODEL.join}
    differing = joined ^ {pair for pair, score in found.items() if score >= MODEL.join}
    assert len(differing) <= 0.001 * full.records
    assert len(expected.keys() - found.keys()) <= 0.001 * len(expected)


def test_the_scorer_knows_the_rules_of_the_models(database: duckdb.DuckDBPyConnection) -> None:
    """Two records share a key of identity/person_match_key exactly if their pattern names it, or one before it."""
    normalise(database, make_contacts(4_000, 33))
    score_all(database, MODEL, "person")
    database.register("match_key", match_keys(database))
    rows = database.sql("""
        with shared as (
            select one.record_key as one, two.record_key as two, list(distinct one.rule) as rules
            from match_key as one
            inner join match_key as two on two.rule = one.rule and two.match_key = one.match_key
            group by all
        )

        select pair.pattern, coalesce(shared.rules, []) as rules
        from pair
        inner join record as one on one.id = pair.one
        inner join record as two on two.id = pair.two
        left join shared on shared.one = one.record_key and shared.two = two.record_key
        where one.name_suffix = two.name_suffix
    """).fetchall()
    named = shared_rules(np.array([pattern for pattern, _ in rows])).tolist()
    assert len(set(named)) == len(RULES) + 1
    wrong = [(rule, rules) for rule, (_, rules) in zip(named, rows, strict=True) if rule != first_of(rules)]
    assert wrong == []


def first_of(rules: list[str]) -> str:
    """The first of these rules in the order in which they are asked."""
    return min(rules, key=RULES.index, default=NO_RULE)


def test_the_model_finds_people_that_it_was_not_trained_on(database: duckdb.DuckDBPyConnection) -> None:
    """On a world of its own: F1 0.93 at precision 0.97, with fewer than two comparisons for each record."""
    normalise(database, make_contacts(20_000, 32))
    report = score_all(database, MODEL, "person")
    joined = database.execute("select one, two from pair where score >= ?", [MODEL.join]).fetchnumpy()
    truth = database.sql("select person from record inner join truth using (record_key) order by id").fetchnumpy()
    quality = judge(components(20_000, joined["one"], joined["two"]), truth["person"])
    assert quality.precision >= 0.97
    assert quality.f1 >= 0.93
    assert report.compared <= 2 * report.records
