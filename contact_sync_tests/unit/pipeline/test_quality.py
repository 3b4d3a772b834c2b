"""What is measured and when, day after day; and a broken schema, which holds an instance and refuses writes to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_sync.errors import StalePlanError
from contact_sync.pipeline import activation
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import ObjectQuality, check_quality, held_instances
from contact_sync.quality.verdict import DRIFT
from contact_sync.state.schemas import SchemaVersion

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = "erp__order"
FIELD = {"type": "string", "length": 80, "precision": 0, "scale": 0}


@pytest.fixture
def installation(
    tmp_path: Path, repository: Path, parsed_dbt: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """One in which core hides the e-mail address of contacts, and a field that nobody reads."""
    catalog = tmp_path / "catalog"
    ignored = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(repository / "contact_sync" / "catalog", catalog, ignore=ignored)
    monkeypatch.setenv("CONTACT_SYNC_CATALOG", str(catalog))
    made = Installation.from_environment()
    shutil.copytree(parsed_dbt, made.dbt.target_path)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    for instance in ("core", "emea"):
        whole = {"Email": FIELD, "LastName": FIELD, "Nickname": FIELD}
        made.schemas.add("salesforce__contact", instance, SchemaVersion(version=1, noted_at=at, fields=whole))
    gone = {"Email": "hidden", "Nickname": "removed"}
    second = SchemaVersion(version=2, noted_at=at, fields={"LastName": FIELD}, gone=gone)
    made.schemas.add("salesforce__contact", "core", second)
    yield made
    made.close()


def test_nothing_is_written_to_a_target_whose_schema_is_broken(installation: Installation) -> None:
    """Only core is held, for the field that silver reads; applying a plan is refused and says why."""
    held = held_instances(installation)

    assert {("salesforce__contact", "core"): ["Email is hidden"]} == {
        key: [str(one) for one in breaks] for key, breaks in held.items()
    }
    with pytest.raises(StalePlanError, match="salesforce__contact, instance core: Email is hidden"):
        activation._raise_if_stale(installation, {"plan_id": "p", "basis": {}}, None)


def test_a_field_that_may_go_holds_nothing(installation: Installation) -> None:
    """What the contract calls optional breaks nothing."""
    path = installation.settings.catalog_path / "contracts" / "salesforce__contact.yaml"
    path.write_text("optional_fields: [Email]\n", encoding="utf-8")

    assert {} == held_instances(installation)


def merge_orders(installation: Installation, *, rows: int, without_amount: int, sequence: int) -> None:
    """Silver as a batch left it on the day of its number: so many orders, some of them without an amount."""
    columns = installation.dbt.model_columns(ORDER)
    values = {name: f"cast(null as {kind})" for name, kind in columns.items()} | {
        "instance": "'main'",
        "record_id": "'o' || i",
        "order_number": "'o' || i",
        "amount": f"case when i >= {without_amount} then 10 end",
        "is_deleted": "false",
        "extracted_at": f"timestamptz '{NOW + timedelta(days=sequence)}'",
    }
    selected = ", ".join(f"{value} as {name}" for name, value in values.items())
    with installation.warehouse.session("test") as session:
        session.execute(f"create or replace table silver.{ORDER} as select {selected} from range({rows}) as r (i)")
        session.execute("create or replace table pipeline.processed (object_name text, instance text, sequence bigint)")
        session.execute("insert into pipeline.processed values ($1, 'main', $2)", (ORDER, sequence))


def check(installation: Installation, at: datetime) -> ObjectQuality:
    """What the step tells of the orders at a time."""
    report = check_quality(replace(installation, now=lambda: at))
    return next(one for one in report.objects if one.name == ORDER)


def test_an_object_is_measured_when_something_changed(installation: Installation) -> None:
    """Nothing before the first batch; after a batch, or when the contract changes; otherwise the results are kept."""
    assert (None, False) == ((found := check(installation, NOW)).measured_at, found.is_new)
    merge_orders(installation, rows=10, without_amount=1, sequence=0)

    first, second = (check(installation, NOW + timedelta(minutes=minutes)) for minutes in (0, 5))

    assert (True, False, NOW) == (first.is_new, second.is_new, second.measured_at)
    assert {"amount"} <= {one.column_name for one in first.results if not one.is_passed}
    assert sorted(map(str, first.results)) == sorted(map(str, second.results))

    contracts = installation.settings.catalog_path / "contracts"
    (contracts / f"{ORDER}.yaml").write_text("rows_at_least: 11\n", encoding="utf-8")
    changed = check(replace(installation), NOW + timedelta(minutes=10))

    assert changed.is_new
    assert ["10 rows, expected at least 11"] == [one.problem for one in changed.results if not one.is_passed]


def test_a_jump_is_told_after_a_week_of_days(installation: Installation) -> None:
    """Eight quiet days, then half of the amounts are missing: drift names the figure and its days are plotted."""
    for day in range(8):
        merge_orders(installation, rows=1_000 + day, without_amount=10, sequence=day)
        quiet = check(installation, NOW + timedelta(days=day))
        assert [] == [one for one in quiet.results if one.rule == DRIFT and not one.is_passed]
    merge_orders(installation, rows=1_008, without_amount=500, sequence=8)

    jumped = check(installation, NOW + timedelta(days=8))

    (drift,) = [one for one in jumped.results if one.rule == DRIFT]
    assert drift.problem.startswith("null share of amount 0.496, usually 0.0099")
    assert {"rows, main": 9, "null share of amount, main": 9} == {
        name: len(days) for name, days in jumped.series.items() if not name.startswith("distinct")
    }
