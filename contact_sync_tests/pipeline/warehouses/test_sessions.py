"""What every session promises, on PostgreSQL and on a Snowflake server: types, nulls, one holder, discreet errors."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from contact_sync.assets.snowflake import snowflake_resource
from contact_sync.errors import WarehouseError
from contact_sync.warehouse.address import PostgresAddress, SnowflakeAddress, warehouse_address
from contact_sync.warehouse.base import Session, Warehouse
from contact_sync.warehouse.environment import OwnWarehouse
from contact_sync.warehouse.postgres import PostgresWarehouse
from contact_sync.warehouse.snowflake import SnowflakeWarehouse
from contact_sync_tests.pipeline.warehouses.conftest import ROWS_PER_CHUNK, MakeInstallation, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]
SECRET = "jane.doe@example.com"
VALUES = pa.table(
    {
        "name": pa.array(["Zoë \\ \" ' \t", "", None], pa.string()),
        "Id": pa.array(["a", "b", "c"], pa.string()),
        "amount": pa.array([Decimal("1234567890123456.78"), Decimal("-0.01"), None], pa.decimal128(18, 2)),
        "count": pa.array([2**62, 0, None], pa.int64()),
        "is_deleted": pa.array([True, False, None], pa.bool_()),
        "day": pa.array([date(2026, 2, 28), date(1, 1, 1), None], pa.date32()),
        "at": pa.array(
            [datetime(2026, 2, 28, 1, 2, 3, 456789, UTC), datetime(1900, 1, 1, tzinfo=UTC), None],
            pa.timestamp("us", tz="UTC"),
        ),
    }
)


LARGE = pa.table({"number": range(40 * ROWS_PER_CHUNK), "name": [None, "Zoë"] * 20 * ROWS_PER_CHUNK})
FETCHED_IN_ADVANCE = 4


@pytest.fixture(scope="module", params=["postgresql", "snowflake"])
def open_warehouse(request: pytest.FixtureRequest, make_installation: MakeInstallation) -> Callable[[], Warehouse]:
    """Opens the warehouse of an engine; who finds it held does not wait."""
    settings: Settings = request.getfixturevalue(request.param)
    address = warehouse_address(make_installation(request.param, settings).settings)

    def opened() -> Warehouse:
        if isinstance(address, PostgresAddress):
            return PostgresWarehouse(address, wait_seconds=0)
        assert isinstance(address, SnowflakeAddress)
        return SnowflakeWarehouse(address, wait_seconds=0)

    return opened


def dies(session: Session | None = None) -> None:
    """Do something to the warehouse, and fail."""
    if session is not None:
        session.replace("pipeline.half", VALUES)
    raise ZeroDivisionError


def test_rows_come_back_as_they_went_in(open_warehouse: Callable[[], Warehouse]) -> None:
    """Every type, nulls and empty text keep what they are, replaced or appended, whole or as a stream."""
    with open_warehouse().session("values") as session:
        session.replace("pipeline.typed_row", VALUES.slice(1))
        session.replace("pipeline.typed_row", VALUES)
        session.replace("pipeline.empty", VALUES.slice(0, 0))
        once = session.read("pipeline.typed_row").sort_by("Id")
        session.append("pipeline.typed_row", VALUES.slice(0, 1).to_reader())
        session.append("pipeline.other", VALUES.slice(0, 1))
        session.create("pipeline.counted", "select count(*) as row_count from pipeline.typed_row")
        counts = [session.scalar(f"select count(*) from pipeline.{name}") for name in ("typed_row", "other")]
        counted = session.read("pipeline.counted").to_pylist()
        empty = session.read("pipeline.empty")
        there = [session.exists(name) for name in ("pipeline.counted", "pipeline.nothing")]

    assert VALUES.to_pylist() == once.to_pylist()
    assert VALUES.schema == once.schema
    assert (VALUES.schema, 0) == (empty.schema, empty.num_rows)
    assert ([4, 1], [{"row_count": 4}], [True, False]) == (counts, counted, there)


def test_parameters_are_not_statements(open_warehouse: Callable[[], Warehouse]) -> None:
    """A value with quotes is a value, in whatever order parameters are used."""
    with open_warehouse().session("parameters") as session:
        found = session.query(
            "select cast($2 as varchar) as second, cast($1 as varchar) as first", ("'; drop table x; --", "b")
        )

    assert [{"second": "b", "first": "'; drop table x; --"}] == found.to_pylist()


def test_one_run_holds_the_warehouse(open_warehouse: Callable[[], Warehouse]) -> None:
    """Who comes second is told what the first one does; when that ends, even with an error, it is free again."""
    with open_warehouse().exclusive("dbt silver"):  # noqa: SIM117 -- the first goes on
        with pytest.raises(WarehouseError, match=r"in use by .*dbt silver"), open_warehouse().session("plan"):
            pytest.fail("two held it")
    with pytest.raises(ZeroDivisionError), open_warehouse().exclusive("dbt gold"):
        dies()
    with open_warehouse().session("plan") as session:
        assert 1 == session.scalar("select 1 as one")


def test_errors_tell_names_but_no_values(open_warehouse: Callable[[], Warehouse]) -> None:
    """A wrong name is told; a value that does not fit is not."""
    with pytest.raises(WarehouseError, match=r"(?i)no_such_table"), open_warehouse().session("plan") as session:
        session.query("select * from pipeline.no_such_table")
    with pytest.raises(WarehouseError) as raised, open_warehouse().session("plan") as session:
        session.query(f"select cast('{SECRET}' as bigint) as number")
    assert SECRET not in str(raised.value)


def test_a_database_belongs_to_one_environment(open_warehouse: Callable[[], Warehouse]) -> None:
    """The first to open it has it, and again in its next process; another environment is refused."""
    for _ in range(2):
        with OwnWarehouse(open_warehouse(), "development").session("plan") as session:
            assert 1 == session.scalar("select count(*) from pipeline.environment")

    theirs = OwnWarehouse(open_warehouse(), "production")
    with pytest.raises(WarehouseError, match="environment development, and this is production"):  # noqa: SIM117 -- line
        with theirs.session("plan"):
            pytest.fail("it let them in")


def test_a_wrong_login_names_the_setting(postgresql: Settings, make_installation: MakeInstallation) -> None:
    """The error says where the login comes from, and does not show it."""
    wrong = make_installation("wrong", {**postgresql, "WAREHOUSE_LOGIN__PASSWORD": SECRET})

    with pytest.raises(WarehouseError, match="CONTACT_SYNC_WAREHOUSE") as raised, wrong.warehouse.session("plan"):
        pytest.fail("it let us in")
    assert SECRET not in str(raised.value)


def test_what_a_session_did_is_undone_by_an_error(postgresql: Settings, make_installation: MakeInstallation) -> None:
    """PostgreSQL: a session is one transaction, tables included."""
    warehouse = make_installation("undone", postgresql).warehouse
    with pytest.raises(ZeroDivisionError), warehouse.session("half") as session:
        dies(session)
    with warehouse.session("look") as session:
        assert not session.exists("pipeline.half")


def test_text_without_the_nul_character(postgresql: Settings, make_installation: MakeInstallation) -> None:
    """PostgreSQL cannot hold it: the replacement character stands for it, and the row is not lost."""
    with make_installation("nul", postgresql).warehouse.session("nul") as session:
        session.replace("pipeline.nul", pa.table({"name": ["a\0b", "c"]}))
        assert ["a\ufffdb", "c"] == session.read("pipeline.nul").column("name").to_pylist()


def test_a_stream_of_snowflake_holds_a_few_chunks(
    snowflake: Settings, snowflake_server: int, make_installation: MakeInstallation
) -> None:
    """Whoever has read one chunk has fetched a few more, not the table; in the end every row has come once."""
    with make_installation("stream", snowflake).warehouse.session("stream") as session:
        session.replace("pipeline.large", LARGE)
        stream = session.stream("pipeline.large")
        first = next(stream)
        with urllib.request.urlopen(f"http://127.0.0.1:{snowflake_server}/waiting_chunks") as answer:
            not_fetched = json.load(answer)
        others = list(stream)

    assert 40 - 1 - FETCHED_IN_ADVANCE <= not_fetched
    assert {ROWS_PER_CHUNK} == {batch.num_rows for batch in (first, *others)}
    assert LARGE.equals(pa.Table.from_batches([first, *others]).sort_by("number"))


def test_dagster_has_the_account_as_a_resource(snowflake: Settings, make_installation: MakeInstallation) -> None:
    """`snowflake` connects with the same settings; without Snowflake there is no such resource."""
    resource = snowflake_resource(make_installation("resource", snowflake).settings)["snowflake"]
    with resource.get_connection() as connection, connection.cursor() as cursor:
        assert [(1,)] == cursor.execute("select 1").fetchall()
    assert {} == snowflake_resource(make_installation("embedded", {}).settings)
