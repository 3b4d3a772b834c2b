"""New values are normalised once, in the run that brings them, and answers of an older library are made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from contact_sync.errors import CatalogError
from contact_sync.normalisation import remembered
from contact_sync.normalisation.country import CountryNames
from contact_sync.normalisation.kinds import Kind, all_kinds
from contact_sync.normalisation.remembered import (
    NormalizedCount,
    ValueColumn,
    normalize_new_values,
    prepare_answers,
    state_of_answers,
    value_columns,
)
from contact_sync.normalisation.result import Normalized
from contact_sync.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    from contact_sync.warehouse.base import Session

NOW = datetime(2026, 11, 26, tzinfo=UTC)
KINDS = all_kinds(CountryNames({"germany": "DE"}, "fingerprint"))
COLUMNS = [
    ValueColumn(table="crm__contact", column="Phone", kind="phone", hint="Country"),
    ValueColumn(table="crm__contact", column="Email", kind="email"),
    ValueColumn(table="crm__contact", column="LastName", kind="person_name", unless="FirstName"),
]
NAMES = ("_instance", "_sequence", "Phone", "Country", "Email", "FirstName", "LastName")
ROWS = [
    ("core", 1, "030 5550123", "Germany", "bob@acme.com", None, "Miller, Bob"),
    ("core", 1, " 030 5550123\t", "Germany", "not an address", "Ann", "Lee, Ann"),
    ("core", 1, "2125550123", "Germany", "Bob <bob@acme.com>", " ", "Miller"),
    ("core", 2, "030 5550124", "Germany", "bob@münchen.example", None, None),
    ("other", 1, "030 5550125", "Germany", "joe@münchen.example", None, "Doe, Joe"),
]


@contextmanager
def bronze(path: Path) -> Iterator[Session]:
    """A session on a warehouse with a bronze table."""
    with DuckDBWarehouse(path / "w.duckdb", memory_mb=500).session("test") as session:
        rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
        types = [pa.string(), pa.int64(), *[pa.string()] * 5]
        session.replace(
            "bronze.crm__contact", pa.Table.from_pylist(rows, pa.schema(list(zip(NAMES, types, strict=True))))
        )
        yield session


def run(
    session: Session, *, after: int, up_to: int, kinds: dict[str, Kind] = KINDS, now: datetime = NOW
) -> dict[str, NormalizedCount]:
    """Normalise what a window holds."""
    window = {"object_name": ["crm__contact"], "instance": ["core"]}
    session.replace(
        "pipeline.bronze_window", pa.table({**window, "after_sequence": [after], "up_to_sequence": [up_to]})
    )
    return {count.kind: count for count in normalize_new_values(session, COLUMNS, kinds, now=now)}


def answers(session: Session, kind: str) -> list[tuple[Any, ...]]:
    """(raw, hint, normalized, rule) of a kind."""
    query = "select raw, hint, normalized, rule from pipeline.normalized_value where kind = $1 order by raw"
    return [tuple(row.values()) for row in session.query(query, (kind,)).to_pylist()]


def test_what_sql_leaves_over_is_normalised_once(tmp_path: Path) -> None:
    """In the trimmed form silver has; regular values, other instances and names beside a first name are left alone."""
    with bronze(tmp_path) as session:
        counts = run(session, after=0, up_to=1)

        assert [
            ("030 5550123", "Germany", "+49305550123", None),
            ("2125550123", "Germany", "+492125550123", None),
        ] == answers(session, "phone")
        assert [
            ("Bob <bob@acme.com>", "", "bob@acme.com", None),
            ("not an address", "", None, "email_syntax"),
        ] == answers(session, "email")
        assert [("Miller, Bob", "", "Bob|Miller|", None)] == answers(session, "person_name")
        assert [
            NormalizedCount(kind="email", seen=3, left_to_sql=1, normalized=1, refused=1, renewed=0),
            NormalizedCount(kind="phone", seen=3, left_to_sql=0, normalized=3, refused=0, renewed=0),
            NormalizedCount(kind="person_name", seen=2, left_to_sql=1, normalized=1, refused=0, renewed=0),
        ] == list(counts.values())


def test_only_new_values_are_read_again(tmp_path: Path) -> None:
    """A later window adds its values; the same window again finds every answer, and adds no row."""
    with bronze(tmp_path) as session:
        run(session, after=0, up_to=1)
        later = run(session, after=1, up_to=2)
        again = run(session, after=0, up_to=2)

        assert (1, 1) == (later["phone"].normalized, later["email"].normalized)
        assert 3 == len(answers(session, "phone"))
        assert 0 == again["email"].normalized + again["person_name"].normalized


def test_a_warehouse_without_answers_gets_those_of_all_of_bronze(tmp_path: Path) -> None:
    """Also of batches merged long ago: an installation that is older than the table, or lost what it held."""
    with bronze(tmp_path) as session:
        prepare_answers(session)
        run(session, after=2, up_to=2)

        assert 3 == len(answers(session, "phone"))


@pytest.mark.parametrize(("say_otherwise", "different_states"), [(True, 4), (False, 2)])
def test_the_state_of_answers_tells_when_any_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, say_otherwise: bool, different_states: int
) -> None:
    """New values leave it as it is, and so does another version that says the same; one that does not changes it until
    all answers are renewed.
    """
    monkeypatch.setattr(remembered, "PAGE_SIZE", 2)
    phone = replace(KINDS["phone"], version="newer")
    if say_otherwise:
        phone = replace(phone, normalize=lambda _raw, _hint: Normalized(value="+1"))
    newer = {**KINDS, "phone": phone}
    with bronze(tmp_path) as session:
        states = [state_of_answers(session)]
        for day, (after, kinds) in enumerate([(0, KINDS), (1, KINDS), (2, newer), (2, newer), (2, newer)]):
            run(session, after=after, up_to=min(after + 1, 2), kinds=kinds, now=NOW + timedelta(days=day))
            states.append(state_of_answers(session))

        assert states[1] == states[2]
        assert states[4] == states[5]
        assert different_states == len(set(states))


@pytest.mark.parametrize(
    "by_hand",
    [
        "update pipeline.normalized_value set normalized = '+4930777' where raw = '030 5550123'",
        "delete from pipeline.normalized_value where raw = '030 5550123'",
        "delete from pipeline.normalized_value",
    ],
)
def test_the_state_of_answers_tells_when_somebody_else_changed_one(tmp_path: Path, by_hand: str) -> None:
    """A correction, an erasure and an emptied table are seen by the next run, once."""
    with bronze(tmp_path) as session:
        run(session, after=0, up_to=1)
        before = state_of_answers(session)
        session.execute(by_hand)
        states = []
        for day in (1, 2):
            run(session, after=1, up_to=2, now=NOW + timedelta(days=day))
            states.append(state_of_answers(session))

        assert before != states[0]
        assert states[0] == states[1]


def test_answers_of_another_version_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many in a run as fit a page; the old answer holds until then, and there is never more than one."""
    monkeypatch.setattr(remembered, "PAGE_SIZE", 2)
    with bronze(tmp_path) as session:
        run(session, after=0, up_to=2)
        newer = {**KINDS, "phone": replace(KINDS["phone"], version="newer")}
        versions = "select count(*) from pipeline.normalized_value where library_version = 'newer'"

        assert [(2, 2), (1, 3), (0, 3)] == [
            (run(session, after=2, up_to=2, kinds=newer)["phone"].renewed, session.scalar(versions)) for _ in range(3)
        ]
        assert 3 == len(answers(session, "phone"))


def test_values_go_through_in_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value is seen once, whatever the size of a page."""
    with bronze(tmp_path) as session:
        whole = run(session, after=0, up_to=2)
        session.execute("drop table pipeline.normalized_value")
        monkeypatch.setattr(remembered, "PAGE_SIZE", 1)

        assert whole == run(session, after=0, up_to=2)


def test_a_column_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    """A slip of the pen would otherwise leave its values to SQL unseen; a project without such columns is fine."""
    column = ValueColumn(table="crm__contact", column="Fax", kind="fax")
    with bronze(tmp_path) as session:
        assert [] == normalize_new_values(session, [], KINDS, now=NOW)
        with pytest.raises(CatalogError, match=r"bronze\.crm__contact, column Fax: there is no kind fax of values"):
            normalize_new_values(session, [column], KINDS, now=NOW)


def test_columns_are_declared_at_their_sources() -> None:
    """A bronze column says what it is in its meta; the others are not read."""
    meta = {"crm__contact": {"Phone": {"normalised_as": "phone", "hint": "Country"}, "Country": {}}}

    assert COLUMNS[:1] == value_columns(meta)
