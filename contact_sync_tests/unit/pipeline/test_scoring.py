"""`identity.person_pair` follows silver: only what has changed is scored, and nothing is lost when something breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from contact_sync.errors import WarehouseError
from contact_sync.identity import blocking
from contact_sync.identity.model import load_model
from contact_sync.pipeline.scored_pairs import DIFFERENCES, PAIRS
from contact_sync.pipeline.scoring import Scoring, score_people
from contact_sync.warehouse.duckdb import DuckDBSession, DuckDBWarehouse
from contact_sync_tests.unit.identity.silver_changes import note_changes

MODEL = load_model()
TEXTS = (
    "record_key",
    "external_id",
    "first_name_normalized",
    "last_name_normalized",
    "name_suffix",
    "email_normalized",
    "phone_normalized",
    "mobile_phone_normalized",
    "company_normalized",
    "street_normalized",
    "postal_code_normalized",
    "city",
    "job_title",
)
ANN = {
    "first_name_normalized": "ann",
    "last_name_normalized": "lee",
    "email_normalized": "ann.lee@acme.example",
    "phone_normalized": "+12125550101",
    "street_normalized": "1 elm st",
    "postal_code_normalized": "10001",
    "company_normalized": "acme",
}
BOB = {
    "first_name_normalized": "robert",
    "last_name_normalized": "roe",
    "email_normalized": "bob@roe.example",
    "company_normalized": "roe",
}


class Silver:
    """A warehouse with people, and the scorer's store beside it."""

    def __init__(self, directory: Path) -> None:
        self.warehouse = DuckDBWarehouse(directory / "warehouse.duckdb", memory_mb=500)
        self.store = directory / "identity" / "person.duckdb"
        self.before: set[str] = set()
        self.records: dict[str, dict[str, str | None]] = {"a": dict(ANN), "b": dict(ANN), "c": dict(BOB), "d": {}}

    def score(self, *, is_full: bool = False, dies: bool = False) -> Scoring:
        """A run; one that dies does so after scoring."""
        schema = pa.schema([*((name, pa.string()) for name in TEXTS), ("email_is_role", pa.bool_())])
        rows = [{"record_key": key, "email_is_role": False, **values} for key, values in self.records.items()]
        with self.warehouse.session("test") as session:
            session.replace("silver.contact_record", pa.Table.from_pylist(rows, schema=schema))
            note_changes(session, {*self.before, *self.records})
            self.before = set(self.records)
            scoring = score_people(session, MODEL, self.store, is_full=is_full)
            if dies:
                raise KeyboardInterrupt
        return scoring

    def scored(self, least: float = 0.0) -> set[str]:
        """The pairs with a score, as `ab`."""
        with self.warehouse.session("test") as session:
            rows = session.read(PAIRS).to_pylist()
        return {row["record_key_1"] + row["record_key_2"] for row in rows if row["score"] >= least}

    def joined(self) -> set[str]:
        """The pairs that the model joins."""
        return self.scored(MODEL.join)

    def differences(self) -> list[str]:
        """What the last full run found otherwise."""
        with self.warehouse.session("test") as session:
            rows = session.read(DIFFERENCES).to_pylist()
        return [row["record_key_1"] + row["record_key_2"] for row in rows]


@pytest.fixture
def silver(tmp_path: Path) -> Iterator[Silver]:
    """Ann twice, Bob, and a record without values."""
    return Silver(tmp_path)


def test_only_what_has_changed_is_scored(silver: Silver) -> None:
    """The first run scores all; one without news nothing; then new, changed and vanished records and their pairs."""
    assert silver.score().is_full
    assert silver.joined() == {"ab"}
    quiet = silver.score()
    assert (quiet.is_full, quiet.changed, quiet.compared, quiet.records) == (False, 0, 0, 4)
    silver.records |= {f"z{number}": {"first_name_normalized": f"n{number}"} for number in range(20)}
    silver.score()
    silver.records["e"] = dict(BOB)
    silver.records["b"] = {"first_name_normalized": "zoe", "last_name_normalized": "kay"}
    del silver.records["z1"]
    news = silver.score()
    assert (news.is_full, news.changed, news.gone) == (False, 2, 1)
    assert silver.joined() == {"ce"}
    del silver.records["c"]
    silver.score()
    assert silver.joined() == set()


def test_a_run_that_dies_is_made_up_for(silver: Silver) -> None:
    """When the warehouse takes back what a run did, the store does not run ahead of it: the next run scores anew."""
    silver.records |= {f"z{number}": {} for number in range(20)}
    silver.score()
    silver.records["e"] = dict(BOB)
    with pytest.raises(KeyboardInterrupt):
        silver.score(dies=True)
    assert silver.joined() == {"ab"}
    assert silver.score().is_full
    assert silver.joined() == {"ab", "ce"}


def test_a_warehouse_that_breaks_off_says_why(silver: Silver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is the one that is told, not what the scorer's store makes of it; the next run scores all."""

    def breaks_off(session: DuckDBSession, table: str) -> pa.RecordBatchReader:
        rows = session.read(table)

        def batches() -> Iterator[pa.RecordBatch]:
            yield rows.to_batches()[0]
            raise WarehouseError("The connection was lost.")

        return pa.RecordBatchReader.from_batches(rows.schema, batches())

    with monkeypatch.context() as broken:
        broken.setattr(DuckDBSession, "stream", breaks_off)
        with pytest.raises(WarehouseError, match="connection was lost"):
            silver.score()
    assert silver.score().is_full
    assert silver.joined() == {"ab"}


def test_work_tables_are_gone_afterwards(silver: Silver) -> None:
    """What a run worked with does not stay in the warehouse beside what came of it."""
    silver.score()
    silver.records["e"] = dict(BOB)
    silver.score()
    with silver.warehouse.session("test") as session:
        pairs = session.query("select table_name from information_schema.tables where table_name like 'person_pair%'")
    assert set(pairs.column("table_name").to_pylist()) == {"person_pair", "person_pair_difference"}


def test_a_lost_store_is_made_again(silver: Silver) -> None:
    """The store is a cache: without it everything is scored anew, with the same result and no differences."""
    silver.score()
    silver.store.unlink()
    assert silver.score().is_full
    assert silver.joined() == {"ab"}
    assert silver.differences() == []


def test_our_own_writes_part_nobody(silver: Silver) -> None:
    """A pair of a stamped record stays joined when its values move away, in full runs too, until the other changes."""
    silver.records |= {f"z{number}": {} for number in range(20)}
    silver.records["a"]["external_id"] = "per_1"
    silver.score()
    written = {"phone_normalized": "+12125550177", "street_normalized": None, "email_normalized": None}
    silver.records["a"] = {**BOB, **written, "external_id": "per_1"}
    silver.score()
    assert "ab" in silver.joined()
    silver.score(is_full=True)
    assert "ab" in silver.joined()
    silver.records["b"]["job_title"] = "ceo"
    silver.score()
    assert "ab" not in silver.joined()


def test_our_own_writes_join_nobody(silver: Silver) -> None:
    """A stamped record that becomes like one that stayed as it was is a question to a steward, in full runs too."""
    silver.records |= {f"z{number}": {} for number in range(20)}
    silver.records["a"]["external_id"] = "per_1"
    silver.score()
    silver.records["a"] = {**BOB, "external_id": "per_1"}
    silver.score()
    assert "ac" in silver.scored() - silver.joined()
    silver.score(is_full=True)
    assert "ac" in silver.scored() - silver.joined()
    silver.records["c"]["job_title"] = "ceo"
    silver.score()
    assert "ac" in silver.joined()


def test_a_corrected_source_parts_what_it_was_joined_by(silver: Silver) -> None:
    """A record without a stamp that becomes another person's is judged by its new values, stamped partner or not."""
    silver.records |= {f"z{number}": {} for number in range(20)}
    silver.records["a"]["external_id"] = "per_1"
    silver.score()
    assert "ab" in silver.joined()
    silver.records["b"] = {"first_name_normalized": "zoe", "last_name_normalized": "kay"}
    silver.score()
    assert "ab" not in silver.joined()


def test_an_unreadable_store_is_begun_anew(silver: Silver) -> None:
    """Whatever lies where the store was is replaced, for its owner's eyes only, and everything scored again."""
    silver.score()
    silver.store.write_bytes(b"no database" * 2_000)
    assert silver.score().is_full
    assert silver.joined() == {"ab"}
    assert silver.store.stat().st_mode & 0o777 == 0o600


def test_rules_that_were_left_out_stay_named(silver: Silver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet run says what the last one left out."""
    monkeypatch.setattr(blocking, "_FEW_PAIRS", 0)
    monkeypatch.setattr(blocking, "PAIRS_PER_RECORD", 0.0)
    loud, quiet = silver.score(), silver.score()
    assert "email" in loud.left_out
    assert quiet.left_out == loud.left_out
    assert quiet.compared == 0


def test_without_silver_there_is_nothing_to_score(silver: Silver) -> None:
    """The nightly run of a fresh installation finds nothing, and says so."""
    with silver.warehouse.session("test") as session:
        scoring = score_people(session, MODEL, silver.store, is_full=True)
    assert (scoring.records, scoring.pairs) == (0, 0)


def test_a_full_run_lists_what_it_finds_otherwise(silver: Silver) -> None:
    """A pair whose name has become common since it was scored is listed by the full run, and is as that run says;
    identity is asked to look at its records.
    """
    silver.records |= {f"z{number}": {} for number in range(600)}
    few = {"first_name_normalized": "eve", "last_name_normalized": "poe", "city": "rome"}
    silver.records |= {"x": dict(few), "y": dict(few)}
    silver.score()
    assert silver.differences() == []
    before = silver.joined()
    for number in range(3):
        silver.records |= {
            f"n{number}{at}": {**few, "city": f"town {number}", "company_normalized": f"firm {at}"} for at in range(25)
        }
        silver.score()
    assert "xy" in before
    full = silver.score(is_full=True)
    assert "xy" in silver.differences()
    assert "xy" not in silver.joined()
    assert full.differing == len(silver.differences())
    with silver.warehouse.session("test") as session:
        assert {"x", "y"} <= set(session.read("pipeline.contact_unresolved").column("record_key").to_pylist())
