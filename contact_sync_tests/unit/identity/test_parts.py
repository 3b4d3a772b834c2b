"""What has to be resolved together is in one part, and everybody is in one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from contact_sync.identity.assign import MEMBER_SCHEMA
from contact_sync.identity.collect import Decided
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA
from contact_sync.identity.evidence import DECIDED_SCHEMA, PAIR_SCHEMA, Limits
from contact_sync.identity.last_resolution import retired_table, stamp_table
from contact_sync.identity.news import note_decided
from contact_sync.identity.parts import parts_of
from contact_sync.identity.resolve import prepare
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import joining_table, link_table, pair_table
from contact_sync.identity.work_tables import SPLIT_SCHEMA, work_tables
from contact_sync.state.database import StateDatabase
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync_tests.unit.identity.silver_changes import write_keys
from contact_sync_tests.unit.sync.small_catalog import CONTACT

RECORDS: Final = [f"crm/{number:03}" for number in range(200)]
ONE, OTHER, THIRD = RECORDS[7], RECORDS[150], RECORDS[60]
KEY, LATER_KEY = f"per_{1:020}", f"per_{2:020}"
LINKS: Final = pa.schema([("record_key", pa.string()), ("person_key", pa.string())])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Records of which nothing is known."""
    with DuckDBWarehouse(tmp_path / "w.duckdb", memory_mb=500, threads=1).session("test") as session:
        stamps = pa.array([None] * len(RECORDS), pa.string())
        session.replace("silver.contact_record", pa.table({"record_key": RECORDS, "external_id": stamps}))
        write_keys(session, [])
        prepare(session, CONTACT)
        note_decided(session, CONTACT, decided())
        session.replace(pair_table(CONTACT), PAIR_SCHEMA.empty_table())
        session.replace(joining_table(CONTACT), PAIR_SCHEMA.empty_table())
        session.replace(link_table(CONTACT), LINKS.empty_table())
        session.replace(retired_table("contact"), MEMBER_SCHEMA.empty_table())
        session.replace(stamp_table("contact"), CURRENT_KEY_SCHEMA.empty_table())
        yield session


@pytest.fixture
def ledger() -> Iterator[IdentityLedger]:
    """Nobody has a key."""
    database = StateDatabase("sqlite://")
    yield IdentityLedger(database)
    database.close()


def decided(*pairs: tuple[str, str], verdict: str = "same") -> Decided:
    """What stewards have decided."""
    rows = [dict(zip(DECIDED_SCHEMA.names, pair, strict=True)) for pair in pairs]
    table, none = pa.Table.from_pylist(rows, DECIDED_SCHEMA), DECIDED_SCHEMA.empty_table()
    return Decided(same=table, different=none) if verdict == "same" else Decided(same=none, different=table)


def parts(session: Session, ledger: IdentityLedger, *, most_records: int = 1) -> list[set[str]]:
    """The records of each part."""
    scope = Scope(session=session, entity=CONTACT)
    found = parts_of(scope, ledger, Limits(), most_records=most_records)
    return [
        set(session.query(f"select record_key from {part.among}").column("record_key").to_pylist()) for part in found
    ]


def scored(score: float) -> pa.Table:
    """A pair that the model has looked at."""
    row = {"record_key_1": ONE, "record_key_2": OTHER, "rule": "model", "score": score, "evidence": "[]"}
    return pa.Table.from_pylist([row], PAIR_SCHEMA)


def links(*pairs: tuple[str, str], schema: pa.Schema = LINKS) -> pa.Table:
    """Keys of records, as the last resolution left them."""
    return pa.Table.from_pylist([dict(zip(schema.names, pair, strict=True)) for pair in pairs], schema)


def stamped(session: Session, **keys: str) -> None:
    """Let records carry keys; what they do not name they do not carry."""
    column = pa.array([keys.get(record.replace("/", "_")) for record in RECORDS], pa.string())
    session.replace("silver.contact_record", pa.table({"record_key": RECORDS, "external_id": column}))


def in_use(session: Session, *keys: tuple[str, str, str]) -> None:
    """Keys, each with the one that stands for it and the record that one was derived from."""
    rows = [dict(zip(CURRENT_KEY_SCHEMA.names, key, strict=True)) for key in keys]
    session.replace(stamp_table("contact"), pa.Table.from_pylist(rows, CURRENT_KEY_SCHEMA))


def share_a_key(session: Session, _ledger: IdentityLedger) -> None:
    """A match key in common."""
    write_keys(session, [(ONE, "rule", "1"), (OTHER, "rule", "1")])


def share_keys_with_a_third(session: Session, _ledger: IdentityLedger) -> None:
    """Each another match key in common with the same one."""
    write_keys(session, [(ONE, "rule", "1"), (THIRD, "rule", "1"), (THIRD, "rule", "2"), (OTHER, "rule", "2")])


def are_scored_as_one(session: Session, _ledger: IdentityLedger) -> None:
    """The model is sure."""
    session.replace(pair_table(CONTACT), scored(0.99))


def were_joined(session: Session, _ledger: IdentityLedger) -> None:
    """The last resolution joined them."""
    session.replace(joining_table(CONTACT), scored(0.99))


def were_decided(session: Session, _ledger: IdentityLedger) -> None:
    """A steward has judged them."""
    note_decided(session, CONTACT, decided((ONE, OTHER), verdict="different"))


def had_one_key(session: Session, _ledger: IdentityLedger) -> None:
    """The last resolution gave them one key."""
    session.replace(link_table(CONTACT), links((ONE, KEY), (OTHER, KEY)))


def were_kept_apart(session: Session, _ledger: IdentityLedger) -> None:
    """Guards gave two keys to whom evidence connects."""
    session.replace(link_table(CONTACT), links((ONE, KEY), (OTHER, LATER_KEY)))
    session.replace(work_tables("contact").split, links((KEY, KEY), (LATER_KEY, KEY), schema=SPLIT_SCHEMA))


def is_back(session: Session, ledger: IdentityLedger) -> None:
    """One had the key of the other, and was away at the last resolution."""
    ledger.adopt("contact", links((ONE, KEY), schema=MEMBER_SCHEMA))
    session.replace(link_table(CONTACT), links((OTHER, KEY)))


def was_away_and_lives_on(session: Session, ledger: IdentityLedger) -> None:
    """Somebody away had the key of one, and lives on in the other by now."""
    ledger.adopt("contact", links(("crm/gone", KEY), schema=MEMBER_SCHEMA))
    session.replace(link_table(CONTACT), links((ONE, KEY)))
    write_keys(session, [("crm/gone", "salesforce_merge", OTHER), (OTHER, "salesforce_merge", OTHER)])


def carry_keys_that_became_one(session: Session, _ledger: IdentityLedger) -> None:
    """Each carries a key, of which one stands for the other."""
    stamped(session, crm_007=KEY, crm_150=LATER_KEY)
    in_use(session, (KEY, KEY, THIRD), (LATER_KEY, KEY, THIRD))


def carries_the_key_of(session: Session, _ledger: IdentityLedger) -> None:
    """One carries the key that was derived from the other."""
    stamped(session, crm_007=KEY)
    in_use(session, (KEY, KEY, OTHER))


@pytest.mark.parametrize(
    "tie",
    [
        share_a_key,
        share_keys_with_a_third,
        are_scored_as_one,
        were_joined,
        were_decided,
        had_one_key,
        were_kept_apart,
        is_back,
        was_away_and_lives_on,
        carry_keys_that_became_one,
        carries_the_key_of,
    ],
)
def test_who_is_tied_is_in_one_part(session: Session, ledger: IdentityLedger, tie: object) -> None:
    """Whatever ties two of them; without it they are in two, and everybody is in exactly one."""
    apart = parts(session, ledger)
    assert not any({ONE, OTHER} <= part for part in apart)
    tie(session, ledger)  # type: ignore[operator]  # one of those above
    found = parts(session, ledger)

    assert any({ONE, OTHER} <= part for part in found)
    assert sorted(RECORDS) == sorted(record for part in found for record in part if record in RECORDS)


def test_a_long_chain_is_in_one_part(session: Session, ledger: IdentityLedger) -> None:
    """Each shares a key with the next one only."""
    chain = RECORDS[:90]
    write_keys(session, [(record, "rule", str(at + step)) for at, record in enumerate(chain) for step in (0, 1)])
    found = parts(session, ledger)

    assert any(set(chain) <= part for part in found)
    assert len(RECORDS) == sum(map(len, found))


def test_few_are_not_parted(session: Session, ledger: IdentityLedger) -> None:
    """Where all fit, the scope itself is the only part."""
    scope = Scope(session=session, entity=CONTACT)
    assert [scope] == list(parts_of(scope, ledger, Limits(), most_records=len(RECORDS)))


def test_parts_are_of_about_the_size_that_is_asked_for(session: Session, ledger: IdentityLedger) -> None:
    """Strangers are spread over them."""
    sizes = [len(part) for part in parts(session, ledger, most_records=50)]
    assert 4 == len(sizes)
    assert max(sizes) < 80
