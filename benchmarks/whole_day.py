"""What a day's records cost from the source to the plan: `python benchmarks/whole_day.py`.

Contacts of 20 columns are sent by a loopback server as an org would send them, extracted into bronze, and taken through
silver, identities and gold to the plan: first as people nobody knew, then with one in a hundred of them edited, as one
of a day's many refreshes, then with all of them edited, as a day's records are in all; what an edit changes,
salesforce/population.py says. Each step's CPU seconds are those of its process from start to end. Two sizes are
measured: what a step costs in any case and what each record adds come from their difference, and what 50 million
records would cost from both. Writes results/whole_day_LARGER-SIZE.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import results_table
from salesforce.bodies import Bodies, rendered
from salesforce.population import EDITS, first_day, next_day
from salesforce.readers import Reader, ours
from salesforce_extract import measure, served

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results"
EXTRACT: Final = "extract into bronze"
STEPS: Final = ("silver", "scores", "identities", "gold", "plan")
DAYS: Final = {
    "all new": "50 million new people",
    "1 % edited": "One refresh with 50 million known and 1 % of them edited",
    "all edited": "50 million edits of people who are known",
}
"""What is sent one after the other, and what it stands for at 50 million."""
DAY_ROWS: Final = 50_000_000
GOAL_MINUTES: Final = 15


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a step took at one size; the peak is what its process had at most meanwhile."""

    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: int


Costs = Mapping[tuple[str, str], Cost]
"""(records, step) -> what it took."""


def main() -> None:
    """Measure both sizes, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=[500_000, 2_000_000], help="the smaller size first")
    parser.add_argument(
        "--days", type=int, default=len(DAYS), choices=range(1, len(DAYS) + 1), help="how many of the days"
    )
    parser.add_argument("--page-rows", type=int, default=250_000)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "contact-sync-benchmark")
    options = parser.parse_args()
    small, large = options.rows
    days = list(DAYS)[: options.days]
    at_small, at_large = (measured(days, rows, options.page_rows, options.cache) for rows in options.rows)
    report(days, (small, large), at_small, at_large)


def report(days: Sequence[str], sizes: tuple[int, int], at_small: Costs, at_large: Costs) -> None:
    """Write what both sizes took, and what it comes to."""
    small, large = sizes
    rows = [row(step, at_small[step], at_large[step], sizes=(small, large)) for step in at_large]
    minutes = {name: sum(one["CPU minutes for 50M"] for one in rows if one["records"] == name) for name in days}
    edits = ", ".join(f"{share:.0%} {what}" for what, share in EDITS.items())
    remarks = [
        f"{small:,} and {large:,} Contacts of 20 columns from an org's Bulk API 2.0 to the plan: {', '.join(days)}",
        f"An edit changes the record's time and one thing: {edits}.",
        "Values of bronze after the first day were compared with what was sent: all equal.",
        *(f"{name[0].upper()}{name[1:]}, {large:,} known: {total(at_large, name)}." for name in days),
        *(f"{DAYS[name]} would take {minutes[name]:.0f} CPU minutes." for name in days),
        "What is fixed counts once for them, what is proportional by their number.",
        "The machine was shared: CPU seconds count, wall time does not.",
        f"Goal: at most {GOAL_MINUTES}.",
    ]
    results_table.write(RESULTS / f"whole_day_{large}.md", "What a day of 50 million records costs", remarks, rows)


def total(costs: Costs, records: str) -> str:
    """What all steps took together."""
    those = [cost for (name, _), cost in costs.items() if name == records]
    cpu, wall = (sum(getattr(cost, figure) for cost in those) / 60 for figure in ("cpu_seconds", "wall_seconds"))
    return f"{cpu:.1f} CPU minutes in {wall:.1f} minutes"


def measured(days: Sequence[str], rows: int, page_rows: int, cache: Path) -> Costs:
    """(records, step) -> what it took for so many; sys.exit when bronze does not hold what was sent."""
    bodies = [
        rendered(cache, count, page_rows, with_gzip=False, of=of)
        for count, of in ((rows, first_day), (rows // 100, next_day), (rows, next_day))[: len(days)]
    ]
    # A server's address is another one the next day; the days that are read again are those of all edits.
    later = ("2025-01-01", f"{datetime.now(UTC):%Y-%m-%d}")
    with tempfile.TemporaryDirectory(prefix="whole-day-", dir=cache) as home:
        costs = dict(day(days[0], ours("extract"), bodies[0], Path(home), is_compared=True))
        for records, edited in zip(days[1:], bodies[1:], strict=True):
            costs |= day(records, ours("extract", days=later), edited, Path(home))
        return costs


def day(records: str, reader: Reader, bodies: Bodies, home: Path, *, is_compared: bool = False) -> Costs:
    """What each step took; is_compared: bronze has to hold the values that were sent and nothing else."""
    with served(bodies) as url:
        found = measure(reader, url, bodies, home)
        if is_compared and found.values != "all equal":
            sys.exit(f"bronze does not hold what was sent: {found.values}")
        extracted = Cost(cpu_seconds=found.cpu_seconds, wall_seconds=found.wall_seconds, peak_rss_mb=found.peak_rss_mb)
        costs = {EXTRACT: extracted, **refreshed(reader.environment(url, home))}
    print(records, bodies.rows, costs, flush=True)
    return {(records, step): cost for step, cost in costs.items()}


def refreshed(environment: Mapping[str, str]) -> dict[str, Cost]:
    """Each step after bronze with what it took."""
    command = [sys.executable, str(HERE / "transform" / "one_refresh.py")]
    settings = {**os.environ, **environment, "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=settings)
    figures = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    costs = [Cost(**{name: one[name] for name in Cost.__dataclass_fields__}) for one in figures]
    return dict(zip(STEPS, costs, strict=True))


def row(step: tuple[str, str], at_small: Cost, at_large: Cost, *, sizes: tuple[int, int]) -> dict[str, Any]:
    """One line of the table; a fixed cost below nothing is a measurement's noise and counts as none."""
    small, large = sizes
    of_record = (at_large.cpu_seconds - at_small.cpu_seconds) / (large - small)
    fixed = max(at_small.cpu_seconds - of_record * small, 0.0)
    return {
        "records": step[0],
        "step": step[1],
        f"CPU s of {small:,}": round(at_small.cpu_seconds, 1),
        f"CPU s of {large:,}": round(at_large.cpu_seconds, 1),
        "fixed CPU s": round(fixed, 1),
        "CPU µs a record": round(of_record * 1e6, 1),
        "CPU minutes for 50M": round((fixed + of_record * DAY_ROWS) / 60, 1),
        f"wall s of {large:,}": round(at_large.wall_seconds, 1),
        "peak MB": at_large.peak_rss_mb,
    }


if __name__ == "__main__":
    main()
