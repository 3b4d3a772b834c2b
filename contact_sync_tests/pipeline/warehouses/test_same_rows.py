"""Bronze to plan on every engine: the same rows in every table, after the first run and after the next."""

from __future__ import annotations

import pyarrow as pa
import pytest

from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync_tests.pipeline.warehouses.conftest import Lake, MakeInstallation, Settings

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]
RUNS = (1, 2)
Tables = dict[str, tuple[pa.Schema, list[tuple[object, ...]]]]


def refreshed(installation: Installation) -> Tables:
    """Build everything, and read every table that was built or made."""
    reports = [steps.build_silver(installation)]
    steps.resolve_identities(installation)
    reports.append(steps.build_gold(installation))
    steps.plan(installation)
    outcomes = [outcome for report in reports for outcome in report.outcomes]
    tables = {outcome.table.lower() for outcome in outcomes if outcome.unique_id.startswith("model.")}
    made = {"identity.person_link", "identity.company_link", "pipeline.bronze_window", "activation.plan"}
    with installation.warehouse.session("compare") as session:
        return {name: comparable(session.read(name)) for name in sorted(tables | made)}


def comparable(rows: pa.Table) -> tuple[pa.Schema, list[tuple[object, ...]]]:
    """Types and rows in an order of their own; floats as far as the order of additions cannot change them."""
    values = [tuple(_comparable(value) for value in row.values()) for row in rows.to_pylist()]
    return rows.schema.remove_metadata(), sorted(values, key=repr)


def _comparable(value: object) -> object:
    return round(value, 9) if isinstance(value, float) else value


# Its server takes longer for it than both databases together.
SNOWFLAKE = pytest.param("snowflake", marks=pytest.mark.deep)


@pytest.fixture(scope="module")
def built(lake: Lake, make_installation: MakeInstallation, request: pytest.FixtureRequest) -> dict[str, list[Tables]]:
    """engine -> tables after each run, every engine that is asked for run over the same batches."""
    asked = {item.callspec.params["engine"] for item in request.session.items if item.fspath == request.fspath}  # type: ignore[attr-defined]  # parametrized
    engines: dict[str, Settings] = {"duckdb": {}, **{name: request.getfixturevalue(name) for name in sorted(asked)}}
    installations = {name: make_installation(name, settings) for name, settings in engines.items()}
    found: dict[str, list[Tables]] = {name: [] for name in engines}
    for batch in RUNS:
        lake.publish(batch)
        for name, installation in installations.items():
            found[name].append(refreshed(installation))
    return found


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("engine", ["postgres", SNOWFLAKE])
def test_every_table_has_the_rows_of_duckdb(built: dict[str, list[Tables]], engine: str, run: int) -> None:
    """Names, types and rows are the same, and there are rows in all but the plan's empty stages."""
    expected, actual = built["duckdb"][run - 1], built[engine][run - 1]

    assert expected.keys() == actual.keys()
    assert {name: len(rows) for name, (_, rows) in expected.items()} == {
        name: len(rows) for name, (_, rows) in actual.items()
    }
    for name, (schema, rows) in expected.items():
        assert (name, schema) == (name, actual[name][0])
        assert (name, rows) == (name, actual[name][1])
