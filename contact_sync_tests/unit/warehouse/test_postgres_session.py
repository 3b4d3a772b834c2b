"""What is PostgreSQL's own in a session of its warehouse."""

from __future__ import annotations

from decimal import Decimal

import adbc_driver_postgresql.dbapi
import pyarrow as pa
import pytest

from contact_sync.errors import WarehouseError
from contact_sync.simulator.postgres import PostgresServer
from contact_sync.warehouse.postgres import PostgresSession
from contact_sync_tests.lake_databases import new_database

pytestmark = pytest.mark.postgres


def test_a_stream_has_the_rows_and_the_types_of_the_table(postgres: PostgresServer) -> None:
    """Exact numbers with their digits, nulls, times; batch by batch, and the session can be used afterwards."""
    with new_database(postgres) as url, adbc_driver_postgresql.dbapi.connect(url) as connection:
        session = PostgresSession(connection)
        session.execute("create schema gold")
        session.execute("create table gold.thing (name varchar, amount numeric(18, 2), made_at timestamptz)")
        session.execute("insert into gold.thing select n::text, n / 4.0, now() from generate_series(1, 50000) n")
        session.execute("insert into gold.thing values (null, null, null)")

        streamed = session.stream("gold.thing")
        schema, batches = streamed.schema, list(streamed)

        assert [pa.string(), pa.decimal128(18, 2), pa.timestamp("us", "UTC")] == schema.types
        assert 50_001 == sum(batch.num_rows for batch in batches)
        first = {name: batches[0].column(name)[2].as_py() for name in ("name", "amount")}
        assert {"name": "3", "amount": Decimal("0.75")} == first
        assert 50_001 == session.scalar("select count(*) from gold.thing")


def test_a_stream_that_breaks_off_names_the_table_and_no_value(postgres: PostgresServer) -> None:
    """As on every engine: the server's message quotes the value, ours does not."""
    numbers = "select (case when i = 150000 then 'Lee Miller' else '1' end)::int from generate_series(1, 200000) t (i)"
    with new_database(postgres) as url, adbc_driver_postgresql.dbapi.connect(url) as connection:
        session = PostgresSession(connection)
        session.execute("create schema gold")
        session.execute(f"create view gold.thing as {numbers}")
        with pytest.raises(WarehouseError, match=r"gold\.thing") as error:
            session.stream("gold.thing").read_all()

    assert "Miller" not in str(error.value)
