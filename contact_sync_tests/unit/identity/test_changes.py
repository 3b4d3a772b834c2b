"""Which resolution touched a key last: numbers grow over both entities, and no key is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contact_sync.catalog import load_catalog
from contact_sync.identity.changes import every_key, last_change, prepare, stamp
from contact_sync.settings import load_settings
from contact_sync.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    from pathlib import Path


def test_touched_keys_have_the_number_of_their_last_resolution(tmp_path: Path) -> None:
    """New ones are added, known ones get the new number, others keep theirs; a key without records keeps its row."""
    entities = load_catalog(load_settings().catalog_path).entities
    person, company = entities["contact"], entities["account"]
    with DuckDBWarehouse(tmp_path / "w.duckdb", memory_mb=500).session("changes") as session:
        assert 0 == last_change(session, entities.values())
        for entity in entities.values():
            prepare(session, entity)
        session.execute("create table identity.person_link as select 'r' as record_key, 'b' as person_key")
        assert 0 == last_change(session, entities.values())

        stamp(session, person, "select unnest(['a', 'a', 'c']) as person_key", number=1)
        stamp(session, company, "select 'f' as company_key", number=2)
        assert 2 == last_change(session, entities.values())
        stamp(session, person, "select 'c' as person_key union select 'd' as person_key", number=3)
        rows = "select * from identity.person_change order by person_key"
        assert [("a", 1), ("c", 3), ("d", 3)] == [tuple(row.values()) for row in session.query(rows).to_pylist()]

        stamp(session, person, every_key(person), number=4)
        assert dict.fromkeys("abcd", 4) == {
            row["person_key"]: row["changed_in"] for row in session.query(rows).to_pylist()
        }
