"""An application of a plan, as a process of its own that may be killed at any effect of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.connectors.retry import Clock
from contact_sync.connectors.salesforce import SalesforceClient, SalesforceTarget
from contact_sync.connectors.salesforce.ingest import IngestJobs
from contact_sync.settings import SalesforceInstance as InstanceSettings
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import Lane, WriteLedger
from contact_sync.sync.apply import Applier, ApplyReport
from contact_sync_tests.faults.effects import Effects
from contact_sync_tests.unit.sync.memory_target import OBJECTS, ruled

BULK = ["plan_job", "create_job", "note", "upload", "_turn", "note", "wait", "results", "settle"]
DIRECT = ["plan_job", "note", "write", "settle"]
EFFECTS = {Lane.BULK: BULK * 2, Lane.DIRECT: DIRECT * 2}
"""What an application of two stages does outside its own memory, but for counting records, in this order."""
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Application:
    """What it takes to apply a plan to an org: everything can be sent to another process."""

    settings: InstanceSettings
    state_url: str
    rows: pa.Table
    lane: Lane

    @classmethod
    def of(cls, org: SalesforceInstance, state_url: str, rows: pa.Table, lane: Lane) -> Application:
        """An application to a simulated org."""
        values = {"url": org.url, "kind": "simulator", "client_id": org.client_id, "client_secret": org.client_secret}
        return cls(InstanceSettings.model_validate(values), state_url, rows, lane)

    def run(self, *, sleep: Callable[[float], None] = lambda _: None) -> ApplyReport:
        """Apply the plan as a new process does, without waiting unless `sleep` does."""
        client = SalesforceClient("core", self.settings, clock=Clock(sleep=sleep))
        with closing(client), closing(StateDatabase(self.state_url)) as database:
            applier = Applier(
                target=SalesforceTarget("core", self.settings, client=client),
                instance="core",
                ledger=WriteLedger(database),
                entities=ruled(self.lane),
                objects=OBJECTS,
                clock=client.clock,
            )
            return applier.apply([self.rows], "plan-1")

    def run_and_die(self, fatal: int, *, is_after: bool) -> int:
        """Apply it in a process that is killed (kill -9) before or after an effect; how the process ended."""
        return _ended(_die, self, fatal, is_after)

    def run_without(self, *modules: str) -> int:
        """Apply it in a process of its own, which names those of the modules that it has loaded: how many they are."""
        return _ended(_run_without, self, modules)


def watch(effects: Effects, patch: pytest.MonkeyPatch) -> None:
    """Count the effects of an application."""
    for owner, names in (
        (WriteLedger, ("plan_job", "note", "settle")),
        (SalesforceTarget, ("create_job", "upload", "abort", "wait", "results", "write", "find")),
        (IngestJobs, ("_turn",)),
    ):
        for name in names:
            effects.watch(owner, name, patch)


def _ended(run: Callable[..., None], *arguments: Any) -> int:
    """How a process ended that did this."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=run, args=arguments)
    process.start()
    process.join(PATIENCE_SECONDS)
    ended = process.exitcode
    process.close()
    assert ended is not None
    return ended


def _run_without(application: Application, modules: Sequence[str]) -> None:
    application.run()
    loaded = sorted(set(modules) & sys.modules.keys())
    sys.stderr.write("\n".join(loaded))
    sys.exit(len(loaded))


def _die(application: Application, fatal: int, is_after: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        watch(Effects(error=_kill, fatal=fatal, is_after=is_after), patch)
        application.run()


def _kill() -> Any:
    os.kill(os.getpid(), signal.SIGKILL)
