"""What a resolution of persons costs: the first, one without news, one with some records more, one after a decision.

    .venv/bin/python benchmarks/resolution.py [RECORDS]

The evidence is generated: 1.9 records a person, 2.3 match keys a record, scored pairs within persons and a few between
them. Scoring is measured elsewhere. Prints CPU seconds and writes results/resolution.md.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from results_table import write

from contact_sync.catalog import Entity, load_catalog
from contact_sync.identity.changes import last_change
from contact_sync.identity.collect import Decided
from contact_sync.identity.evidence import DECIDED_SCHEMA
from contact_sync.identity.resolve import Resolution, prepare, resolve
from contact_sync.state.database import StateDatabase
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen, remember
from contact_sync.warehouse.duckdb import DuckDBWarehouse

CATALOG = Path(__file__).parents[1] / "contact_sync" / "catalog"
RESULTS = Path(__file__).parent / "results" / "resolution.md"
RECORDS_A_PERSON = 1.89
RULES = {"email_last_name": 70, "phone_name": 60, "name_street": 50, "name_company": 50}
"""Rule -> how many of a hundred records have a key of it."""
_RECORDS = """
    create or replace table silver.contact_record as
    select
        case number % 3
            when 0 then 'erp__contact/main/' when 1 then 'salesforce__contact/core/' else 'salesforce__lead/core/'
        end || number as record_key,
        cast(null as varchar) as external_id,
        hash(number) % {persons} as person
    from range({records}) as numbers (number)
"""
_PAIRS = """
    insert into identity.person_pair
    select
        least(one.record_key, other.record_key), greatest(one.record_key, other.record_key), 'model',
        0.6 + 0.4 * (hash(one.record_key) % 1000) / 1000.0, '0'
    from silver.contact_record as one
    inner join silver.contact_record as other on one.person = other.person + {distance}
    where (one.record_key < other.record_key or {distance} > 0)
        and hash(one.record_key || other.record_key) % {one_in} = 0
"""


@dataclass
class Bench:
    """An empty ledger and a warehouse with generated evidence."""

    entity: Entity
    warehouse: DuckDBWarehouse
    ledger: IdentityLedger
    persons: int

    def generate(self, records: int) -> None:
        """Make the evidence of so many records; more of them have all that fewer have."""
        keys = " union all ".join(
            f"select record_key, '{rule}' as rule, '{rule} of person ' || person as match_key "
            f"from silver.contact_record where hash(record_key || '{rule}') % 100 < {share}"
            for rule, share in RULES.items()
        )
        with self.warehouse.session("generate") as session:
            session.execute(_RECORDS.format(records=records, persons=self.persons))
            session.execute(f"create or replace table identity.person_match_key as {keys}")
            session.create("identity.person_joining_key", "select * from identity.person_match_key")
            session.create(
                "identity.person_common_key", "select rule, match_key from identity.person_match_key limit 0"
            )
            self._note_changes(session)
            prepare(session, self.entity)
            session.execute("delete from identity.person_pair")
            session.execute(_PAIRS.format(distance=0, one_in=3))
            session.execute(_PAIRS.format(distance=1, one_in=200))

    def _note_changes(self, session: Session) -> None:
        """The records that are new are those of one more refresh."""
        number = changes_seen(session).get("contact_record", 0) + 1
        session.execute(
            "create table if not exists silver.contact_record_change (record_key varchar, changed_in bigint)"
        )
        session.execute(
            f"insert into silver.contact_record_change select record_key, {number} from silver.contact_record "
            "where record_key not in (select record_key from silver.contact_record_change)"
        )
        built = ("contact_record", "person_match_key", "person_common_key")
        remember(session, dict.fromkeys(built, "generated"), seen=dict.fromkeys(built, number))

    def resolve(self, different: list[tuple[str, str]]) -> Resolution:
        """One resolution."""
        rows = [{"record_key_1": one, "record_key_2": other} for one, other in different]
        decided = Decided(same=DECIDED_SCHEMA.empty_table(), different=pa.Table.from_pylist(rows, DECIDED_SCHEMA))
        with self.warehouse.session("identity") as session:
            number = last_change(session, [self.entity]) + 1
            return resolve(session, self.ledger, self.entity, decided=decided, number=number)

    def two_of_one_person(self) -> tuple[str, str]:
        """Two records that share a key."""
        with self.warehouse.session("read") as session:
            (row,) = session.query(
                "select min(record_key) as one, max(record_key) as other from identity.person_link "
                "group by person_key having count(*) = 2 order by person_key limit 1"
            ).to_pylist()
        return row["one"], row["other"]


def main() -> None:
    """Generate, measure, write."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    more = records // 100
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory, _bench(Path(directory), int(records / RECORDS_A_PERSON)) as bench:
        steps: list[tuple[str, int, list[tuple[str, str]]]] = [
            ("the first", records, []),
            ("nothing new", records, []),
            (f"{more:,} records more", records + more, []),
        ]
        for name, count, different in steps:
            bench.generate(count)
            rows.append(_measured(name, bench, different))
        rows.append(_measured("one decision more", bench, [bench.two_of_one_person()]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    remarks = [
        f"`python benchmarks/resolution.py {records}`: generated evidence, ledger in SQLite, warehouse in DuckDB",
        f"Peak memory of the process: {peak:,} MB.",
    ]
    write(RESULTS, "Resolving persons", remarks, rows)


@contextmanager
def _bench(directory: Path, persons: int) -> Iterator[Bench]:
    state = StateDatabase(f"sqlite:///{directory}/state.sqlite")
    try:
        yield Bench(
            entity=load_catalog(CATALOG).entities["contact"],
            warehouse=DuckDBWarehouse(directory / "warehouse.duckdb", memory_mb=4_000, threads=2),
            ledger=IdentityLedger(state),
            persons=persons,
        )
    finally:
        state.close()


def _measured(name: str, bench: Bench, different: list[tuple[str, str]]) -> dict[str, Any]:
    before, started = _cpu_seconds(), time.monotonic()
    resolution = bench.resolve(different)
    return {
        "resolution": name,
        "CPU s": f"{_cpu_seconds() - before:.2f}",
        "wall s": f"{time.monotonic() - started:.2f}",
        "records": resolution.records,
        "persons": resolution.keys,
        "changes": ", ".join(f"{kind} {count:,}" for kind, count in sorted(resolution.events.items())) or "none",
        "cut by guards": sum(resolution.cut.values()),
    }


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
