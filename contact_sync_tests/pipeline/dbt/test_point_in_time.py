"""Silver as of a time of the past: what was known then, from bronze alone, beside the live silver."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.errors import CatalogError, LakeError, SettingsError, TransformError
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.point_in_time import Moment, rebuild_silver
from contact_sync_tests.pipeline.dbt.published import CONTACT, publish

FIRST = datetime(2026, 2, 27, 10, tzinfo=UTC)
SECOND = datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)
THIRD = datetime(2026, 3, 2, tzinfo=UTC)
LINEAGE_COLUMNS = {"changed_in", "batch_id", "extracted_at"}


def publish_two_days(installation: Installation) -> None:
    """Three people, of whom one changes and one is deleted a day later."""
    publish(
        installation,
        FIRST,
        {"_record_id": "1", "LastName": "Adams", "Email": "ann@adams.example"},
        {"_record_id": "2", "LastName": "Brown"},
        {"_record_id": "3", "LastName": "Clark"},
    )
    publish(
        installation, SECOND, {"_record_id": "1", "LastName": "Adams-Berg"}, {"_record_id": "2", "_is_deleted": True}
    )


def publish_later_news(installation: Installation) -> None:
    """After the day: somebody new, another change, another end, and news of the past that came late."""
    publish(
        installation,
        THIRD,
        {"_record_id": "4", "LastName": "Dahl"},
        {"_record_id": "1", "LastName": "Berg"},
        {"_record_id": "3", "_is_deleted": True},
        {"_record_id": "5", "LastName": "Evans", "_version_at": FIRST},
    )


def hashes(installation: Installation, schema: str) -> dict[str, list[int]]:
    """table -> hashes of its rows, without the columns that say how a row came; every table of a silver schema."""
    found = {}
    with installation.warehouse.session("test") as session:
        names = session.query(
            "select table_name from information_schema.tables where table_schema = $1 order by 1", (schema,)
        )
        for name in names["table_name"].to_pylist():
            rows = session.query(f"select * from {schema}.{name}").to_pylist()
            values = [{key: value for key, value in row.items() if key not in LINEAGE_COLUMNS} for row in rows]
            found[name] = sorted(hash(str(sorted(one.items()))) for one in values)
    return found


def state(installation: Installation) -> list[list[dict[str, Any]]]:
    """What a rebuild must leave alone: when each table of the live schemas was made, and the pointers."""
    with installation.warehouse.session("test") as session:
        oids = session.query(
            "select schema_name, table_name, table_oid from duckdb_tables() "
            "where schema_name in ('silver', 'identity', 'gold') order by all"
        )
        pointers = session.query("select * from pipeline.processed order by all")
        windows = session.query("select * from pipeline.bronze_window order by all")
    return [oids.to_pylist(), pointers.to_pylist(), windows.to_pylist()]


def test_silver_as_of_a_day_is_what_live_silver_held_then(installation: Installation) -> None:
    """Rebuilt after more has happened, every table has the rows it had; live silver, pointers and gold stay."""
    publish_two_days(installation)
    steps.build_silver(installation, selection=["group:silver"])
    then = hashes(installation, "silver")
    publish_later_news(installation)
    steps.build_silver(installation, selection=[CONTACT])
    live, before = hashes(installation, "silver"), state(installation)
    assert then != live

    found = CliRunner().invoke(app, ["rebuild", "--as-of", "2026-03-01", "--json"], catch_exceptions=False)

    assert 0 == found.exit_code, found.output
    report = json.loads(found.stdout)
    assert ("2026-03-01T23:59:59.999999+00:00", "silver_as_of_20260301") == (report["as_of"], report["schema"])
    assert (3, 2) == (report["rows"][CONTACT], report["rows"]["contact_record"])
    rebuilt = hashes(installation, report["schema"])
    assert {CONTACT, "contact_record", "account_record"} <= set(rebuilt)
    assert {name: then[name] for name in rebuilt} == rebuilt
    assert live == hashes(installation, "silver")
    assert before == state(installation)
    assert [] == list(installation.settings.root.glob("dbt-as-of-*"))


@pytest.mark.parametrize(
    ("text", "at", "schema"),
    [
        ("2026-03-01", SECOND, "silver_as_of_20260301"),
        ("2026-03-02T00:00:00", THIRD, "silver_as_of_20260302t000000"),
        ("2026-03-02T01:00:00+01:00", THIRD, "silver_as_of_20260302t000000"),
        ("2026-03-01T23:59:59.999999Z", SECOND, "silver_as_of_20260301t235959_999999"),
    ],
)
def test_a_moment_is_the_end_of_a_day_or_a_time_in_utc(text: str, at: datetime, schema: str) -> None:
    """However it is written, and different moments have different schemas."""
    moment = Moment.parse(text)

    assert (at, schema) == (moment.at, moment.schema)


def test_what_cannot_be_rebuilt_is_refused_and_says_why(installation: Installation) -> None:
    """The future, nothing extracted, before the first row, and objects that are unknown or have no table."""
    with pytest.raises(LakeError, match="nothing of salesforce__contact yet"):
        rebuild_silver(installation, Moment.parse("2026-03-01"), [CONTACT])
    publish_two_days(installation)

    with pytest.raises(SettingsError, match="2026-11-20 23:59:59 UTC is in the future"):
        rebuild_silver(installation, Moment.parse("2026-11-20"))
    with pytest.raises(LakeError, match="first rows were extracted at 2026-02-27 10:00:00 UTC"):
        rebuild_silver(installation, Moment.parse("2026-02-27T09:59:59"), [CONTACT])
    with pytest.raises(CatalogError, match="no object salesforce__nothing"):
        rebuild_silver(installation, Moment.parse("2026-03-01"), ["salesforce__nothing"])
    with pytest.raises(SettingsError, match="yesterday is neither a day nor a time"):
        Moment.parse("yesterday")


# A parse of the project and a run that fails: six seconds.
@pytest.mark.deep
def test_a_rebuild_that_fails_leaves_no_schema(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A half rebuilt silver would be taken for the truth."""
    publish_two_days(installation)
    with installation.warehouse.session("test") as session:
        session.execute("create schema silver_as_of_20260301")
        session.execute("create table silver_as_of_20260301.earlier as select 1 as record_id")
    # Bronze without a column that the model reads.
    monkeypatch.setattr(installation.warehouse, "bring_in", lambda session, *_: spoil(session))

    with pytest.raises(TransformError, match=CONTACT):
        rebuild_silver(installation, Moment.parse("2026-03-01"), [CONTACT])

    assert {} == hashes(installation, "silver_as_of_20260301")


def spoil(session: Any) -> None:
    """Take the values out of bronze."""
    session.execute(f"create or replace view bronze.{CONTACT} as select timestamptz '2026-01-01' as _extracted_at")
