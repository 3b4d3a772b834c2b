"""One select gives every figure of a table: compared on DuckDB with what Python counts in the same rows."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlglot

from contact_sync.catalog import Rule, RuleKind
from contact_sync.quality.measure import ENGINES, Column, Engine, Measurement, measurements, profiled, selects
from contact_sync.warehouse.duckdb import DuckDBSession

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COLUMNS = {
    "instance": "varchar",
    "record_id": "varchar",
    "email": "varchar",
    "amount": "decimal(18, 2)",
    "close_date": "date",
    "created_at": "timestamp with time zone",
    "is_won": "boolean",
    "tags": "varchar[]",
    "is_deleted": "boolean",
    "extracted_at": "timestamp with time zone",
}
PATTERN = "[^@ ]+@[^@ ]+[.](com|org)"
RULES = [
    Rule(kind=RuleKind.REQUIRED, column="email", argument=True),
    Rule(kind=RuleKind.UNIQUE, column="email", argument=True),
    Rule(kind=RuleKind.PATTERN, column="email", argument=PATTERN),
    Rule(kind=RuleKind.LENGTH, column="email", argument=(3, 9)),
    Rule(kind=RuleKind.ONE_OF, column="email", argument=("a@b.com", "o'hara")),
    Rule(kind=RuleKind.BETWEEN, column="amount", argument=(0, 9.5)),
    Rule(kind=RuleKind.BETWEEN, column="close_date", argument=(date(2026, 1, 1), "tomorrow")),
    Rule(kind=RuleKind.BETWEEN, column="created_at", argument=(date(2026, 1, 1), date(2026, 11, 20))),
]
Row = dict[str, Any]
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    {
        "instance": pa.string(),
        "email": pa.string(),
        "amount": pa.float64(),
        "close_date": pa.date32(),
        "created_at": TIME,
        "is_deleted": pa.bool_(),
        "extracted_at": TIME,
    }
)
VALUES: dict[str, list[Any]] = {
    "instance": ["core", "emea"],
    "email": [None, "a@b.com", "xa@b.com", "a@b.comx", "o'hara", "ab", "ääääää@öööö.org"],
    "amount": [None, 0.0, 9.5, 9.51, -0.01],
    "close_date": [None, date(2025, 12, 31), date(2026, 11, 21), date(2026, 11, 22)],
    "created_at": [None, datetime(2026, 11, 20, 23, 59, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)],
    "is_deleted": [True, False],
    "extracted_at": [NOW - timedelta(hours=23), NOW - timedelta(hours=25)],
}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table of these columns."""
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute("set TimeZone = 'UTC'")
        opened.execute(f"create table thing ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
        yield opened


def measured(connection: duckdb.DuckDBPyConnection, rows: list[Row], engine: Engine) -> dict[str, Measurement]:
    """What is measured of rows."""
    session = DuckDBSession(connection)
    session.execute("delete from main.thing")
    session.append("main.thing", pa.Table.from_pylist(rows, schema=SCHEMA))
    statements = selects("main.thing", profiled(COLUMNS), RULES, NOW, engine)
    found = measurements([(one, session.query(one.sql)) for one in statements], ["core", "emea"])
    return {one.instance: one for one in found}


def broken(rows: list[Row]) -> dict[Rule, int]:
    """How many rows break each rule, counted in Python."""
    emails = [row["email"] for row in rows if row["email"] is not None]
    amounts = [row["amount"] for row in rows if row["amount"] is not None]
    days = [row["close_date"] for row in rows if row["close_date"] is not None]
    times = [row["created_at"] for row in rows if row["created_at"] is not None]
    counted = [
        len(rows) - len(emails),
        len(emails) - len(set(emails)),
        sum(not re.fullmatch(PATTERN, email) for email in emails),
        sum(not 3 <= len(email) <= 9 for email in emails),
        sum(email not in {"a@b.com", "o'hara"} for email in emails),
        sum(not 0 <= amount <= 9.5 for amount in amounts),
        sum(not date(2026, 1, 1) <= day <= date(2026, 11, 21) for day in days),
        sum(time.date() > date(2026, 11, 20) for time in times),
    ]
    return dict(zip(RULES, counted, strict=True))


@pytest.mark.parametrize("count", [0, 1, 400])
@pytest.mark.parametrize("engine", [ENGINES["duckdb"], Engine()], ids=["duckdb", "standard"])
def test_every_figure_is_what_python_counts(connection: duckdb.DuckDBPyConnection, engine: Engine, count: int) -> None:
    """Live rows, arrivals, nulls, lengths, bounds, and how many rows break each rule, per instance."""
    chance = random.Random(count)
    rows = [{name: chance.choice(values) for name, values in VALUES.items()} for _ in range(count)]

    found = measured(connection, rows, engine)

    for instance, one in found.items():
        live = [row for row in rows if row["instance"] == instance and not row["is_deleted"]]
        filled = {name: [row[name] for row in live if row[name] is not None] for name in VALUES}
        assert (len(live), len([row for row in live if row["extracted_at"] > NOW - timedelta(hours=24)])) == (
            one.row_count,
            one.arrived_count,
        )
        assert (broken(live) if live else {}) == dict(one.broken)
        profiles = {profile.column: profile for profile in one.profiles}
        assert {name: len(live) - len(filled[name]) for name in ("email", "amount", "created_at")} == {
            name: profiles[name].null_count for name in ("email", "amount", "created_at")
        }
        lengths = [len(text) for text in filled["email"]]
        assert (min(lengths, default=None), max(lengths, default=None), len(set(filled["email"]))) == (
            profiles["email"].min_length,
            profiles["email"].max_length,
            profiles["email"].distinct_count or 0,
        )
        assert (min(filled["amount"], default=None), max(filled["amount"], default=None)) == (
            profiles["amount"].min_number,
            profiles["amount"].max_number,
        )
        assert (min(filled["created_at"], default=None), max(filled["created_at"], default=None)) == (
            profiles["created_at"].min_at,
            profiles["created_at"].max_at,
        )
    assert {"core", "emea"} == set(found)


def test_what_tells_where_a_row_came_from_has_no_profile() -> None:
    """Lineage columns are left out; of a list only nulls are counted."""
    columns = profiled(COLUMNS)
    (one,) = selects("thing", columns, [], NOW)

    assert not {"instance", "is_deleted", "extracted_at", "batch_id"} & {column.name for column in columns}
    assert ["filled"] == [name for part, name in one.figures if part == "tags"]
    assert ["filled", "distinct", "min_length", "max_length"] == [name for part, name in one.figures if part == "email"]


def test_a_very_wide_table_takes_several_selects(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Engines limit how many columns an answer has; the parts of one instance are put together again."""
    wide = [Column(name=f"c{number}", data_type="varchar") for number in range(120)]
    statements = selects("wide", wide, [Rule(kind=RuleKind.REQUIRED, column="c110", argument=True)], NOW)
    columns = ", ".join(f"'x' as {column.name}" for column in wide[:-1])
    connection.execute(
        f"create view wide as select 'core' as instance, false as is_deleted, now() as extracted_at, {columns}, "
        "null::varchar as c119"
    )
    session = DuckDBSession(connection)

    (found,) = measurements([(one, session.query(one.sql)) for one in statements], ["core"])

    assert 2 == len(statements)
    assert [column.name for column in wide] == [profile.column for profile in found.profiles]
    assert {"c119": 1} == {profile.column: profile.null_count for profile in found.profiles if profile.null_count}
    assert [0] == list(found.broken.values())


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "redshift"])
def test_every_engine_understands_the_select(dialect: str) -> None:
    """The statement parses in each dialect, and names the table once: it is one pass."""
    (one,) = selects("silver.thing", profiled(COLUMNS), RULES, NOW, ENGINES.get(dialect, Engine()))

    parsed = sqlglot.parse_one(one.sql, read=dialect)

    assert ["thing"] == [table.name for table in parsed.find_all(sqlglot.exp.Table)]
    assert 1 + len(one.figures) == len(parsed.selects)
