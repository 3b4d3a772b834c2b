"""Contacts arrive in ten increments and are parted again: whatever happens to a key, an event says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlalchemy as sa

from benchmarks.matching.normalised import as_silver, match_keys, normalise
from benchmarks.matching.world import make_contacts
from contact_sync.identity.changes import last_change
from contact_sync.identity.collect import Decided
from contact_sync.identity.evidence import DECIDED_SCHEMA
from contact_sync.identity.model import load_model
from contact_sync.identity.resolve import resolve
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.scoring import score_people
from contact_sync.settings import load_settings
from contact_sync.state.database import IDENTITY_EVENT
from contact_sync_tests.unit.identity.silver_changes import note_changes, write_keys

RECORDS = 1_500
INCREMENTS = 10
MODEL = load_model()
MOVES = ("merge", "split", "move", "adopt")


class Replay:
    """Silver that grows, the scorer, and the ledger; every resolution is checked against the ledger's events."""

    def __init__(self, installation: Installation, directory: Path) -> None:
        self.installation = installation
        self.store = directory / "person.duckdb"
        self.entity = installation.catalog.entities["contact"]
        self.seen = 0
        self.records = 0
        with duckdb.connect(config={"threads": 1}) as database:
            normalise(database, make_contacts(RECORDS, 41))
            self.people = as_silver(database.sql("select * from person order by hash(record_key)").to_arrow_table())
            self.keys = match_keys(database)

    def run(self, records: int, different: list[tuple[str, str]] | None = None) -> dict[str, str]:
        """A run over the first records with these decisions; record -> key, after the checks."""
        before = self.members()
        people = self.people.slice(0, records)
        known = pc.is_in(self.keys.column("record_key"), value_set=people.column("record_key").combine_chunks())
        apart = pa.table(
            {name: [pair[place] for pair in different or []] for place, name in enumerate(DECIDED_SCHEMA.names)},
            schema=DECIDED_SCHEMA,
        )
        with self.installation.warehouse.session("replay") as session:
            session.replace("silver.contact_record", people)
            write_keys(session, map(tuple, zip(*self.keys.filter(known).to_pydict().values(), strict=True)))
            note_changes(session, people.column("record_key").to_pylist()[self.records :])
            self.records = records
            score_people(session, MODEL, self.store)
            decided = Decided(same=DECIDED_SCHEMA.empty_table(), different=apart)
            number = last_change(session, [self.entity]) + 1
            resolve(
                session, self.installation.identities, self.entity, decided=decided, limits=MODEL.limits, number=number
            )
            links = {row["record_key"]: row["person_key"] for row in session.read("identity.person_link").to_pylist()}
        after = self.members()
        assert links == after
        self.check(before, after)
        return after

    def members(self) -> dict[str, str]:
        """The ledger's word: record -> key."""
        rows = self.installation.identities.members("contact").read_all().to_pylist()
        return {row["record_key"]: row["key"] for row in rows}

    def check(self, before: dict[str, str], after: dict[str, str]) -> None:
        """Each record whose key changed is counted by an event of this run; keys that are gone lead to one in use."""
        with self.installation.state.transaction() as connection:
            query = sa.select(IDENTITY_EVENT).where(IDENTITY_EVENT.c.event_id > self.seen)
            events = connection.execute(query).mappings().all()
        self.seen = max([self.seen, *(event["event_id"] for event in events)])
        told: Counter[tuple[str | None, str]] = Counter()
        for event in events:
            told[event["other_key"], event["key"]] += event["record_count"]
            assert (event["other_key"] is not None) == (event["kind"] in MOVES)
        changed = Counter((before.get(record), key) for record, key in after.items() if before.get(record) != key)
        assert told == changed
        in_use = set(after.values())
        for key in set(before.values()):
            assert self.installation.identities.current_key("contact", key) in in_use


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """A fresh installation."""
    monkeypatch.setenv("CONTACT_SYNC_HOME", str(tmp_path))
    installation = Installation(load_settings())
    installation.settings.root.mkdir(parents=True, exist_ok=True)
    yield Replay(installation, tmp_path)
    installation.close()


def test_replay_in_ten_increments_and_an_unmerge(replay: Replay) -> None:
    """No key changes without an event; a steward's refusals part persons, and taking them back restores every key."""
    for increment in range(1, INCREMENTS + 1):
        joined = replay.run(RECORDS * increment // INCREMENTS)
    groups: dict[str, list[str]] = {}
    for record, key in sorted(joined.items()):
        groups.setdefault(key, []).append(record)
    parted = [(members[0], members[1]) for members in groups.values() if len(members) == 2][::4]
    apart = replay.run(RECORDS, parted)
    assert all(apart[one] != apart[two] for one, two in parted)
    assert sum(joined[record] != apart[record] for record in joined) == len(parted)
    assert replay.run(RECORDS) == joined
    assert replay.run(RECORDS, parted) == apart
