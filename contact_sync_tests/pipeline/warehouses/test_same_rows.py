"""Bronze to reconciliation on every engine: the same types and rows in every table, and the same reports.

Snowflake builds both batches at once; PostgreSQL one after the other, so that its tables grow. DuckDB does both,
because a record that carries our stamp is known by what it was recognised by before. DuckDB resolves everybody at once,
the others in parts.
"""

from __future__ import annotations

import pytest

from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync_tests.pipeline.warehouses.bronze_rows import owner_id
from contact_sync_tests.pipeline.warehouses.builds import (
    Grown,
    Held,
    assert_same,
    build_at_once,
    build_one_after_the_other,
)
from contact_sync_tests.pipeline.warehouses.conftest import MakeInstallation, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]
PART_RECORDS = 4
# Its server takes as long as all other engines together.
GROWN_SNOWFLAKE = pytest.param("grown_snowflake", marks=pytest.mark.deep)


@pytest.fixture(scope="module")
def grown_postgresql(postgresql: Settings, make_installation: MakeInstallation) -> Grown:
    """PostgreSQL, batch by batch."""
    return build_one_after_the_other(make_installation("postgresql", postgresql), part_records=PART_RECORDS)


@pytest.fixture(scope="module")
def grown_snowflake(snowflake: Settings, make_installation: MakeInstallation) -> Grown:
    """Snowflake, batch by batch, in a database of its own."""
    grown = snowflake | {"WAREHOUSE": snowflake["WAREHOUSE"].replace("?", "_grown?")}
    return build_one_after_the_other(make_installation("grown_snowflake", grown), part_records=PART_RECORDS)


@pytest.fixture(scope="module")
def built_snowflake(snowflake: Settings, make_installation: MakeInstallation) -> Held:
    """Snowflake, at once."""
    return build_at_once(make_installation("snowflake", snowflake), part_records=PART_RECORDS)


@pytest.fixture(scope="module")
def grown_duckdb(make_installation: MakeInstallation) -> Grown:
    """DuckDB, batch by batch."""
    return build_one_after_the_other(make_installation("grown_duckdb", {}))


@pytest.fixture(params=["grown_postgresql", "built_snowflake", GROWN_SNOWFLAKE])
def both(request: pytest.FixtureRequest) -> tuple[Held, Held]:
    """What DuckDB and another engine hold after both batches."""
    found: Held | Grown = request.getfixturevalue(request.param)
    if isinstance(found, Held):
        return request.getfixturevalue("duckdb"), found
    grown: Grown = request.getfixturevalue("grown_duckdb")
    return grown.held, found.held


@pytest.fixture(params=["grown_postgresql", GROWN_SNOWFLAKE])
def grown(request: pytest.FixtureRequest) -> Grown:
    """An engine that built both batches, one after the other."""
    found: Grown = request.getfixturevalue(request.param)
    return found


def test_every_table_has_the_rows_of_duckdb(both: tuple[Held, Held]) -> None:
    """From silver to the plan, quality and the differences from the target: names, types and rows."""
    expected, held = both
    assert_same(expected.tables, held.tables)


def test_the_tables_hold_something(duckdb: Held) -> None:
    """What is compared is not nothing: every table has rows, and the reports have something to tell.

    No key is shared by as many records as make it a common one.
    """
    empty = {name for name, (_, rows) in duckdb.tables.items() if not rows}

    assert {"identity.person_common_key", "identity.company_common_key"} == empty
    assert {"unexplained", "waits in the current plan"} <= set(duckdb.reconciliations[0]["differences"])
    assert 12 == len(duckdb.quality)


def test_ids_are_whole_or_refused(duckdb: Held) -> None:
    """The last three characters follow from the first fifteen; what is no Id is null."""
    schema, rows = duckdb.tables["silver.salesforce__contact"]
    record, owner = schema.get_field_index("record_id"), schema.get_field_index("owner_id")
    expected = {number: canonical_id(owner_id(number).strip()) for number in range(len(rows))}

    assert expected == {int(str(row[record])[3:15]): row[owner] for row in rows}
    assert 3 * len(rows) // 5 == sum(owner is not None for owner in expected.values())


def test_reconciliation_explains_the_same(both: tuple[Held, Held]) -> None:
    """Counts of both sides, and of every explanation."""
    expected, held = both
    assert expected.reconciliations == held.reconciliations


def test_quality_is_judged_the_same(both: tuple[Held, Held]) -> None:
    """Every rule of every object, with its counts."""
    expected, held = both
    assert expected.quality == held.quality


def test_silver_as_of_the_first_batch_is_what_it_was_then(grown: Grown) -> None:
    """Rebuilt after the second batch, it is the silver that the first had left."""
    assert_same(grown.first, grown.as_of)


def test_golden_records_that_are_replaced_are_those_that_were_filled_anew(grown: Grown) -> None:
    """Row for row where everybody was touched, so that all rows went and came again."""
    assert_same({name: grown.held.tables[name] for name in grown.replaced}, grown.replaced)
