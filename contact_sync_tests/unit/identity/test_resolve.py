"""Resolving an entity in a real warehouse with a real ledger: stamps, repetition, crashes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from contact_sync.identity.changes import last_change
from contact_sync.identity.collect import Decided
from contact_sync.identity.evidence import DECIDED_SCHEMA, PAIR_SCHEMA
from contact_sync.identity.resolve import Resolution, resolve
from contact_sync.state.database import StateDatabase
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync_tests.unit.identity.silver_changes import note_changes, write_keys
from contact_sync_tests.unit.sync.small_catalog import CONTACT


@dataclass
class People:
    """Records with their stamps and match keys, as dbt leaves them."""

    warehouse: DuckDBWarehouse
    ledger: IdentityLedger
    stamps: dict[str, str | None] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)
    pairs: list[dict[str, object]] = field(default_factory=list)
    common: set[str] = field(default_factory=set)
    merged: list[tuple[str, str]] = field(default_factory=list)
    same: list[tuple[str, str]] = field(default_factory=list)
    different: list[tuple[str, str]] = field(default_factory=list)
    known: dict[str, set[object]] = field(default_factory=dict)
    part_records: int = 1_000

    def resolve(self, *, dies: bool = False) -> Resolution:
        """One run; one that dies loses what it did to the warehouse, not what it did to the ledger."""
        changed = self._changed()
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
            merged = [row for loser, master in self.merged for row in ((loser, master), (master, master))]
            keys = [(record, "rule", key) for record, key in self.keys]
            keys += [(record, "salesforce_merge", key) for record, key in set(merged)]
            write_keys(session, keys, {("rule", key) for key in self.common})
            session.replace("identity.person_pair", pa.Table.from_pylist(self.pairs, PAIR_SCHEMA))
            note_changes(session, changed)
            decided = Decided(same=_pairs(self.same), different=_pairs(self.different))
            number = last_change(session, [CONTACT]) + 1
            resolution = resolve(
                session, self.ledger, CONTACT, decided=decided, number=number, part_records=self.part_records
            )
            if dies:
                raise KeyboardInterrupt
        return resolution

    def _changed(self) -> set[str]:
        """The records of which something is not what it was when this was asked last."""
        now: dict[str, set[object]] = defaultdict(set)
        for record, stamp in self.stamps.items():
            now[record].add(("stamp", stamp))
        for record, key in self.keys | set(self.merged):
            now[record].add(key)
        for pair in self.pairs:
            for side in (1, 2):
                now[str(pair[f"record_key_{side}"])].add(repr(pair))
        before, self.known = self.known, dict(now)
        return {record for record in before.keys() | now.keys() if before.get(record) != now.get(record)}

    def links(self) -> dict[str, str]:
        """record_key -> person_key, as gold reads it."""
        with self.warehouse.session("read") as session:
            rows = session.query("select record_key, person_key from identity.person_link").to_pylist()
        return {row["record_key"]: row["person_key"] for row in rows}


def _pairs(pairs: list[tuple[str, str]]) -> pa.Table:
    return pa.Table.from_pylist([{"record_key_1": one, "record_key_2": other} for one, other in pairs], DECIDED_SCHEMA)


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


def test_a_crash_between_ledger_and_warehouse_is_repaired_by_the_next_run(people: People) -> None:
    """The ledger has the keys, the warehouse does not: the rerun finds the same and notes nothing."""
    with pytest.raises(KeyboardInterrupt):
        people.resolve(dies=True)
    noted = {row["record_key"]: row["key"] for row in people.ledger.members("contact").read_all().to_pylist()}

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


def test_a_key_that_becomes_common_parts_whom_it_joined(people: People) -> None:
    """Nothing about their records has changed, but what the key says; and again when fewer share it."""
    people.stamps |= {f"stranger{number}": None for number in range(20)}
    people.resolve()
    people.common = {"1"}
    parted = people.resolve()
    links = people.links()

    assert links["a_erp"] != links["crm"]
    assert 0 < parted.looked_at < len(people.stamps)
    people.common = set()
    people.resolve()
    links = people.links()
    assert links["a_erp"] == links["crm"]


def test_what_has_not_changed_is_not_resolved_again(people: People) -> None:
    """The second time nothing is read but fingerprints, and the counts are those of the first; news are resolved."""
    first = people.resolve()
    again = people.resolve()
    people.keys |= {("other", "1")}

    assert (False, True) == (first.is_unchanged, again.is_unchanged)
    assert (first.records, first.keys, first.largest, {}) == (again.records, again.keys, again.largest, again.events)
    assert {"merge": 1} == people.resolve().events


def test_another_ledger_is_resolved_again(people: People) -> None:
    """The operational database was lost: the warehouse does not believe that nothing has happened."""
    people.resolve()
    people.ledger = IdentityLedger(StateDatabase("sqlite://"))

    assert {"create": 2} == people.resolve().events


def test_a_decision_that_is_taken_back_gives_the_earlier_keys_back(people: People) -> None:
    """Joined by a steward and parted again: every key is as it was, each change is an event."""
    people.resolve()
    before = people.links()
    people.same = [("crm", "other")]
    assert {"merge": 1} == people.resolve().events
    people.same = []

    assert {"split": 1} == people.resolve().events
    assert before == people.links()


def test_a_decision_parts_what_shares_a_key(people: People) -> None:
    """Decided to be different: two keys, and what was cut is counted by its reason."""
    people.resolve()
    people.different = [("a_erp", "crm")]
    resolution = people.resolve()

    assert ({"split": 1}, {"decided": 1}, 0) == (resolution.events, resolution.cut, resolution.candidates)
    assert 3 == len(set(people.links().values()))


def test_a_score_that_joined_a_record_holds_when_it_is_merged(people: People) -> None:
    """crm was other's by its score alone, and is merged into master: other stays, run after run, until it is undone."""
    scored = {"record_key_1": "crm", "record_key_2": "other", "rule": "model", "score": 0.99, "evidence": "7"}
    people.stamps, people.keys = {"crm": None, "master": None, "other": None}, set()
    people.pairs = [scored]
    people.resolve()
    before = people.links()
    del people.stamps["crm"]
    people.pairs, people.merged = [], [("crm", "master")]
    assert {"merge": 1} == people.resolve().events
    assert {"master": before["crm"], "other": before["crm"]} == people.links()
    people.keys = {("master", "1"), ("new", "1")}
    people.stamps["new"] = None
    assert {"join": 1} == people.resolve().events

    people.stamps["crm"], people.pairs, people.merged = None, [scored], []
    people.resolve()
    assert before == {record: key for record, key in people.links().items() if record != "new"}


def test_a_record_that_was_merged_twice_leads_to_a_master_that_comes_later(people: People) -> None:
    """crm lives on in second, that in third, and third in last; as long as none of them is live nothing is known of
    crm but its key, which last gets when it comes.
    """
    people.stamps |= {f"stranger{number}": None for number in range(20)}
    people.keys = set()
    people.resolve()
    before = people.links()["crm"]
    del people.stamps["crm"]
    people.merged = [("crm", "second"), ("second", "third")]
    people.resolve()
    people.merged.append(("third", "last"))
    people.stamps["last"] = None
    resolution = people.resolve()

    assert before == people.links()["last"]
    assert resolution.looked_at < len(people.stamps)


def test_records_that_carry_keys_that_became_one_are_one(people: People) -> None:
    """Two share a key, but a steward keeps them apart; of two others each carries the key of one of them, and nothing
    else is known. When the decision is taken back, the two become one, and then the others, too.
    """
    people.stamps = {"b0": None, "b1": None, "d0": None, "d1": None, "lone": None, "single": None}
    people.stamps |= {f"stranger{number}": None for number in range(20)}
    people.keys = {("b0", "B"), ("b1", "B"), ("lone", "B"), ("d0", "D"), ("d1", "D"), ("single", "D")}
    people.resolve()
    before = people.links()
    people.stamps |= {"lone": before["b1"], "single": before["d1"]}
    del people.stamps["b0"], people.stamps["d0"]
    people.keys = {("b1", "B"), ("d1", "D"), ("b1", "J"), ("d1", "J")}
    people.different = [("b1", "d1")]
    people.resolve()
    people.different = []
    people.resolve()
    people.resolve()
    links = people.links()

    assert links["b1"] == links["d1"]
    assert links["lone"] == links["single"]
    assert people.resolve().is_unchanged
