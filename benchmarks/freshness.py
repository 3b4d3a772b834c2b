"""How long a change takes from its system to gold while the demo runs: `python benchmarks/freshness.py`.

Starts `contact-sync demo` in a directory of its own, lets the population live, then makes changes one at a time and
waits until each is in the published `gold/contact`. Prints one JSON document; the reference is the tick of the sensor
loop (5 s), below which nothing can be promised.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow as pa
from deltalake import DeltaTable

FIELDS = ("first_name", "last_name", "email", "phone", "mobile_phone", "job_title", "city", "company_key")
HEADER = "event,scanned_at,badge_id,first_name,last_name,email,phone,company,job_title,city,country,notes\n"
LIMIT_SECONDS = 120.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, default=6, help="changes per minute besides those that are measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="freshness_") as home:
        demo, control = start_demo(Path(home), options.rate)
        try:
            gold = str(Path(home) / "demo" / "development" / "lake" / "gold" / "contact")
            time.sleep(20)
            seconds: dict[str, list[float | None]] = {}
            for number in range(options.rounds):
                for kind, condition in changes(control, number):
                    seconds.setdefault(kind, []).append(wait_for(gold, condition))
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(timeout=60)
    sys.stdout.write(json.dumps(report(seconds, options.rate), indent=2) + "\n")


def start_demo(home: Path, rate: float) -> tuple[subprocess.Popen[bytes], str]:
    """Start the demo and return it with the control URL of its population, once the UI is served."""
    log = home / "demo.out"
    command = [str(Path(sys.executable).with_name("contact-sync")), "demo", "--rate", str(rate)]
    with log.open("wb") as output:
        demo = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "CONTACT_SYNC_HOME": str(home)}
        )
    while (found := re.search(r"population at\s+(http://[\d.:]+)", log.read_text(errors="replace"))) is None:
        if demo.poll() is not None:
            sys.exit(f"the demo ended: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.5)
    return demo, found.group(1)


def changes(control: str, number: int) -> Any:
    """Make one change at a time and yield its kind and how gold shows it."""
    token = f"{number}x{int(time.time())}"
    person = f"Zelda{token},Zimmer{token},zelda{token}@example.com"
    row = f"Fair,2026-11-20T10:00:00Z,B-{token},{person},,Firma,,Berlin,Germany,\n"
    body = {"key": f"trade_show/freshness_{token}.csv", "content": HEADER + row}
    httpx.post(f"{control}/file", json=body).raise_for_status()
    yield "dropped file", f"email = 'zelda{token}@example.com'"
    for kind, event in (("edit in emea", "emea.edit_contact"), ("ERP update", "erp.change_contact")):
        happening = httpx.post(f"{control}/event", json={"name": event}).raise_for_status().json()
        sources = " or ".join(f"{field}_source = '{happening['records'][0]}'" for field in FIELDS)
        yield kind, f"updated_at >= '{happening['at']}'::timestamptz - interval 1 second and ({sources})"


def wait_for(gold: str, condition: str) -> float | None:
    """Seconds until a golden record meets the condition; None if it takes longer than the limit."""
    started = time.monotonic()
    while time.monotonic() - started < LIMIT_SECONDS:
        rows = pa.RecordBatchReader.from_stream(DeltaTable(gold).scan()).read_all()
        with duckdb.connect() as database:
            database.register("gold", rows)
            if database.execute(f"select count(*) from gold where {condition}").fetchall()[0][0]:
                return round(time.monotonic() - started, 1)
        time.sleep(0.5)
    return None


def report(seconds: dict[str, list[float | None]], rate: float) -> dict[str, Any]:
    """Figures with the machine they were taken on."""
    known = {kind: [value for value in values if value is not None] for kind, values in seconds.items()}
    return {
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "changes_per_minute_besides": rate,
        "sensor_tick_seconds": 5,
        "seconds": seconds,
        "median": {kind: statistics.median(values) for kind, values in known.items() if values},
        "worst": {kind: max(values) for kind, values in known.items() if values},
        "not_within_limit": sum(value is None for values in seconds.values() for value in values),
    }


if __name__ == "__main__":
    main()
