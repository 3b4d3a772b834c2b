"""Two orgs with many object types, a catalog with nothing but a wildcard, and the verbs run in this process.

`core` has TYPES object types, `emea` a few of them.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import contact_sync
from contact_sync.catalog.model import snake_case
from contact_sync.cli.main import app
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator.salesforce.instance import SalesforceInstance

TYPES = 50
FEW_TYPES = 12
Orgs = dict[str, SalesforceInstance]


def wildcard_catalog(directory: Path) -> Path:
    """A catalog of everything that Salesforce has, and nothing else."""
    directory.mkdir()
    shipped = (Path(contact_sync.__file__).parent / "catalog" / "salesforce.yaml").read_text(encoding="utf-8")
    objects = shipped[: shipped.index("objects:")] + 'objects:\n  - {object: "*"}\n'
    (directory / "salesforce.yaml").write_text(objects, encoding="utf-8")
    (directory / "golden.yaml").write_text("{}\n", encoding="utf-8")
    return directory


@contextmanager
def running_orgs(directory: Path) -> Iterator[Orgs]:
    """The orgs, started."""
    with ExitStack() as running:
        made = {}
        for name, types in (("core", TYPES), ("emea", FEW_TYPES)):
            org = SalesforceInstance(name, directory / name, clock=lambda: datetime.now(UTC), object_types=types)
            running.callback(org.stop)
            org.start()
            made[name] = org
        yield made


def settings(orgs: Orgs) -> dict[str, str]:
    """The environment variables that lead to the orgs."""
    return {
        f"CONTACT_SYNC_SALESFORCE__{name.upper()}__{setting}": value
        for name, org in orgs.items()
        for setting, value in (
            ("URL", org.url),
            ("KIND", "simulator"),
            ("CLIENT_ID", org.client_id),
            ("CLIENT_SECRET", org.client_secret),
        )
    }


def run(*arguments: str) -> tuple[int, Any]:
    """Exit code and document of a verb."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def state_of(outcome: dict[str, Any]) -> str:
    """How an extraction ended, as its document tells: a report has no state."""
    return str(outcome.get("state", "read"))


def states(outcomes: list[dict[str, Any]]) -> Counter[str]:
    """How many extractions ended how."""
    return Counter(map(state_of, outcomes))


def held(orgs: Orgs) -> dict[tuple[str, str], int]:
    """(object, instance) -> rows the org has, deleted ones included, for every object that can be read."""
    return {
        (f"salesforce__{snake_case(one.name)}", name): org.store.count(one.name, "1 = 1")
        for name, org in orgs.items()
        for one in org.store.schema.objects
        if one.queryable
    }


def published() -> dict[tuple[str, str], int]:
    """(object, instance) -> rows in bronze, for every object of the catalog."""
    with closing(Installation.from_environment()) as installation:
        found = {}
        for item in installation.catalog.objects.values():
            table = installation.bronze(item.name)
            for instance in installation.instances_of(item):
                batches = table.scan(instance, ["_batch_id"]) if table.exists else ()
                found[item.name, instance] = sum(batch.num_rows for batch in batches)
        return found


class Gate:
    """Lets an org answer some more requests and then holds every further one until it is opened."""

    def __init__(self, org: SalesforceInstance, *, after: int) -> None:
        self.is_reached = threading.Event()
        self._is_open = threading.Event()
        self._left = after
        self._lock = threading.Lock()
        self._check = org.org.check_api_limit
        org.org.check_api_limit = self._pass  # type: ignore[method-assign]  # every request goes through it

    def open(self) -> None:
        """Answer what is held, and everything from now on."""
        self._is_open.set()

    def _pass(self) -> None:
        with self._lock:
            self._left -= 1
            is_held = self._left < 0
        if is_held:
            self.is_reached.set()
            self._is_open.wait()
        self._check()
