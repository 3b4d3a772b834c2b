"""Values of an org reach bronze as they are, whichever way they are read."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from contact_sync_tests.pipeline.bronze.org_bench import OrgBench, catalog_object

AMOUNTS = {
    "0.1": "0.1",
    "100": "100.0",
    "9999999.99": "9999999.99",
    "12345678901234.56": "1.234567890123456E13",
    "1234567890123456.78": "1.23456789012345678E15",
}


@pytest.mark.parametrize(("rest_rows", "jobs"), [(2_000, 0), (0, 1)], ids=["REST", "Bulk"])
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
