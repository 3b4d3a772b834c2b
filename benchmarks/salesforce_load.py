"""What a Bulk API 2.0 load costs beside other ways to write: `python benchmarks/salesforce_load.py`.

Contacts of nine columns are upserted into a loopback server in a process of its own. All loaders run one after the
other in every round, so that a busy machine is busy for all of them; a loader's CPU seconds are those of its whole
process tree, from start to end. Ours applies a plan, as `contact-sync apply` does and once by that command itself:
every row noted before it is sent and settled after. Writes benchmarks/results/salesforce_load.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
from results_table import write
from salesforce import planned_home
from salesforce.ingest_server import FIELDS, REFUSED_OF
from salesforce.readers import SIMPLE, environment

from contact_sync.catalog import load_catalog
from contact_sync.lake.published import spool
from contact_sync.settings import Settings
from contact_sync.sync.plan import in_order
from contact_sync.sync.plan_table import after, plan_schema, written_fields

HERE: Final = Path(__file__).parent / "salesforce"
RESULT: Final = Path(__file__).parent / "results" / "salesforce_load.md"
REFERENCE: Final = "raw client, standard library (reference)"
CPU_GOAL: Final = 1.5
MEMORY_GOAL_MB: Final = 150
OURS: Final = "contact-sync apply, from plan to ledger"
WHOLE: Final = "contact-sync apply, the whole command"
REMARK: Final = """Ours reads a plan, checks keys and values, notes every row in the ledger before it
is sent, and joins each result to its row; the whole command also loads its verbs, opens the lake and looks whether the
plan still holds. The reference sends a CSV file that is there and knows each row's result after; simple-salesforce
does the same. The floor only counts results."""
_MAKERS: Final = {
    "Contact_Sync_Key__c": "'per_' || md5(cast(number as varchar))[:20]",
    "FirstName": "'Zoë ' || number % 977",
    "LastName": "'Doe-' || number",
    "Email": "'zoe.doe.' || number || '@example.com'",
    "Phone": "'+49 30 ' || 1000000 + number",
    "MailingStreet": "case when number % 3 = 0 then 'Alte \"Straße\" ' else 'Main Street ' end || number % 89",
    "MailingCity": "'City ' || number % 499",
    "MailingPostalCode": "lpad(cast(number % 99999 as varchar), 5, '0')",
    "MailingCountry": "'DE'",
}


@dataclass(frozen=True, kw_only=True)
class Loader:
    """A way to write: `command(url, directory)`, with an `environment(url)` of its own."""

    name: str
    command: Callable[[str, Path], list[str]]
    environment: Callable[[str], Mapping[str, str]] = field(default=lambda _url: {})


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run of one loader."""

    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: int


def main() -> None:
    """Make the rows, measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "contact-sync-benchmark")
    options = parser.parse_args()
    simple = environment(options.cache / "simple", SIMPLE)
    lines = [line for count in options.rows for line in compared(count, options.rounds, simple)]
    for line in lines:
        line["CPU µs a row"] = microseconds_a_row(lines, line["loader"])
    how = f"medians of {options.rounds} rounds, all loaders one after the other in each; a ratio is of one round"
    remarks = [
        f"Contacts x {len(FIELDS)} columns, upserted over HTTP on loopback, every {REFUSED_OF:,}th refused; {how}",
        REMARK,
        f"Goals: at most {CPU_GOAL} times the reference's CPU, under {MEMORY_GOAL_MB} MB. {verdicts(lines)}",
        "*CPU µs a row* is what one more row costs, from the fewest rows to the most, without what starts a loader.",
    ]
    write(RESULT, "What a Bulk API 2.0 load costs", remarks, lines)


def compared(count: int, rounds: int, simple: str) -> list[dict[str, Any]]:
    """One line for each loader."""
    with tempfile.TemporaryDirectory(prefix="salesforce-load-") as directory:
        rows = made(Path(directory), count)
        found: dict[str, list[Measurement]] = {}
        for number in range(rounds):
            for loader in loaders(rows, simple):
                with served(Path(directory)) as url:
                    found.setdefault(loader.name, []).append(measure(loader, url, Path(directory), count))
                print(f"{count:,} round {number + 1}: {loader.name}: {found[loader.name][-1]}", flush=True)
    return [
        {
            "rows": count,
            "loader": name,
            "CPU s": f"{statistics.median(run.cpu_seconds for run in runs):.2f}",
            "ratio": f"{ratio(runs, found[REFERENCE]):.2f}",
            "wall s": f"{statistics.median(run.wall_seconds for run in runs):.1f}",
            "peak MB": max(run.peak_rss_mb for run in runs),
        }
        for name, runs in found.items()
    ]


def ratio(runs: Sequence[Measurement], of_reference: Sequence[Measurement]) -> float:
    """How many times the reference's CPU seconds a loader took, as the median of what each round says."""
    rounds = zip(runs, of_reference, strict=True)
    return statistics.median(run.cpu_seconds / reference.cpu_seconds for run, reference in rounds)


def microseconds_a_row(lines: Sequence[Mapping[str, Any]], loader: str) -> float:
    """What one more row costs a loader, from the fewest rows to the most; what starts it counts for nothing."""
    cpu = {int(line["rows"]): float(line["CPU s"]) for line in lines if line["loader"] == loader}
    fewest, most = min(cpu), max(cpu)
    return round((cpu[most] - cpu[fewest]) / max(most - fewest, 1) * 1e6, 2)


def loaders(rows: Path, simple: str) -> list[Loader]:
    """All of them, in the order in which a round runs them."""
    plan = rows.with_name("plan.parquet")
    return [
        Loader(
            name=REFERENCE,
            command=lambda url, _: [sys.executable, str(HERE / "raw_load.py"), url, str(rows.with_suffix(".csv"))],
        ),
        Loader(
            name="pyarrow, counting only (floor)",
            command=lambda url, _: [sys.executable, str(HERE / "columnar_load.py"), url, str(rows)],
        ),
        Loader(
            name=OURS,
            command=lambda url, directory: [
                *(sys.executable, str(HERE / "as_command.py"), url, str(plan), str(directory / "state.sqlite"))
            ],
        ),
        Loader(
            name=WHOLE,
            command=lambda _url, _directory: [
                *(str(Path(sys.executable).with_name("contact-sync")), "apply", "--json")
            ],
            environment=lambda url: planned_home.environment(rows.with_name("home"), url),
        ),
        Loader(
            name="simple-salesforce bulk2.upsert",
            command=lambda url, _: [
                simple,
                str(HERE / "simple_salesforce_load.py"),
                url,
                str(rows.with_suffix(".csv")),
            ],
        ),
    ]


def made(directory: Path, count: int) -> Path:
    """The rows as a Parquet file of columns, and beside it as one of plan rows."""
    columns = ", ".join(f'{maker} as "{name}"' for name, maker in _MAKERS.items())
    catalog = load_catalog(Settings().catalog_path)
    schema = plan_schema(in_order(catalog))
    written = {after(name): field for name, field in written_fields(catalog.entities["contact"]).items()}
    values = ", ".join(f'"{field}" as {column}' for column, field in written.items() if field in _MAKERS)
    rows, plan = directory / "rows.parquet", directory / "plan.parquet"
    with duckdb.connect() as database:
        database.execute(f"create table contact as select {columns} from range({count}) as numbers (number)")
        database.execute(f"copy contact to '{rows}' (format parquet, row_group_size 50000)")
        database.execute(f"copy contact to '{rows.with_suffix('.csv')}' (header)")
        database.register("no_rows", schema.empty_table())
        query = f"""
            select 'plan' as plan_id, 'plan/contact/create/' || {FIELDS[0]} as plan_row_id, 'contact' as entity,
                'create' as stage, 'salesforce__contact' as object_name, 'core' as instance, {FIELDS[0]} as golden_key,
                {FIELDS[0]} as row_key, md5({FIELDS[0]}) as value_hash, {values}
            from contact union all by name select * from no_rows"""
        # As plans are published.
        spool(database.sql(query).to_arrow_reader(100_000), plan)
    planned_home.publish_plan(directory / "home", plan)
    return rows


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """A server in a process of its own."""
    command = [sys.executable, str(HERE / "ingest_server.py"), str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{next(iter(process.stdout or ())).strip()}"
        finally:
            process.terminate()


def measure(loader: Loader, url: str, directory: Path, count: int) -> Measurement:
    """Run a loader once, and check that it counts what it should."""
    figures = directory / "figures.json"
    for left in directory.rglob("state.sqlite*"):
        left.unlink()
    command = [sys.executable, "-S", str(HERE / "measured.py"), str(figures), *loader.command(url, directory)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # As the contact-sync command sets them, here for everybody.
    environment |= {"MIMALLOC_ARENA_EAGER_COMMIT": "0", "MIMALLOC_PURGE_DELAY": "0"}
    environment |= loader.environment(url)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    refused = count // REFUSED_OF
    # The command ends with 2 where rows were refused.
    if done.returncode not in {0, 2} or not all(str(number) in done.stdout for number in (count - refused, refused)):
        sys.exit(f"{loader.name}: {done.stdout[-500:]} {done.stderr[-2000:]}")
    return Measurement(**json.loads(figures.read_text()))


def verdicts(lines: list[dict[str, Any]]) -> str:
    """What was measured against the goals, which are those of the load itself."""
    return (
        "Measured from plan to ledger: " + "; ".join(_verdict(line) for line in lines if line["loader"] == OURS) + "."
    )


def _verdict(line: dict[str, Any]) -> str:
    is_met = {True: "met", False: "missed"}
    cpu = f"{line['ratio']} ({is_met[float(line['ratio']) <= CPU_GOAL]})"
    return f"{line['rows']:,} rows: {cpu}, {line['peak MB']} MB ({is_met[line['peak MB'] < MEMORY_GOAL_MB]})"


if __name__ == "__main__":
    main()
