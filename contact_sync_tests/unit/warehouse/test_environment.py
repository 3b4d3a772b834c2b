"""A warehouse is one environment's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from contact_sync.errors import WarehouseError
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync.warehouse.environment import OwnWarehouse


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that does not exist yet."""
    return tmp_path / "warehouse.duckdb"


def opened(path: Path, environment: str) -> OwnWarehouse:
    """The warehouse as a new process of an environment has it."""
    return OwnWarehouse(DuckDBWarehouse(path, memory_mb=500, threads=1), environment)


def test_the_first_environment_has_it(path: Path) -> None:
    """It comes back as it likes; another one changes nothing, in a session of its own or by a program."""
    for _ in range(2):
        with opened(path, "staging").session("plan") as session:
            session.execute("create table if not exists gold.contact as select 1 as person_key")

    refused = opened(path, "production")
    with pytest.raises(WarehouseError, match="environment staging, and this is production"):
        hold(refused)
    with pytest.raises(WarehouseError, match="CONTACT_SYNC_WAREHOUSE"):
        hold_for_a_program(refused)
    with opened(path, "staging").session("plan") as session:
        assert 1 == session.scalar("select count(*) from gold.contact")


def test_a_program_may_be_the_first(path: Path) -> None:
    """Who holds it for a program before any session has it as well."""
    hold_for_a_program(opened(path, "staging"))

    with pytest.raises(WarehouseError, match="environment staging"):
        hold(opened(path, "production"))


def test_a_session_that_fails_has_nothing(path: Path) -> None:
    """Its mark is undone with everything else, and made by the next session."""
    ours = opened(path, "staging")
    with pytest.raises(ZeroDivisionError), ours.session("plan"):
        raise ZeroDivisionError
    hold(ours)

    with pytest.raises(WarehouseError, match="environment staging"):
        hold(opened(path, "production"))


def hold(warehouse: OwnWarehouse) -> None:
    """Open a session."""
    with warehouse.session("plan"):
        pass


def hold_for_a_program(warehouse: OwnWarehouse) -> None:
    """Hold it without a session."""
    with warehouse.exclusive("dbt gold"):
        pass
