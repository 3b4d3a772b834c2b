"""What a Bulk API 2.0 extraction costs beside other ways to read: `python benchmarks/salesforce_extract.py`.

Contacts of 20 columns are rendered once and sent by a loopback server in a process of its own. All readers run one
after the other in every round, so that a busy machine is busy for all of them; a reader's CPU seconds are those of its
whole process tree, from start to end. What contact-sync, DuckDB, pandas and pyarrow wrote is compared with what was
rendered, column by column. Writes benchmarks/results/salesforce_extract.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import duckdb
from salesforce.bodies import FIELDS, Bodies, checksums, rendered
from salesforce.readers import Reader, ours, readers

REFERENCE: Final = "download thread + DuckDB (reference)"
RESULT: Final = Path(__file__).parent / "results" / "salesforce_extract.md"
CPU_GOAL: Final = 1.3
MEMORY_GOAL_MB: Final = 256
TAP_GOAL: Final = 20


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run of one reader. `values` says what the comparison with the rendered values found."""

    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: int
    values: str


def main() -> None:
    """Render, measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--page-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=5_000_000, help="rows of the memory runs; 0 leaves them out")
    parser.add_argument("--large-page-rows", type=int, default=250_000)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "contact-sync-benchmark")
    options = parser.parse_args()
    bodies = rendered(options.cache, options.rows, options.page_rows)
    compared = readers(options.cache, bodies)
    found: dict[str, list[Measurement]] = {reader.name: [] for reader in compared}
    with served(bodies) as url, served(bodies, is_gzip=True) as gzip_url:
        for number in range(options.rounds):
            for reader in compared:
                measured = measure(reader, gzip_url if reader.is_gzip else url, bodies)
                found[reader.name].append(measured)
                print(
                    f"round {number + 1}: {reader.name}: {measured.cpu_seconds:.2f} CPU s, {measured.values}",
                    flush=True,
                )
        memory = again(bodies, url, options.cache)
    if options.large:
        large = rendered(options.cache, options.large, options.large_page_rows, with_gzip=False)
        with served(large) as url:
            memory |= again(large, url, options.cache, is_first_measured=True)
    text = report(options, bodies, compared, found, memory)
    RESULT.write_text(text)
    print(text)


def measure(reader: Reader, url: str, bodies: Bodies, directory: Path | None = None) -> Measurement:
    """Run a reader once, in a new directory unless one is given."""
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="salesforce-extract-") as made:
            return measure(reader, url, bodies, Path(made))
    command = reader.command(url, directory)
    # Everybody may keep compiled modules, as after any installation.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    launcher, figures = Path(__file__).parent / "salesforce" / "measured.py", directory / "figures.json"
    with (directory / "output").open("wb") as output, (directory / "errors").open("wb") as errors:
        done = subprocess.run(
            [sys.executable, "-S", str(launcher), str(figures), *command],
            stdout=output,
            stderr=errors,
            env={**environment, **reader.environment(url, directory)},
            check=False,
        )
    if done.returncode:
        said = [(directory / name).read_text(errors="replace")[-2000:] for name in ("output", "errors")]
        sys.exit(f"{reader.name}: {said}")
    return Measurement(**json.loads(figures.read_text()), values=compared_values(reader, directory, bodies))


def compared_values(reader: Reader, directory: Path, bodies: Bodies) -> str:
    """Whether every value of every column is what was rendered; readers without files are only counted."""
    if reader.files is None:
        if reader.rows is None:
            return "-"
        lines = sum(line.startswith(b'{"type": "RECORD"') for line in (directory / "output").open("rb"))
        return "not compared" if lines == reader.rows else f"{lines:,} of {reader.rows:,} rows"
    with duckdb.connect() as database:
        found = checksums(database, f"read_parquet('{directory}/{reader.files}', hive_partitioning = false)")
    differing = [name for name, expected in bodies.checksums().items() if found[name] != int(expected)]
    return f"differ: {', '.join(differing)}" if differing else "all equal"


def again(bodies: Bodies, url: str, cache: Path, *, is_first_measured: bool = False) -> dict[str, Measurement]:
    """Read everything, and then once more when bronze knows it all."""
    size = f"{bodies.rows / 1e6:.0f}M rows, pages of {bodies.page_rows:,}"
    directory = Path(tempfile.mkdtemp(prefix="salesforce-extract-", dir=cache))
    try:
        first = measure(ours("first"), url, bodies, directory)
        days = ("2000-01-01", f"{datetime.now(UTC):%Y-%m-%d}")
        second = measure(ours("again", days=days), url, bodies, directory)
    finally:
        shutil.rmtree(directory)
    known = {f"{size}, all known to bronze": second}
    return {f"{size}, first": first, **known} if is_first_measured else known


@contextmanager
def served(bodies: Bodies, *, is_gzip: bool = False) -> Iterator[str]:
    """A server of these bodies in a process of its own."""
    server = Path(__file__).parent / "salesforce" / "server.py"
    command = [sys.executable, str(server), str(bodies.directory), str(bodies.rows), str(bodies.page_rows)]
    with subprocess.Popen([*command, *(["--gzip"] if is_gzip else [])], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{next(iter(process.stdout or ())).strip()}"
        finally:
            process.terminate()


def report(
    options: argparse.Namespace,
    bodies: Bodies,
    compared: list[Reader],
    found: dict[str, list[Measurement]],
    memory: dict[str, Measurement],
) -> str:
    """The figures as Markdown, one sentence per line."""
    per_million = {reader.name: cpu_per_million(found[reader.name], reader, bodies) for reader in compared}
    reference = per_million[REFERENCE]
    scaled = next(reader.rows for reader in compared if reader.rows)
    versions = f"duckdb {version('duckdb')}, pyarrow {version('pyarrow')}, Python {platform.python_version()}"
    size = f"{bodies.byte_count() / 1e6:.0f} MB of CSV in pages of {bodies.page_rows:,} rows"
    text = f"""# What a Bulk API 2.0 extraction costs

{bodies.rows:,} Contacts x {len(FIELDS)} columns, {size}, over HTTP on loopback.
Medians of {options.rounds} rounds, all readers one after the other in each.
{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, {versions}.
The machine was shared, so CPU seconds and their ratios count, wall time does not.
The tap read the first {scaled:,} rows as JSON by REST; its CPU seconds are scaled.

| reader | CPU s per 1M rows | ratio to reference | wall s | peak RSS MB | values |
|---|---|---|---|---|---|"""
    lines = text.split("\n")
    for reader in compared:
        runs = found[reader.name]
        lines.append(
            f"| {reader.name} | {per_million[reader.name]:.2f} | {per_million[reader.name] / reference:.2f} "
            f"| {statistics.median(run.wall_seconds for run in runs):.1f} | {max(run.peak_rss_mb for run in runs)} "
            f"| {'; '.join(sorted({run.values for run in runs}))} |"
        )
    lines += ["", "contact-sync alone:", "", "| reading | CPU s | peak RSS MB | values |", "|---|---|---|---|"]
    for name, run in memory.items():
        lines.append(f"| {name} | {run.cpu_seconds:.1f} | {run.peak_rss_mb} | {run.values} |")
    return "\n".join([*lines, "", *goals(per_million, found, memory), ""])


def goals(
    per_million: dict[str, float], found: dict[str, list[Measurement]], memory: dict[str, Measurement]
) -> list[str]:
    """Each goal with what was measured."""
    ratio = per_million["contact-sync extract"] / per_million[REFERENCE]
    tap = per_million["singer tap-salesforce, REST"] / per_million["contact-sync extract"]
    runs = [*found["contact-sync extract"], *found["contact-sync extract, gzip"], *memory.values()]
    most = max(run.peak_rss_mb for run in runs)
    equal = all(run.values == "all equal" for run in runs)
    return [
        f"- CPU at most {CPU_GOAL} times the reference's: {ratio:.2f}, {_verdict(ratio <= CPU_GOAL)}.",
        f"- Peak memory under {MEMORY_GOAL_MB} MB in every run: {most} MB, {_verdict(most < MEMORY_GOAL_MB)}.",
        f"- At least {TAP_GOAL} times less CPU than the tap: {tap:.0f} times, {_verdict(tap >= TAP_GOAL)}.",
        f"- No value changed: {_verdict(equal)}.",
    ]


def cpu_per_million(runs: list[Measurement], reader: Reader, bodies: Bodies) -> float:
    """Median CPU seconds, for a million rows."""
    return statistics.median(run.cpu_seconds for run in runs) / (reader.rows or bodies.rows) * 1_000_000


def _verdict(is_met: bool) -> str:  # noqa: FBT001 -- one value
    return "met" if is_met else "missed"


if __name__ == "__main__":
    main()
