"""Who looks only at what has changed, or at one part after the other, finds what they find who look at everything."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from contact_sync.identity import resolve
from contact_sync.identity.last_resolution import forget_resolution
from contact_sync.state.database import StateDatabase
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync_tests.unit.identity.test_resolve import People

TABLES: Final = {
    "identity.person_link": "record_key, person_key",
    "identity.person_review": "candidate_id, record_key_1, record_key_2, key_1, key_2, score, reason, evidence",
    "pipeline.contact_joining_pair": "record_key_1, record_key_2, rule, score",
    "pipeline.contact_stamp_key": "key, current_key, anchor_record_key",
    "pipeline.contact_retired_link": "record_key, key",
    "pipeline.contact_different": "key, other_key",
    "pipeline.contact_split": "key, component",
}
RECORDS: Final = [f"crm/{number:02}" for number in range(24)]


@dataclass(frozen=True)
class Siblings:
    """Installations in which the same happens: one looks always at everything, one at what has changed, and one now at
    this and then at that, but in parts.
    """

    careful: People
    quick: People
    patient: People

    def all(self) -> tuple[People, ...]:
        """Each of them."""
        return self.careful, self.quick, self.patient

    def resolve(self, chance: random.Random) -> int:
        """Resolve all; how many records the quick one looked at."""
        for people in (self.careful, *([self.patient] if chance.random() < 0.5 else [])):
            with people.warehouse.session("forget") as session:
                forget_resolution(session, "contact")
        self.careful.resolve()
        self.patient.resolve()
        return self.quick.resolve().looked_at

    def found(self) -> Iterator[dict[str, list[Any]]]:
        """What each has in its tables."""
        for people in self.all():
            with people.warehouse.session("read") as session:
                yield {
                    table: session.query(f"select {columns} from {table} order by all").to_pylist()
                    for table, columns in TABLES.items()
                }


@pytest.fixture
def siblings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Siblings]:
    """All before the first resolution; no change is so large that everything is looked at for it."""
    monkeypatch.setattr(resolve, "_WHOLE_FROM", 2.0)
    databases = [StateDatabase("sqlite://") for _ in range(3)]
    yield Siblings(
        *(
            People(
                DuckDBWarehouse(tmp_path / f"{number}.duckdb", memory_mb=500, threads=1),
                IdentityLedger(database),
                part_records=8 if number == 2 else 1_000,
            )
            for number, database in enumerate(databases)
        )
    )
    for database in databases:
        database.close()


def happens(siblings: Siblings, chance: random.Random) -> None:
    """Something changes about a few records: values, scores, stamps, merges, decisions, whether they are there."""
    links = list(siblings.quick.links().values()) or ["per_unknown"]
    for record in chance.sample(RECORDS, 3):
        other = chance.choice([one for one in RECORDS if one != record])
        pair = {"record_key_1": min(record, other), "record_key_2": max(record, other)}
        score, keys = chance.choice([0.2, 0.5, 0.96, 0.999]), {str(chance.randrange(12)) for _ in range(2)}
        kind, stamp = chance.random(), chance.choice(links)
        for people in siblings.all():
            if kind < 0.15 and record in people.stamps:
                del people.stamps[record]
            else:
                people.stamps.setdefault(record, None)
            people.pairs = [one for one in people.pairs if record not in one.values()]
            people.keys = {(one, key) for one, key in people.keys if one != record}
            if record not in people.stamps:
                continue
            people.keys |= {(record, key) for key in keys}
            if kind > 0.5 and other in people.stamps:
                people.pairs.append({**pair, "rule": "model", "score": score, "evidence": "[]"})
            if 0.3 < kind < 0.4:
                people.stamps[record] = stamp
            if 0.4 < kind < 0.45:
                people.different = sorted({*people.different, (pair["record_key_1"], pair["record_key_2"])})
            if 0.45 < kind < 0.48 and people.different:
                people.different = people.different[1:]
            # The other one may not be there yet.
            if 0.15 < kind < 0.22:
                people.merged = [one for one in people.merged if record not in one]
                people.merged.append((record, other))
                del people.stamps[record]


@pytest.mark.parametrize("seed", [11, 19, 29])
def test_changes_lead_to_what_everything_leads_to(siblings: Siblings, seed: int) -> None:
    """After each of many changes all have the same persons, candidates, pairs and keys; one looked at fewer."""
    chance = random.Random(seed)
    looked_at = [siblings.resolve(chance)]
    for number in range(8):
        for _ in range(4 if number == 0 else 1):
            happens(siblings, chance)
        looked_at.append(siblings.resolve(chance))
        careful, *others = siblings.found()
        assert [careful] * len(others) == others, (seed, number)
    assert min(looked_at[1:]) < max(looked_at)
