"""What measuring a silver table costs: rules and profiles of a million contacts, against a scan of every value.

    .venv/bin/python benchmarks/data_quality.py [ROWS]

Prints CPU seconds, the best of three, and the peak memory of the process.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from contact_sync.catalog import load_catalog, load_contracts
from contact_sync.quality.measure import Engine, profiled, selects

CATALOG = Path(__file__).parents[1] / "contact_sync" / "catalog"
TEXTS = {
    "salutation": 5,
    "first_name": 500,
    "last_name": 20_000,
    "phone": 900_000,
    "mobile_phone": 900_000,
    "job_title": 300,
    "department": 20,
    "lead_source": 7,
    "street": 500_000,
    "city": 5_000,
    "state": 60,
    "postal_code": 40_000,
    "country": 30,
    "description": 1_000_000,
    "account_id": 100_000,
    "owner_id": 200,
    "contact_sync_key": 1_000_000_000_000,
}
"""Column -> about how many different values it has."""


def main() -> None:
    """Make the table, measure it, print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    contract = load_contracts(CATALOG, load_catalog(CATALOG).objects)["salesforce__contact"]
    with tempfile.TemporaryDirectory() as directory:
        connection = duckdb.connect(f"{directory}/benchmark.duckdb", config={"threads": 2, "memory_limit": "4GB"})
        columns = make_table(connection, rows)
        now = datetime.now(UTC)
        (one_pass,) = selects("contact", profiled(columns), contract.rules, now)
        (standard,) = selects("contact", profiled(columns), contract.rules, now, Engine())
        scan = (
            f"select count(*), {', '.join(f'sum(hash({name}))' for name in columns)} from contact where not is_deleted"
        )
        base = best(lambda: connection.execute(scan).fetchall())
        print(f"{rows:,} rows, {len(columns)} columns, {len(contract.rules)} rules, {len(one_pass.figures)} figures")
        print(f"scan: count(*) and sum(hash(...)) of every column   {base:.2f} CPU s   1.0")
        for name, statement in (("estimated different values", one_pass), ("standard SQL, exact", standard)):
            seconds = best(lambda sql=statement.sql: connection.execute(sql).fetchall())
            print(f"contract and profile, {name:30}{seconds:.2f} CPU s   {seconds / base:.1f}")
        connection.close()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def make_table(connection: duckdb.DuckDBPyConnection, rows: int) -> dict[str, str]:
    """A table like silver's contacts: a tenth of most columns is null, one row in fifty deleted; column -> type."""
    texts = [
        f"case when hash(i * 31 + {number}) % 10 > 0 then '{name} ' || (hash(i + {number}) % {values}) end as {name}"
        for number, (name, values) in enumerate(TEXTS.items())
    ]
    connection.execute(
        f"""
        create table contact as
        select
            case when i % 3 = 0 then 'emea' else 'core' end as instance, '003' || i as record_id, {", ".join(texts)},
            'person' || (i % 900000) || '@example.com' as email,
            i % 20 = 0 as has_opted_out_of_email, i % 30 = 0 as do_not_call,
            timestamptz '2020-01-01 00:00:00+00' + to_seconds(i) as created_at,
            timestamptz '2022-01-01 00:00:00+00' + to_seconds(i) as modified_at,
            now() - to_seconds(i) as extracted_at, i % 50 = 0 as is_deleted
        from range({rows}) as numbers (i)
        """
    )
    return {row[0]: row[1].lower() for row in connection.execute("describe contact").fetchall()}


def best(work: Callable[[], object]) -> float:
    """The least CPU seconds of three times."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


if __name__ == "__main__":
    main()
