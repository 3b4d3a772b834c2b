"""What bronze costs in Delta Lake and in PostgreSQL: `python benchmarks/lakes.py`, ten seconds.

Rows of 22 columns are extracted, read again (all of them known), and brought into DuckDB, each lake in a process of its
own. CPU seconds of PostgreSQL's server are counted apart. Writes benchmarks/results/lakes.md.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from results_table import write

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Checkpoint, Field, Health, Page, Selection
from contact_sync.extraction.extract import Extractor, Ledgers
from contact_sync.extraction.select import Days
from contact_sync.lake.bronze import OpenTable
from contact_sync.lake.database import LakeDatabase
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.location import LakeLocation
from contact_sync.lake.postgres import PostgresBronzeTable
from contact_sync.simulator.postgres import PostgresServer
from contact_sync.state.batches import BatchLedger
from contact_sync.state.database import StateDatabase
from contact_sync.state.schemas import SchemaLedger
from contact_sync.state.upkeep import UpkeepLedger
from contact_sync.warehouse.duckdb import DuckDBWarehouse

RESULT: Final = Path(__file__).parent / "results" / "lakes.md"
PAGE_ROWS: Final = 10_000
NOON: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVERYTHING: Final = Days(first=NOON.date(), last=NOON.date() + timedelta(days=1), is_first_partition=True)
CONTACT: Final = CatalogObject(
    source="crm", connector="none", object="Contact", description="People.", owner="team:none", key="Id",
    cursor="ModifiedAt",
)  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """A source whose rows are made when they are read: a key, a time and 20 texts of 30 characters."""

    rows: int

    def check(self) -> Health:
        """It is always there."""
        return Health(identity="generated", description="generated rows")

    def fields(self, _item: CatalogObject) -> tuple[Field, ...]:
        """All are text."""
        return tuple(Field(name=name, type="text") for name in ("Id", "ModifiedAt", *self._texts()))

    def read(self, _item: CatalogObject, _selection: Selection, *, resume: Checkpoint | None = None) -> Iterator[Page]:  # noqa: ARG002 -- the port's
        """All rows, page by page."""
        count = self.rows // PAGE_ROWS
        for number in range(count):
            keys = pa.array(np.arange(number * PAGE_ROWS, (number + 1) * PAGE_ROWS)).cast(pa.string())
            text = pc.binary_join_element_wise(keys, "a value of some usual length", " ")
            times = pa.array([(NOON - timedelta(hours=1)).isoformat()] * PAGE_ROWS)
            rows = pa.table({"Id": keys, "ModifiedAt": times, **dict.fromkeys(self._texts(), text)})
            yield Page(
                rows=rows, number=number + 1, declared_rows=PAGE_ROWS, declared_total=self.rows,
                checkpoint={"rows": number} if number + 1 < count else None, byte_count=rows.nbytes,
            )  # fmt: skip

    def close(self) -> None:
        """Nothing is open."""

    def _texts(self) -> list[str]:
        return [f"text_{number}" for number in range(20)]


@contextmanager
def lake(kind: str, home: Path) -> Iterator[tuple[OpenTable, Callable[[], float], Callable[[], int]]]:
    """An empty lake: how its tables are opened, CPU seconds of its server so far, and bytes of what it holds."""
    if kind == "delta":
        location = LakeLocation(root=str(home / "lake"))
        yield (lambda name: DeltaBronzeTable(location, name)), lambda: 0.0, lambda: _size(home / "lake")
        return
    server = PostgresServer(home / "server")
    server.start()
    try:
        with closing(LakeDatabase(server.url("postgres"))) as database:
            spent = _ServerTime(home / "server")
            yield (lambda name: PostgresBronzeTable(database, name)), spent, lambda: _database_size(server)
    finally:
        server.stop()


class _ServerTime:
    """CPU seconds of a server and of the processes it has started, those that have ended included."""

    def __init__(self, directory: Path) -> None:
        self._server = psutil.Process(int((directory / "postmaster.pid").read_text().splitlines()[0]))

    def __call__(self) -> float:
        spent = self._server.cpu_times()
        running = sum(sum(child.cpu_times()[:2]) for child in self._server.children())
        return spent.user + spent.system + spent.children_user + spent.children_system + running


def measured(kind: str, rows: int, home: Path) -> list[dict[str, Any]]:
    """Extract, read everything again, and bring it into DuckDB: a row of figures for each."""
    figures = []
    state = StateDatabase(f"sqlite:///{home / 'state.sqlite'}")
    with closing(state), lake(kind, home) as (open_table, server_time, size):
        ledgers = Ledgers(batches=BatchLedger(state), schemas=SchemaLedger(state), upkeep=UpkeepLedger(state))
        extractor = Extractor(bronze=open_table, ledgers=ledgers, safety_lag=timedelta(0), now=lambda: NOON)
        warehouse = DuckDBWarehouse(home / "warehouse.duckdb", memory_mb=1500)

        def bring_in() -> None:
            with warehouse.session("bring in") as session:
                warehouse.bring_in(session, open_table(CONTACT.name), {})
                found = session.scalar(f"select count(text_19) from bronze.{CONTACT.name}")
                if found != rows:
                    message = f"{found} of {rows} rows arrived"
                    raise RuntimeError(message)

        steps: dict[str, Callable[[], object]] = {
            "extract": lambda: extractor.run(CONTACT, "core", Generated(rows)),
            "read again, all known": lambda: extractor.run(CONTACT, "core", Generated(rows), days=EVERYTHING),
            "bring into DuckDB": bring_in,
        }
        for step, action in steps.items():
            began = (time.monotonic(), time.process_time(), server_time())
            action()
            wall, own, served = (
                now - then
                for now, then in zip((time.monotonic(), time.process_time(), server_time()), began, strict=True)
            )
            figures.append(
                {
                    "lake": kind,
                    "step": step,
                    "rows/s": int(rows / wall),
                    "CPU s": round(own + served, 2),
                    "of it the server's": round(served, 2),
                    "peak RSS MB": int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                    "MB on disk": round(size() / 1e6, 1),
                }
            )
    return figures


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _database_size(server: PostgresServer) -> int:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        # As autovacuum leaves it.
        connection.execute("vacuum")
        query = (
            "select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint from pg_class c join pg_namespace n on "
            "n.oid = c.relnamespace where nspname in ('bronze', 'bronze_staging') and relkind = 'r'"
        )
        found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def main() -> None:
    """Measure both, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    arguments = parser.parse_args()
    figures = []
    for kind in ("delta", "postgresql"):
        with tempfile.TemporaryDirectory() as home, ProcessPoolExecutor(1, get_context("spawn")) as process:
            figures += process.submit(measured, kind, arguments.rows, Path(home)).result()
    remarks = [
        f"{arguments.rows:,} rows of 22 columns, about 650 bytes each",
        (
            "CPU seconds are those of our own process and of PostgreSQL's server; its writes do not wait for the disk "
            "(`fsync` off), those of Delta Lake do. Memory is our own process's so far, without the server's."
        ),
    ]
    write(RESULT, "Bronze in Delta Lake and in PostgreSQL", remarks, figures)


if __name__ == "__main__":
    main()
