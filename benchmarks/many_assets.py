"""How long Dagster takes to load hundreds of bronze assets: `python benchmarks/many_assets.py`.

Each row is a new process, as a code location is: it imports the definitions, reads the catalog with its lock, resolves
the asset graph and the jobs, and makes the snapshot that the UI and the daemon are given. No address that the settings
name is listened on. The first load also lets dbt parse its project, which is done again only when the project changes.
Writes results/many_assets.md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import results_table

import contact_sync
from contact_sync.catalog.lock import LockedObject, LockedSource, write_lock

RESULTS = Path(__file__).parent / "results" / "many_assets.md"
INSTANCES = ("amer", "apac", "emea")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--types", type=int, default=300)
    parser.add_argument("--load", action="store_true", help="load the definitions and print figures (used by itself)")
    options = parser.parse_args()
    if options.load:
        sys.stdout.write(json.dumps(load()))
        return
    with tempfile.TemporaryDirectory(prefix="many_assets_") as home:
        rows = [
            measured(Path(home), types, name)
            for types in (0, options.types)
            for name in ("first load", "every other load")
        ]
    report(rows)


def load() -> dict[str, Any]:
    """Load everything in this process, in the order a code location does; CPU seconds by part."""
    warnings.simplefilter("ignore")
    started = time.monotonic()
    clock = [time.process_time()]

    def lap() -> float:
        clock.append(time.process_time())
        return round(clock[-1] - clock[-2], 2)

    from dagster._core.remote_representation.external_data import RepositorySnap  # noqa: PLC0415 -- importing is measured
    from dagster._serdes import serialize_value  # noqa: PLC0415 -- importing is measured

    from contact_sync.definitions import build_defs  # noqa: PLC0415 -- importing is measured
    from contact_sync.pipeline.installation import Installation  # noqa: PLC0415 -- importing is measured

    figures: dict[str, Any] = {"import s": lap()}
    installation = Installation.from_environment()
    objects = len(installation.catalog.objects)
    figures["catalog s"] = lap()
    installation.dbt.manifest()
    figures["dbt manifest s"] = lap()
    repository = build_defs(installation).get_repository_def()
    figures["definitions s"] = lap()
    graph = repository.asset_graph
    jobs = repository.get_all_jobs()
    figures["graph and jobs s"] = lap()
    snapshot = serialize_value(RepositorySnap.from_def(repository))
    figures["snapshot s"] = lap()
    return {
        "bronze assets": objects,
        "assets": len(graph.get_all_asset_keys()),
        "checks": len(graph.asset_check_keys),
        "jobs": len(jobs),
        **figures,
        "in all s": round(time.process_time(), 1),
        "wall s": round(time.monotonic() - started, 1),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "snapshot MB": round(len(snapshot) / 1e6, 1),
    }


def measured(home: Path, types: int, name: str) -> dict[str, Any]:
    """The figures of one process that loads so many object types besides the shipped ones."""
    directory = home / str(types)
    environment = os.environ | settings() | {"CONTACT_SYNC_HOME": str(directory / "home")}
    environment["CONTACT_SYNC_CATALOG"] = str(catalog(directory / "catalog", types))
    done = subprocess.run(
        [sys.executable, __file__, "--load"], stdout=subprocess.PIPE, env=environment, text=True, check=True
    )
    return {"": name, **json.loads(done.stdout)}


def settings() -> dict[str, str]:
    """Orgs that do not answer: nothing may be asked over a network."""
    values = {"URL": "http://127.0.0.1:9", "CLIENT_ID": "id", "CLIENT_SECRET": "secret"}
    prefix = "CONTACT_SYNC_SALESFORCE__"
    return {f"{prefix}{one.upper()}__{name}": value for one in INSTANCES for name, value in values.items()}


def catalog(directory: Path, types: int) -> Path:
    """The shipped catalog with a wildcard, and a lock of so many object types of every org."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in (Path(contact_sync.__file__).parent / "catalog").glob("*.yaml"):
        (directory / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with (directory / "salesforce.yaml").open("a", encoding="utf-8") as file:
        file.write('  - {object: "*"}\n')
    names = [f"Generated_{number:03}__c" for number in range(types)]
    way = {"key": "Id", "cursor": "SystemModstamp", "deleted": "IsDeleted", "instances": INSTANCES}
    objects = tuple(LockedObject.model_validate({"object": name, **way}) for name in names)
    write_lock(directory, {"salesforce": LockedSource(objects=objects)})
    return directory


def report(rows: list[dict[str, Any]]) -> None:
    """Print and write the table."""
    results_table.write(
        RESULTS,
        "Dagster's load of hundreds of bronze assets",
        [
            "`python benchmarks/many_assets.py`",
            f"{len(INSTANCES)} instances.",
            "Seconds are of the CPU, since other work may share the machine; on an idle one they are the wall's.",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
