"""Hundreds of object types from several orgs with one command: `python benchmarks/many_objects.py`.

Starts simulated orgs in a process of their own, then runs `contact-sync extract --discover`, and `contact-sync extract`
again when nothing has changed. Records wall and CPU seconds of the command, its memory, and the calls and Bulk jobs
that the orgs counted as Salesforce counts them: a composite request is one call. Writes results/many_objects.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import results_table

import contact_sync
from contact_sync.simulator.salesforce.instance import SalesforceInstance

RESULTS = Path(__file__).parent / "results" / "many_objects.md"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--types", type=int, default=300)
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--serve", type=Path, help="serve the orgs and write their settings here (used by itself)")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.types, options.instances)
        return
    with tempfile.TemporaryDirectory(prefix="many_objects_") as home, orgs(Path(home), options) as ready:
        os.environ |= {**ready["settings"], "CONTACT_SYNC_HOME": f"{home}/home"}
        os.environ["CONTACT_SYNC_CATALOG"] = str(catalog(Path(home)))
        rows = [run(ready, name, *arguments) for name, arguments in RUNS]
    report(options, rows)


RUNS = (
    ("discover and first load", ("extract", "--discover")),
    ("nothing has changed", ("extract",)),
    ("nothing has changed, again", ("extract",)),
)


def serve(path: Path, types: int, count: int) -> None:
    """Run the orgs until standard input ends; answers a line with their counters."""
    running = []
    settings: dict[str, str] = {}
    for number in range(count):
        name = f"org{number + 1}"
        org = SalesforceInstance(name, path.parent / name, clock=lambda: datetime.now(UTC), object_types=types)
        org.start()
        running.append(org)
        settings |= org.settings()
    path.write_text(json.dumps({"settings": settings}))
    for _ in sys.stdin:
        counters = {
            "calls": sum(org.org.api_usage for org in running),
            "jobs": sum(org.jobs["query"] for org in running),
            "logins": sum(org.requests["login"] for org in running),
        }
        sys.stdout.write(json.dumps(counters) + "\n")
        sys.stdout.flush()
    for org in running:
        org.stop()


@contextmanager
def orgs(home: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The orgs in a process of their own, so that only the command is measured."""
    path = home / "ready.json"
    command = [sys.executable, __file__, "--serve", str(path), "--types", str(options.types)]
    process = subprocess.Popen(
        [*command, "--instances", str(options.instances)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        while not path.exists() or not path.read_text():
            if process.poll() is not None:
                raise SystemExit("the simulated orgs did not start")
            time.sleep(0.1)
        yield {**json.loads(path.read_text()), "process": process}
    finally:
        process.communicate()


def catalog(home: Path) -> Path:
    """The shipped catalog with nothing but a wildcard."""
    directory = home / "catalog"
    directory.mkdir()
    shipped = Path(contact_sync.__file__).parent / "catalog" / "salesforce.yaml"
    shutil.copy(shipped, directory)
    text = shipped.read_text()
    (directory / "salesforce.yaml").write_text(text[: text.index("objects:")] + 'objects:\n  - {object: "*"}\n')
    (directory / "golden.yaml").write_text("{}\n")
    return directory


def counters(ready: dict[str, Any]) -> dict[str, int]:
    """What the orgs have counted."""
    process = ready["process"]
    process.stdin.write("\n")
    process.stdin.flush()
    return dict(json.loads(process.stdout.readline()))


def run(ready: dict[str, Any], name: str, *arguments: str) -> dict[str, Any]:
    """Run the command once and measure it."""
    before = counters(ready)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [str(Path(sys.executable).with_name("contact-sync")), *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    wall = time.monotonic() - started
    after, spent = counters(ready), resource.getrusage(resource.RUSAGE_CHILDREN)
    reports = json.loads(done.stdout)
    return {
        "run": name,
        "exit code": done.returncode,
        "extractions": len(reports),
        "rows new": sum(report.get("rows_new", 0) for report in reports),
        "wall s": round(wall, 1),
        "CPU s": round(spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime, 1),
        "peak MB": max(report.get("peak_rss_mb", 0) for report in reports),
        "calls": after["calls"] - before["calls"],
        "calls per extraction": round((after["calls"] - before["calls"]) / len(reports), 2),
        "Bulk jobs": after["jobs"] - before["jobs"],
        "logins": after["logins"] - before["logins"],
    }


def report(options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Print and write the table."""
    results_table.write(
        RESULTS,
        f"{options.types} object types x {options.instances} instances",
        ["`python benchmarks/many_objects.py`", "Calls as Salesforce counts them."],
        rows,
    )


if __name__ == "__main__":
    main()
