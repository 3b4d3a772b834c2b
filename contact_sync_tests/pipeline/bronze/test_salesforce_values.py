"""Values of an org reach bronze as they are, whichever way they are read."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES
from contact_sync.simulator.salesforce.features import Features
from contact_sync.warehouse.duckdb import DuckDBWarehouse
from contact_sync.warehouse.windows import write_schema_fields
from contact_sync_tests.pipeline.bronze.org_bench import OrgBench, catalog_object

AMOUNTS = {
    "0.1": "0.1",
    "100": "100.0",
    "9999999.99": "9999999.99",
    "12345678901234.56": "1.234567890123456E13",
    "1234567890123456.78": "1.23456789012345678E15",
}


LANES = pytest.mark.parametrize(("rest_rows", "jobs"), [(2_000, 0), (0, 1)], ids=["REST", "Bulk"])


@LANES
def test_amounts_keep_every_digit(tmp_path: Path, rest_rows: int, jobs: int) -> None:
    """By REST and by Bulk a currency is the same text in bronze, with more digits than a float has."""
    options = {"rest_rows": rest_rows}
    with closing(OrgBench(tmp_path, item=catalog_object("Account"), source_options=options)) as bench:
        bench.insert("Account", *({"Name": amount, "AnnualRevenue": amount} for amount in AMOUNTS))
        bench.later(minutes=15)

        bench.extract()

        rows = bench.current("Name", "AnnualRevenue").values()
        assert AMOUNTS == {row["Name"]: row["AnnualRevenue"] for row in rows}
        assert jobs == bench.org.jobs["query"]


@LANES
def test_the_currency_stays_beside_the_amount(tmp_path: Path, rest_rows: int, jobs: int) -> None:
    """In an org with several currencies every amount arrives with its code, also after the code alone has changed."""
    options = {"rest_rows": rest_rows}
    features = Features(currencies=SOME_CURRENCIES)
    item = catalog_object("Opportunity")
    with closing(OrgBench(tmp_path, item=item, features=features, source_options=options)) as bench:
        deal = {"Name": "Deal", "StageName": "Qualification", "CloseDate": "2026-12-01"}
        euro, yen, other = bench.insert(
            "Opportunity",
            {**deal, "Amount": "10.5", "CurrencyIsoCode": "EUR"},
            {**deal, "Amount": "1000", "CurrencyIsoCode": "JPY"},
            {**deal, "Amount": "7"},
        )
        bench.later(minutes=15)
        bench.extract()
        bench.update("Opportunity", other, CurrencyIsoCode="EUR")
        bench.later(minutes=15)
        bench.extract()

        found = bench.current("Amount", "CurrencyIsoCode")
        assert {euro: ("10.5", "EUR"), yen: ("1000.0", "JPY"), other: ("7.0", "EUR")} == {
            key: (row["Amount"], row["CurrencyIsoCode"]) for key, row in found.items()
        }
        assert jobs == bool(bench.org.jobs["query"])


def test_the_currency_is_described_to_the_warehouse(tmp_path: Path) -> None:
    """`pipeline.schema_field` has the code of an object as text, and its amount as a decimal."""
    features = Features(currencies=SOME_CURRENCIES)
    with closing(OrgBench(tmp_path, item=catalog_object("Opportunity"), features=features)) as bench:
        bench.later(minutes=15)
        bench.extract()
        warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb", memory_mb=500, threads=1)

        with warehouse.session("test") as session:
            write_schema_fields(
                session, {key: versions[-1] for key, versions in bench.bench.schemas.histories().items()}
            )
            rows = session.query(
                "select field, type, sql_type from pipeline.schema_field "
                "where field in ('Amount', 'CurrencyIsoCode') order by field"
            ).to_pylist()

    assert [("Amount", "currency", "decimal(18, 2)"), ("CurrencyIsoCode", "picklist", "text")] == [
        (row["field"], row["type"], row["sql_type"]) for row in rows
    ]


@LANES
def test_a_person_account_arrives_as_account_and_as_contact(tmp_path: Path, rest_rows: int, jobs: int) -> None:
    """Both halves come with what they share, and both again after only the contact has been edited."""
    options = {"rest_rows": rest_rows}
    features = Features(person_accounts=True)
    found = {}
    for name, columns in {"Account": ("Name", "PersonEmail"), "Contact": ("Name", "Email")}.items():
        home = tmp_path / name
        item = catalog_object(name)
        with closing(OrgBench(home, item=item, features=features, source_options=options)) as bench:
            (person,) = bench.insert("Account", {"LastName": "Doe", "FirstName": "Jo", "PersonEmail": "a@example.com"})
            bench.later(minutes=15)
            bench.extract()
            contact = bench.org.store.record("Account", person)
            assert contact is not None
            bench.update("Contact", str(contact["PersonContactId"]), FirstName="Joe", Email="b@example.com")
            bench.later(minutes=15)
            report = bench.extract()

            assert 1 == report.rows_new
            assert jobs == bool(bench.org.jobs["query"])
            found[name] = [tuple(row[one] for one in columns) for row in bench.current(*columns).values()]

    assert {"Account": [("Joe Doe", "b@example.com")], "Contact": [("Joe Doe", "b@example.com")]} == found
