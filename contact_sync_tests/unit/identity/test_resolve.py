"""Resolving an entity in a real warehouse with a real ledger: stamps, repetition, crashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from contact_sync.identity.resolve import Resolution, resolve
from contact_sync.state.database import StateDatabase
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync_tests.unit.sync.two_sides import CONTACT


@dataclass
class People:
    """Records with their stamps and match keys, as dbt leaves them."""

    warehouse: DuckDBWarehouse
    ledger: IdentityLedger
    stamps: dict[str, str | None] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)

    def resolve(self, *, dies: bool = False) -> Resolution:
        """One run; one that dies loses what it did to the warehouse, not what it did to the ledger."""
        with self.warehouse.session("identity") as session:
            session.replace(
                "silver.contact_record",
                pa.table(
                    {
                        "record_key": pa.array(self.stamps.keys(), pa.string()),
                        "external_id": pa.array(self.stamps.values(), pa.string()),
                    }
                ),
            )
            session.replace(
                "identity.person_match_key",
                pa.table(
                    {
                        "record_key": pa.array([record for record, _ in self.keys], pa.string()),
                        "rule": pa.array(["rule" for _ in self.keys], pa.string()),
                        "match_key": pa.array([key for _, key in self.keys], pa.string()),
                    }
                ),
            )
            resolution = resolve(session, self.ledger, CONTACT)
            if dies:
                raise KeyboardInterrupt
        return resolution

    def links(self) -> dict[str, str]:
        """record_key -> person_key, as gold reads it."""
        with self.warehouse.session("read") as session:
            rows = session.query("select record_key, person_key from identity.person_link").to_pylist()
        return {row["record_key"]: row["person_key"] for row in rows}


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    """Three records; the first two share a key."""
    database = StateDatabase("sqlite://")
    people = People(DuckDBWarehouse(tmp_path / "w.duckdb", memory_mb=500, threads=1), IdentityLedger(database))
    people.stamps = {"a_erp": None, "crm": None, "other": None}
    people.keys = {("a_erp", "1"), ("crm", "1"), ("other", "2")}
    yield people
    database.close()


def test_records_get_keys_and_the_report_has_the_counts(people: People) -> None:
    """Two of three records are one person."""
    resolution = people.resolve()
    links = people.links()

    assert (3, 2, 2, {"create": 2}) == (resolution.records, resolution.keys, resolution.largest, resolution.events)
    assert links["a_erp"] == links["crm"] != links["other"]
    assert {} == people.resolve().events


def test_a_crash_between_ledger_and_warehouse_is_repaired_by_the_next_run(people: People) -> None:
    """The ledger has the keys, the warehouse does not: the rerun finds the same and notes nothing."""
    with pytest.raises(KeyboardInterrupt):
        people.resolve(dies=True)
    noted = {row["record_key"]: row["key"] for row in people.ledger.members("contact").to_pylist()}

    assert {} == people.resolve().events
    assert noted == people.links()


def test_a_stamped_record_stays_with_its_person(people: People) -> None:
    """Our own write has changed everything it was matched by: its stamp leads to its person."""
    people.resolve()
    before = people.links()
    people.stamps["crm"] = before["a_erp"]
    people.keys -= {("crm", "1")}

    assert {} == people.resolve().events
    assert before == people.links()


def test_a_stamp_in_a_warehouse_made_anew_still_leads_to_its_person(people: People, tmp_path: Path) -> None:
    """The warehouse is lost, the ledger is not: nobody gets another key."""
    people.resolve()
    before = people.links()
    people.warehouse = DuckDBWarehouse(tmp_path / "new.duckdb", memory_mb=500, threads=1)
    people.stamps["crm"] = before["a_erp"]
    people.keys -= {("crm", "1")}

    assert {} == people.resolve().events
    assert before == people.links()


def test_a_superseded_stamp_leads_to_the_person_of_today(people: People) -> None:
    """Two people turned out to be one: a record with either stamp belongs to it, also when the evidence is gone."""
    people.resolve()
    before = people.links()
    people.stamps |= {"crm": before["crm"], "other": before["other"]}
    people.keys |= {("other", "1")}
    assert {"merge": 1} == people.resolve().events
    people.keys -= {("other", "1")}

    assert {} == people.resolve().events
    assert 1 == len(set(people.links().values()))


def test_a_stamp_that_nobody_gave_joins_nobody(people: People) -> None:
    """Somebody typed a text into the field, twice: it is no key of ours."""
    people.stamps |= {"crm": "typed", "other": "typed"}
    people.resolve()

    assert people.links()["crm"] != people.links()["other"]


def test_a_source_that_is_away_costs_nobody_a_key(people: People) -> None:
    """Without its record, and with it again: no event, the same keys."""
    people.resolve()
    before = people.links()
    del people.stamps["a_erp"]
    assert {} == people.resolve().events
    people.stamps["a_erp"] = None

    assert {} == people.resolve().events
    assert before == people.links()


def test_nobody_at_all_is_no_error(people: People) -> None:
    """The first run finds nothing yet."""
    people.stamps, people.keys = {}, set()
    resolution = people.resolve()

    assert (0, 0, 0, {}) == (resolution.records, resolution.keys, resolution.largest, resolution.events)
