"""Which batches silver still has to merge: pointers move only when they are closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import cast

import pytest

from contact_sync.errors import WarehouseError
from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.base import BronzeWindow, Session
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync.warehouse.windows import (
    close_windows,
    models_with_news,
    open_windows,
    processed_sequences,
    write_golden_rules,
    write_refresh,
)
from contact_sync_tests.unit.sync.small_catalog import CATALOG


@dataclass
class Published:
    """A bronze table as far as windows know it."""

    name: str
    newest: Mapping[str, int]

    def sequences(self) -> Mapping[str, int]:
        """instance -> newest published sequence."""
        return self.newest


class WithoutFiles(DuckDBWarehouse):
    """A warehouse that has nothing to bring in."""

    def bring_in(self, session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
        """Only the windows are looked at here."""


def opened(warehouse: DuckDBWarehouse, *tables: Published, is_closed: bool = False) -> list[tuple[str, str, int, int]]:
    """Open windows in a session of their own and say what dbt reads."""
    with warehouse.session("windows") as session:
        bronze = [cast("BronzeTable", table) for table in tables]
        windows = open_windows(session, warehouse, bronze, {table.name: {} for table in tables})
        if is_closed:
            close_windows(session, windows)
        rows = session.query("select * from pipeline.bronze_window order by all").to_pylist()
    return [cast("tuple[str, str, int, int]", tuple(row.values())) for row in rows]


def test_windows_go_from_the_last_merged_batch_to_the_newest(tmp_path: Path) -> None:
    """Per object and instance; opening again without closing gives the same windows."""
    warehouse = WithoutFiles(tmp_path / "w.duckdb", memory_mb=500)
    one, other = Published("a", {"core": 3, "emea": 1}), Published("b", {})

    assert [("a", "core", 0, 3), ("a", "emea", 0, 1)] == opened(warehouse, one, other)
    assert [("a", "core", 0, 3), ("a", "emea", 0, 1)] == opened(warehouse, one, other, is_closed=True)
    later = Published("a", {"core": 5, "emea": 1})
    assert [("a", "core", 3, 5), ("a", "emea", 1, 1)] == opened(warehouse, later)
    with warehouse.session("read") as session:
        assert {("a", "core"): 3, ("a", "emea"): 1} == processed_sequences(session)


def test_a_lake_that_is_behind_its_warehouse_is_an_error(tmp_path: Path) -> None:
    """Its new batches would be taken for old ones; the message names object, instance and both batches."""
    warehouse = WithoutFiles(tmp_path / "w.duckdb", memory_mb=500)
    opened(warehouse, Published("a", {"core": 3}), is_closed=True)

    with pytest.raises(
        WarehouseError, match="a, instance core: the warehouse has merged batch 3, the lake ends with 2"
    ):
        opened(warehouse, Published("a", {"core": 2}))


def test_models_have_news_if_one_of_their_tables_has() -> None:
    """A batch of any instance counts; a model that reads nothing new is not among them."""
    windows = [
        BronzeWindow(object_name="a", instance="core", after_sequence=3, up_to_sequence=3),
        BronzeWindow(object_name="a", instance="emea", after_sequence=1, up_to_sequence=2),
        BronzeWindow(object_name="b", instance="core", after_sequence=4, up_to_sequence=4),
    ]
    readers = {"a": {"one", "joined"}, "b": {"other", "joined"}, "c": {"never_read"}}

    assert {"one", "joined"} == models_with_news(readers, windows)


def test_golden_rules_have_a_row_per_field_and_source(tmp_path: Path) -> None:
    """Ranks follow the order of trust; a field without a group is a group of its own."""
    warehouse = WithoutFiles(tmp_path / "w.duckdb", memory_mb=500)
    with warehouse.session("rules") as session:
        write_golden_rules(session, CATALOG.entities.values())
        rows = session.query(
            "select field_group, source_object, is_owner, trust, null_policy from pipeline.golden_rule "
            "where entity = 'contact' and field in ('street', 'email') order by all"
        ).to_pylist()

    assert [
        ("address", "erp__contact", True, 1, "ignore"),
        ("address", "salesforce__contact", False, 2, "ignore"),
        ("email", "erp__contact", False, 1, "ignore"),
        ("email", "salesforce__contact", False, 2, "ignore"),
    ] == [tuple(row.values()) for row in rows]


def test_the_clock_of_the_models_is_in_utc(tmp_path: Path) -> None:
    """A refresh that starts early in the morning in India belongs to the day before; the one row is numbered."""
    warehouse = WithoutFiles(tmp_path / "w.duckdb", memory_mb=500)
    with warehouse.session("clock") as session:
        write_refresh(session, datetime(2026, 1, 1, tzinfo=UTC))
        write_refresh(session, datetime(2026, 3, 2, 1, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))))
        rows = session.query("select * from pipeline.refresh").to_pylist()

    started_at = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
    assert [{"number": 2, "started_at": started_at, "started_on": date(2026, 3, 1)}] == rows
