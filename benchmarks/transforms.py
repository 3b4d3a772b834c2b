"""What dedupe, type and merge cost beside DuckDB SQL written by hand: `python benchmarks/transforms.py`.

For each size: Contacts are generated in bronze, a tenth of them in two versions; the silver model merges them, then
1 % of them once more. Ours and the SQL by hand run one after the other over the same files, each in a process of its
own, whose CPU seconds count from start to end; what both hold afterwards is compared, row by row. There are two
references: one makes all columns of our model, the other the values alone, as most would write it.
Writes results/transforms.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import results_table

sys.path.insert(0, str(Path(__file__).parent / "transform"))

from transform.by_hand import TEXT
from transform.by_hand_whole import ABSENT
from transform.generated_bronze import OBJECT, RENEWED, publish

from contact_sync.pipeline.installation import Installation

HERE: Final = Path(__file__).parent
RESULT: Final = HERE / "results" / "transforms.md"
CPU_GOAL: Final = 1.5
MEMORY_GOAL_MB: Final = 2048
ONE_PERCENT: Final = 100
VALUES: Final = [
    *("instance", "record_id", "account_id", *TEXT.values(), "has_opted_out_of_email", "created_at", "modified_at"),
    *("version_at", "is_deleted"),
]
WHOLE: Final = [
    *(*VALUES, *ABSENT, "extracted_at", "batch_id", "rejected_fields", "opted_out_of_email_since"),
    *("account_number", "owner_username"),
]
REFERENCES: Final = {"all columns": ("by_hand_whole.py", WHOLE), "the values alone": ("by_hand.py", VALUES)}
"""What SQL by hand makes: its program, and the columns that are compared."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one process took; the peak is that of the whole process."""

    cpu_seconds: float
    wall_seconds: float
    start_up_cpu_seconds: float
    peak_rss_mb: int


def main() -> None:
    """Measure every size, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000_000, 10_000_000])
    parser.add_argument("--directory", type=Path, help="where the tables are made; a temporary one unless given")
    options = parser.parse_args()
    rows = [row for size in options.rows for row in measured(size, options.directory)]
    remarks = [
        "Contacts of 19 columns through the silver model `salesforce__contact` and through DuckDB SQL written by hand",
        "*All columns*: by hand, too, ids are checked, refusals told, consent and parents looked up, new values found.",
        "*The values alone*: 22 columns, as most would write it.",
        "What dbt does besides and the test of the grain are included.",
        "Loading dbt, which happens once, and normalising new values by libraries are start-up; finding them is not.",
        "The machine was shared: CPU seconds and their ratios count, wall time does not.",
        "All may use 2 threads and 1,500 MB for DuckDB, and held the same values afterwards.",
        f"Goals: at most {CPU_GOAL} times the CPU, under {MEMORY_GOAL_MB} MB.",
    ]
    results_table.write(RESULT, "What dedupe, type and merge cost", remarks, rows)


def measured(size: int, parent: Path | None) -> list[dict[str, Any]]:
    """First load and 1 % merge of so many rows."""
    with tempfile.TemporaryDirectory(prefix="transforms-", dir=parent) as directory:
        os.environ |= {"CONTACT_SYNC_HOME": directory, "DO_NOT_TRACK": "1", "CONTACT_SYNC_WAREHOUSE_MEMORY_MB": "1500"}
        installation = Installation.from_environment()
        # Parsed beforehand, as it is after an installation's first run.
        installation.dbt.manifest()
        records = size * RENEWED // (RENEWED + 1)
        publish(installation, sequence=1, first=0, last=records)
        publish(installation, sequence=2, first=0, last=records, step=RENEWED)
        first = compared(installation, Path(directory), size, "dedupe and type", 0)
        publish(installation, sequence=3, first=0, last=records, step=ONE_PERCENT)
        return [*first, *compared(installation, Path(directory), size, "merge of 1 %", 2)]


def compared(installation: Installation, directory: Path, size: int, step: str, after: int) -> list[dict[str, Any]]:
    """Ours, then each reference by hand; sys.exit when they disagree."""
    files = [uri.removeprefix("file://") for uri in installation.bronze(OBJECT).delta.file_uris()]
    ours = run("our_models.py", OBJECT)
    rows = []
    for name, (program, columns) in REFERENCES.items():
        database = str(directory / f"{program}.duckdb")
        by_hand = run(program, database, str(after), *files)
        _raise_unless_equal(installation, database, columns)
        rows.append(row(size, step, name, ours, by_hand))
    return rows


def row(size: int, step: str, reference: str, ours: Cost, by_hand: Cost) -> dict[str, Any]:
    """A line of the table."""
    return {
        "rows": size,
        "step": step,
        "by hand": reference,
        "contact_sync CPU s": round(ours.cpu_seconds, 1),
        "by hand CPU s": round(by_hand.cpu_seconds, 1),
        "ratio": round(ours.cpu_seconds / by_hand.cpu_seconds, 2),
        "contact_sync peak MB": ours.peak_rss_mb,
        "by hand peak MB": by_hand.peak_rss_mb,
        "contact_sync wall s": round(ours.wall_seconds, 1),
        "its start-up CPU s": round(ours.start_up_cpu_seconds, 1),
    }


def run(script: str, *arguments: str) -> Cost:
    """One process, which tells what its work took."""
    command = [sys.executable, str(HERE / "transform" / script), *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _raise_unless_equal(installation: Installation, by_hand: str, columns: list[str]) -> None:
    query = f"select count(*), sum(hash({', '.join(columns)})) from"
    with duckdb.connect(by_hand, read_only=True) as database:
        expected = database.execute(f"{query} contact").fetchall()
    with duckdb.connect(str(installation.settings.warehouse_path), read_only=True) as database:
        found = database.execute(f"{query} silver.{OBJECT}").fetchall()
    if expected != found:
        sys.exit(f"the two tables differ: {expected} by hand, {found} by the model")


if __name__ == "__main__":
    main()
