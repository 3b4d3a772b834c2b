"""Bronze that cannot be read in place is loaded once, batch by batch."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync_tests.unit.extraction.memory_source import Bench
from contact_sync_tests.unit.lake.test_bronze_table import NAME, publish


def test_new_batches_of_a_database_are_loaded_once(postgres_bench: Bench, tmp_path: Path) -> None:
    """Each instance's, with the columns that came with them; what silver declares and bronze lacks is null."""
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", memory_mb=500, threads=1)

    def brought_in() -> pa.Table:
        with warehouse.session("test") as session:
            warehouse.bring_in(session, postgres_bench.open_table(NAME), {"Name": "varchar", "Absent": "varchar"})
            return session.query(
                f"select _instance, _record_id, _sequence, {columns} from bronze.{NAME} order by _instance, _record_id"
            )

    columns = '"Name", "Absent"'
    assert 0 == brought_in().num_rows
    table = postgres_bench.open_table(NAME)
    publish(table, "b1", 1, "a", Name="n")
    publish(table, "e1", 1, "z", instance="emea")
    assert [("core", "a", 1, "n", None), ("emea", "z", 1, None, None)] == _rows(brought_in())
    publish(table, "b2", 2, "b", Email="e")
    columns = '"Name", "Email"'

    first, again = brought_in(), brought_in()

    assert [("core", "a", 1, "n", None), ("core", "b", 2, None, "e"), ("emea", "z", 1, None, None)] == _rows(first)
    assert first == again


def _rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]
