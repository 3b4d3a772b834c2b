"""What a day's records cost from the source to the plan: `python benchmarks/whole_day.py`.

Contacts of 20 columns are sent by a loopback server as an org would send them, extracted into bronze, and taken through
silver, identities and gold to the plan; each step's CPU seconds are those of its process from start to end, and what
they come to for 50 million records is worked out from them. Writes results/whole_day.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import results_table
from salesforce.bodies import rendered
from salesforce.readers import ours
from salesforce_extract import measure, served

HERE: Final = Path(__file__).parent
RESULT: Final = HERE / "results" / "whole_day.md"
STEPS: Final = ("silver", "identities", "gold", "plan")
DAY_ROWS: Final = 50_000_000
GOAL_MINUTES: Final = 15


def main() -> None:
    """Extract, refresh, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--page-rows", type=int, default=250_000)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "contact-sync-benchmark")
    options = parser.parse_args()
    bodies = rendered(options.cache, options.rows, options.page_rows, with_gzip=False)
    with tempfile.TemporaryDirectory(prefix="whole-day-", dir=options.cache) as home, served(bodies) as url:
        reader = ours("extract")
        extracted = measure(reader, url, bodies, Path(home))
        rows = [row("extract into bronze", vars(extracted), options.rows)]
        rows += [row(*step, options.rows) for step in refreshed(reader.environment(url, Path(home)))]
    whole = sum(entry["CPU minutes for 50M"] for entry in rows)
    remarks = [
        f"{options.rows:,} Contacts of 20 columns, all new, from an org's Bulk API 2.0 to the plan",
        f"Values of bronze compared with what was sent: {extracted.values}.",
        f"All steps: {whole:.1f} CPU minutes for 50 million records; goal: at most {GOAL_MINUTES}.",
    ]
    results_table.write(RESULT, "What a day of 50 million records costs", remarks, rows)


def refreshed(environment: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Each step after bronze with its figures."""
    command = [sys.executable, str(HERE / "transform" / "one_refresh.py")]
    settings = {**os.environ, **environment, "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=settings)
    figures = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return list(zip(STEPS, figures, strict=True))


def row(step: str, figures: dict[str, Any], rows: int) -> dict[str, Any]:
    """One line of the table."""
    return {
        "step": step,
        "CPU s": round(figures["cpu_seconds"], 1),
        "CPU minutes for 50M": round(figures["cpu_seconds"] * DAY_ROWS / rows / 60, 1),
        "wall s": round(figures["wall_seconds"], 1),
        "peak MB": figures["peak_rss_mb"],
    }


if __name__ == "__main__":
    main()
