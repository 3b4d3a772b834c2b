"""The same comparison with warehouses that are really there, where variables of the environment name them.

Each makes a database of its own in that account or server, and drops it, whatever happens.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from contact_sync.warehouse.address import PostgresAddress, SnowflakeAddress, warehouse_address
from contact_sync.warehouse.snowflake import SnowflakeWarehouse
from contact_sync_tests.pipeline.warehouses.builds import Held, assert_same, build_one_after_the_other
from contact_sync_tests.pipeline.warehouses.conftest import MakeInstallation, Settings

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(3_600)]
LOGIN = {"PASSWORD": "WAREHOUSE_LOGIN__PASSWORD", "PRIVATE_KEY_FILE": "WAREHOUSE_LOGIN__PRIVATE_KEY_FILE"}


def named(warehouse: str) -> object:
    """A warehouse, skipped where no variable says where it is."""
    url = f"{warehouse}_URL"
    return pytest.param(warehouse, marks=pytest.mark.skipif(not os.environ.get(url), reason=f"{url} is not set"))


@pytest.fixture(params=[named("LIVE_POSTGRESQL"), named("LIVE_SNOWFLAKE")])
def live(request: pytest.FixtureRequest, make_installation: MakeInstallation) -> Iterator[Settings]:
    """The settings of an empty database, in the server or account that the environment names."""
    url = os.environ[f"{request.param}_URL"]
    login = {to: os.environ[name] for one, to in LOGIN.items() if (name := f"{request.param}_{one}") in os.environ}
    address = warehouse_address(make_installation("live", {"WAREHOUSE": url, **login}).settings)
    database = f"contact_sync_test_{uuid.uuid4().hex[:12]}"
    administer(address, f"create database {database}")
    yield {"WAREHOUSE": urlsplit(url)._replace(path=f"/{database}").geturl(), **login}
    administer(address, f"drop database {database}{' with (force)' if isinstance(address, PostgresAddress) else ''}")


def administer(address: object, statement: str) -> None:
    """Run a statement about databases."""
    if isinstance(address, PostgresAddress):
        with psycopg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.get_secret_value() or None,
            dbname=address.database,
            sslmode=address.sslmode,
            autocommit=True,
        ) as connection:
            connection.execute(statement)
    else:
        assert isinstance(address, SnowflakeAddress)
        with SnowflakeWarehouse(address)._connected() as connection, connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_live_warehouse_holds_what_duckdb_holds(
    live: Settings, duckdb: Held, make_installation: MakeInstallation
) -> None:
    """Every table with its types and rows, what quality and reconciliation tell, and silver as of the first batch."""
    grown = build_one_after_the_other(make_installation("live_build", live))

    assert_same(duckdb.tables, grown.held.tables)
    assert duckdb.reconciliations == grown.held.reconciliations
    assert duckdb.quality == grown.held.quality
    assert_same(grown.first, grown.as_of)
