"""What Dagster adds to the extraction of hundreds of objects: `python benchmarks/many_assets_refresh.py`.

One simulated org in a process of its own. Everything is read once by the command line; then, with nothing changed,
again by the command line, by a refresh of one day and by a refresh of all daily partitions, which is what a run of
objects that were never read is. Each is a new process; its start is not counted. Writes results/many_assets_refresh.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import results_table
from many_assets import catalog
from many_objects import orgs

from contact_sync.assets.partitions import days_since
from contact_sync.definitions import build_defs
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.many import extract_many
from contact_sync.pipeline.work import chosen

RESULTS = Path(__file__).parent / "results" / "many_assets_refresh.md"
DAYS = 90


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--types", type=int, default=100)
    parser.add_argument("--instances", type=int, default=1)
    parser.add_argument("--way", choices=WAYS, help="extract everything this way, once (used by itself)")
    options = parser.parse_args()
    if options.way:
        sys.stdout.write(json.dumps(measured(WAYS[options.way])))
        return
    with tempfile.TemporaryDirectory(prefix="many_assets_") as home, orgs(Path(home), options) as ready:
        os.environ |= {**ready["settings"], "CONTACT_SYNC_HOME": f"{home}/home"}
        os.environ["CONTACT_SYNC_CATALOG"] = str(catalog(Path(home) / "catalog", 0))
        command = str(Path(sys.executable).with_name("contact-sync"))
        for verb in (["discover"], ["extract", "salesforce__*"]):
            subprocess.run([command, *verb, "--json"], stdout=subprocess.DEVNULL, check=True)
        rows = [{"": way, **run(way)} for way in WAYS]
    report(options, rows)


def by_command(installation: Installation) -> int:
    """As `contact-sync extract` does."""
    return sum(
        outcome.state == "read" for outcome in extract_many(installation, chosen(installation, ["salesforce__*"]))
    )


def by_refresh(installation: Installation, days: dict[str, str]) -> int:
    """As a run of the job `refresh` does, restricted to bronze and to these partitions."""
    keys = [dg.AssetKey(["bronze", item.name]) for item in installation.catalog.of_source("salesforce")]
    job = build_defs(installation).resolve_job_def("refresh")
    logging.disable()
    with tempfile.TemporaryDirectory() as home, dg.DagsterInstance.local_temp(home) as instance:
        result = job.execute_in_process(instance=instance, asset_selection=keys, tags=days)
    return len(result.get_asset_materialization_events())


WAYS: dict[str, Callable[[Installation], int]] = {
    "contact-sync extract": by_command,
    "refresh of one day": lambda installation: by_refresh(installation, days_since(datetime.now(UTC), DAYS)),
    f"refresh of {DAYS} days": lambda installation: by_refresh(installation, days_since(None, DAYS)),
}


def measured(way: Callable[[Installation], int]) -> dict[str, Any]:
    """Seconds of the wall clock and of the CPU."""
    warnings.simplefilter("ignore")
    installation = Installation.from_environment()
    objects = len(installation.catalog.of_source("salesforce"))
    installation.dbt.manifest()
    wall, cpu = time.monotonic(), time.process_time()
    events = way(installation)
    spent = time.process_time() - cpu
    return {
        "objects": objects,
        "read, or noted as made": events,
        "wall s": round(time.monotonic() - wall, 1),
        "CPU s": round(spent, 1),
        "CPU ms an object": round(1000 * spent / objects),
    }


def run(way: str) -> dict[str, Any]:
    """The figures of a process that extracts everything one way."""
    done = subprocess.run([sys.executable, __file__, "--way", way], stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def report(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Print and write the table."""
    results_table.write(
        RESULTS,
        f"What Dagster adds to {options.types} object types",
        ["`python benchmarks/many_assets_refresh.py`", "Nothing had changed in the org."],
        rows,
    )


if __name__ == "__main__":
    main()
