"""The identity ledger: keys are never lost, and what they stand for is always known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pytest
import sqlalchemy as sa

from contact_sync.state.database import StateDatabase
from contact_sync.state.identities import IdentityLedger
from contact_sync_tests.lake_databases import new_database
from contact_sync_tests.unit.identity.history import resolved_keys

Rows = list[tuple[str, ...]]


def table(columns: str, rows: Rows) -> pa.Table:
    """Rows of text."""
    names = columns.split()
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)})


@dataclass(frozen=True)
class Given:
    """Changes as an assignment has them."""

    moved: pa.Table
    created: pa.Table
    reinstated: pa.Table
    superseded: pa.Table
    events: pa.Table


def changes(
    *,
    moved: Rows = (),
    created: Rows = (),
    reinstated: Rows = (),
    superseded: Rows = (),  # type: ignore[assignment]
) -> Given:
    """Changes without events."""
    return Given(
        moved=table("record_key key", moved),
        created=table("key anchor_record_key", created),
        reinstated=table("key", reinstated),
        superseded=table("key superseded_by", superseded),
        events=pa.table({"kind": [], "key": [], "other_key": [], "record_count": []}),
    )


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of each of the two engines."""
    if request.param == "sqlite":
        yield "sqlite://"
    else:
        with new_database(request.getfixturevalue("postgres")) as url:
            yield url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def ledger(url: str) -> Iterator[IdentityLedger]:
    """Two keys with a record each."""
    database = StateDatabase(url)
    ledger = IdentityLedger(database)
    ledger.record("contact", changes(moved=[("a", "K1"), ("b", "K2")], created=[("K1", "a"), ("K2", "b")]))
    yield ledger
    database.close()


def members(ledger: IdentityLedger) -> dict[str, str]:
    """record_key -> key."""
    return {row["record_key"]: row["key"] for row in ledger.members("contact").read_all().to_pylist()}


def resolved(ledger: IdentityLedger) -> dict[str, tuple[str, str]]:
    """key -> (current key, its anchor)."""
    rows = resolved_keys(ledger).to_pylist()
    return {row["key"]: (row["current_key"], row["anchor_record_key"]) for row in rows}


def test_an_empty_ledger_has_tables_with_the_right_columns(ledger: IdentityLedger) -> None:
    """Entities do not see each other's keys, and nothing is still a table."""
    keys, members = ledger.keys("account").read_all(), ledger.members("account").read_all()

    assert [0, 0] == [keys.num_rows, members.num_rows]
    assert ["key", "anchor_record_key", "created_at", "superseded_by"] == keys.column_names


def test_superseded_keys_hand_their_records_over(ledger: IdentityLedger) -> None:
    """Also records that are away belong to the successor; the key resolves, through a chain too, to its anchor."""
    ledger.record("contact", changes(superseded=[("K2", "K1")]))
    assert {"a": "K1", "b": "K1"} == members(ledger)

    ledger.record("contact", changes(created=[("K0", "c")], superseded=[("K1", "K0")]))
    assert dict.fromkeys(("K0", "K1", "K2"), ("K0", "c")) == resolved(ledger)


def test_a_reinstated_key_stands_for_itself_and_keeps_its_age(ledger: IdentityLedger) -> None:
    """It is as old as ever, so that it does not lose to keys that were made meanwhile."""
    ages = {row["key"]: row["created_at"] for row in ledger.keys("contact").read_all().to_pylist()}
    ledger.record("contact", changes(superseded=[("K2", "K1")]))
    ledger.record("contact", changes(moved=[("b", "K2")], reinstated=[("K2",)]))

    assert {"K1": ("K1", "a"), "K2": ("K2", "b")} == resolved(ledger)
    assert ages == {row["key"]: row["created_at"] for row in ledger.keys("contact").read_all().to_pylist()}


def test_changes_are_stored_together_or_not_at_all(ledger: IdentityLedger) -> None:
    """A key that exists already cannot be created again; what came with it is not stored either, no value is told."""
    with pytest.raises(sa.exc.IntegrityError) as error:
        ledger.record("contact", changes(moved=[("a", "K9")], created=[("K1", "secret")]))

    assert "secret" not in str(error.value)
    assert {"a": "K1", "b": "K2"} == members(ledger)


def test_unknown_stamps_are_adopted(ledger: IdentityLedger) -> None:
    """A key that a target record carries and the ledger does not know becomes that record's key; known ones stay."""
    ledger.adopt("contact", table("record_key key", [("a", "K1"), ("c", "K9")]))

    members = {row["record_key"]: row["key"] for row in ledger.members("contact").read_all().to_pylist()}
    assert {"a": "K1", "b": "K2", "c": "K9"} == members
    assert {"K1": "a", "K2": "b", "K9": "c"} == {
        row["key"]: row["anchor_record_key"] for row in ledger.keys("contact").read_all().to_pylist()
    }
