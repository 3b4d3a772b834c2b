"""The embedded warehouse: transactions, and what of an error may be told."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from contact_sync.errors import WarehouseError
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.duckdb import DuckDBWarehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDBWarehouse:
    """A warehouse whose file does not exist yet."""
    return DuckDBWarehouse(tmp_path / "deep" / "warehouse.duckdb", memory_mb=500, threads=1)


ROWS = pa.table({"a": [1, 2], "b": ["x", None]})


def test_a_session_that_ends_well_is_seen_by_the_next(warehouse: DuckDBWarehouse) -> None:
    """Tables that were replaced or appended to hold exactly their rows."""
    with warehouse.session("write") as session:
        assert not session.exists("gold.thing")
        session.replace("gold.thing", pa.table({"old": [1]}))
        session.replace("gold.thing", ROWS)
        session.append("pipeline.more", ROWS)
        session.append("pipeline.more", ROWS.select(["b", "a"]))
    with warehouse.session("read") as session:
        assert session.exists("gold.thing")
        assert ROWS.to_pylist() == session.query("select * from gold.thing order by a").to_pylist()
        assert [{"a": 1, "n": 2}, {"a": 2, "n": 2}] == session.query(
            "select a, count(*) as n from pipeline.more where a <= $1 group by a order by a", (2,)
        ).to_pylist()
        assert session.scalar("select a from gold.thing where a > $1", (9,)) is None


@pytest.mark.parametrize("first", ["replace", "append"])
def test_a_table_that_begins_empty_takes_many_rows(tmp_path: Path, first: str) -> None:
    """Made in the same session, with no rows at first, and then with more than one group of rows of DuckDB (122,880):
    the session reads what it wrote.
    """
    count, warehouse = 130_000, DuckDBWarehouse(tmp_path / "warehouse.duckdb", memory_mb=500, threads=2)
    with warehouse.session("write") as session:
        getattr(session, first)("pipeline.grown", ROWS.slice(0, 0))
        session.execute("insert into pipeline.grown select a, b from pipeline.grown")
        session.append("pipeline.grown", pa.table({"a": range(count), "b": ["x"] * count}))
        assert [{"n": count, "total": sum(range(count))}] == session.query(
            "select count(distinct a) as n, cast(sum(a) as bigint) as total from pipeline.grown"
        ).to_pylist()


def test_a_session_that_ends_badly_leaves_nothing(warehouse: DuckDBWarehouse) -> None:
    """Not even the first half; the warehouse is free again."""

    def half(session: Session) -> None:
        session.replace("gold.thing", ROWS)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), warehouse.session("write") as session:
        half(session)
    with warehouse.session("read") as session:
        assert not session.exists("gold.thing")


def test_errors_tell_names_but_no_values(warehouse: DuckDBWarehouse) -> None:
    """A wrong statement names the missing column; a failing conversion does not quote the value it failed on."""
    with pytest.raises(WarehouseError, match="no_such_column"), warehouse.session("plan") as session:
        session.query("select no_such_column from information_schema.tables")
    with pytest.raises(WarehouseError) as error, warehouse.session("plan") as session:
        session.query("select value::integer from (values ('Lee Miller')) as t (value)")

    assert "plan" in str(error.value)
    assert "Miller" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_file_that_is_no_warehouse_is_named_with_the_setting(tmp_path: Path) -> None:
    """Whoever opens it is told which setting leads there."""
    path = tmp_path / "warehouse.duckdb"
    path.write_text("not a database, but long enough to have a header " * 100)
    with pytest.raises(WarehouseError), DuckDBWarehouse(path, memory_mb=500).session("plan"):
        pytest.fail("the session was opened")


def test_a_file_that_another_program_has_open_is_an_error_with_a_remedy(warehouse: DuckDBWarehouse) -> None:
    """A missing permission or a foreign holder ends in a sentence, not in a stack of DuckDB's."""
    warehouse.path.parent.mkdir(parents=True)
    warehouse.path.mkdir()
    with pytest.raises(WarehouseError, match="CONTACT_SYNC_WAREHOUSE"), warehouse.session("plan"):
        pytest.fail("the session was opened")


def test_who_needs_too_much_memory_is_told_which_setting_to_raise(tmp_path: Path) -> None:
    """A list of ten million numbers does not fit into 20 MB, and cannot be put on disk in parts."""
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", memory_mb=20, threads=1)
    too_much = "select length(list(number)) as length from range(10000000) as numbers (number)"
    with warehouse.session("build") as session:
        session.execute(f"create view gold.thing as {too_much}")
    with pytest.raises(WarehouseError) as counting, warehouse.session("count") as session:
        session.scalar(too_much)
    with pytest.raises(WarehouseError) as streaming, warehouse.session("publish") as session:
        session.stream("gold.thing").read_all()

    assert "Raise CONTACT_SYNC_WAREHOUSE_MEMORY_MB." == counting.value.remedy == streaming.value.remedy


def test_a_stream_that_breaks_off_names_the_table_and_no_value(warehouse: DuckDBWarehouse) -> None:
    """What was read before is whole batches; the value that could not be converted is not quoted."""
    numbers = (
        "select case when i = 150000 then 'Lee Miller' else '1' end::integer as number from range(200000) as t (i)"
    )
    with warehouse.session("build") as session:
        session.execute(f"create view gold.thing as {numbers}")
    with pytest.raises(WarehouseError, match=r"gold\.thing") as error, warehouse.session("publish") as session:
        session.stream("gold.thing").read_all()

    assert "Miller" not in str(error.value)
    assert error.value.__suppress_context__
