"""What a day's records cost from the source to the plan: `python benchmarks/whole_day.py`.

Contacts of 20 columns are sent by a loopback server as an org would send them, extracted into bronze, and taken through
silver, identities and gold to the plan: first as people nobody knew, then once more with each of them edited, as most
records of a day are; what an edit changes, salesforce/population.py says. Each step's CPU seconds are those of its
process from start to end, and what they come to for 50 million records is worked out from them. Writes
results/whole_day.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import results_table
from salesforce.bodies import Bodies, rendered
from salesforce.population import EDITS, first_day, next_day
from salesforce.readers import Reader, ours
from salesforce_extract import measure, served

HERE: Final = Path(__file__).parent
RESULT: Final = HERE / "results" / "whole_day.md"
STEPS: Final = ("silver", "scores", "identities", "gold", "plan")
DAY_ROWS: Final = 50_000_000
GOAL_MINUTES: Final = 15


def main() -> None:
    """Extract, refresh, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--page-rows", type=int, default=250_000)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "contact-sync-benchmark")
    options = parser.parse_args()
    first, edited = (
        rendered(options.cache, options.rows, options.page_rows, with_gzip=False, of=of) for of in (first_day, next_day)
    )
    # A server's address is another one the next day; the days that are read again are those of all edits.
    later = ("2025-01-01", f"{datetime.now(UTC):%Y-%m-%d}")
    with tempfile.TemporaryDirectory(prefix="whole-day-", dir=options.cache) as home:
        known, rows = day("all new", ours("extract"), first, Path(home))
        _, changes = day("all edited", ours("extract", days=later), edited, Path(home))
    minutes = [sum(entry["CPU minutes for 50M"] for entry in entries) for entries in (rows, changes)]
    edits = ", ".join(f"{share:.0%} {what}" for what, share in EDITS.items())
    remarks = [
        f"{options.rows:,} Contacts of 20 columns from an org's Bulk API 2.0 to the plan, new and then all edited",
        f"An edit changes the record's time and one thing: {edits}.",
        f"Values of bronze after the first day compared with what was sent: {known}.",
        f"50 million new people would take {minutes[0]:.0f} CPU minutes, as many edits of known ones {minutes[1]:.0f}.",
        "The machine was shared: CPU seconds count, wall time does not.",
        f"Goal: at most {GOAL_MINUTES}. Start-up of the processes is worked out with the rest, though it happens once.",
    ]
    results_table.write(RESULT, "What a day of 50 million records costs", remarks, [*rows, *changes])


def day(records: str, reader: Reader, bodies: Bodies, home: Path) -> tuple[str, list[dict[str, Any]]]:
    """Whether bronze has the values that were sent, and a row for each step."""
    with served(bodies) as url:
        extracted = measure(reader, url, bodies, home)
        rows = [row(records, "extract into bronze", vars(extracted), bodies.rows)]
        return extracted.values, [
            *rows,
            *(row(records, *step, bodies.rows) for step in refreshed(reader.environment(url, home))),
        ]


def refreshed(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Each step after bronze with its figures."""
    command = [sys.executable, str(HERE / "transform" / "one_refresh.py")]
    settings = {**os.environ, **environment, "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=settings)
    figures = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return list(zip(STEPS, figures, strict=True))


def row(records: str, step: str, figures: dict[str, Any], rows: int) -> dict[str, Any]:
    """One line of the table."""
    return {
        "records": records,
        "step": step,
        "CPU s": round(figures["cpu_seconds"], 1),
        "CPU minutes for 50M": round(figures["cpu_seconds"] * DAY_ROWS / rows / 60, 1),
        "wall s": round(figures["wall_seconds"], 1),
        "peak MB": figures["peak_rss_mb"],
    }


if __name__ == "__main__":
    main()
