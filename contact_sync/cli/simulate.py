"""The verb `simulate`: the simulated source systems alone, and the settings that point at them."""

from __future__ import annotations

import json as json_module
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import httpx
import typer

from contact_sync.cli.output import Json, clear_errors, err, out, print_json
from contact_sync.errors import ContactSyncError

if TYPE_CHECKING:
    from contact_sync.cli.processes import ProcessGroups

_START_SECONDS: Final = 120.0


class SimulatorFailedError(ContactSyncError):
    """The simulated systems did not start; their log says why."""


def simulate(
    *,
    contacts: Annotated[int, typer.Option(help="Contact records of the org `core`.")] = 20_000,
    accounts: Annotated[int, typer.Option(help="Account records of the org `core`.")] = 4_000,
    seed: Annotated[int, typer.Option(help="Which population; the same seed gives the same one.")] = 7,
    rate: Annotated[float, typer.Option(help="Changes per minute; 0: the population stands still.")] = 0,
    json: Json = False,
) -> None:
    """Run the simulated Salesforce orgs, ERP and bucket until Ctrl-C, and print the settings that point at them."""
    from contact_sync.cli.processes import ProcessGroups  # noqa: PLC0415 -- other verbs do without psutil

    with clear_errors(as_json=json), tempfile.TemporaryDirectory(prefix="contact_sync_") as home:
        groups = ProcessGroups(Path(home) / "processes.json")
        try:
            ready = start_simulator(groups, Path(home), contacts=contacts, accounts=accounts, seed=seed, rate=rate)
            if json:
                print_json(ready)
            else:
                for name, value in ready["settings"].items():
                    out.print(f"export {name}={value}", highlight=False, soft_wrap=True)
                err.print(f"[dim]Steer it at {ready['control']}; Ctrl-C ends it.[/dim]", highlight=False)
            sys.stdout.flush()
            wait_for_interrupt()
        finally:
            groups.stop()


def start_simulator(
    groups: ProcessGroups, home: Path, *, contacts: int, accounts: int, seed: int, rate: float
) -> dict[str, Any]:
    """Start the simulated systems in a process of their own; returns its settings, control URL and pid."""
    ready_file = home / "ready.json"
    log = home / "simulator.log"
    ready_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "contact_sync.simulator", "--home", str(home), "--ready", str(ready_file)]
    command += ["--contacts", str(contacts), "--accounts", str(accounts), "--seed", str(seed)]
    command += ["--parent", str(os.getpid())] + (["--rate", str(rate)] if rate else [])
    child = groups.start(command, log=log)
    deadline = time.monotonic() + _START_SECONDS
    while not ready_file.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            last = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"])[-1]
            raise SimulatorFailedError(f"The simulated systems did not start: {last}", remedy=f"See {log}.")
        time.sleep(0.05)
    content: dict[str, Any] = json_module.loads(ready_file.read_text(encoding="utf-8"))
    return content


def steer(control: str, action: str, **body: Any) -> None:
    """Tell the running simulator something, for example to resume."""
    httpx.post(f"{control}/{action}", json=body, timeout=30).raise_for_status()


def wait_for_interrupt() -> None:
    """Return when the user interrupts, or somebody terminates this process."""
    told = False

    def stop(*_: object) -> None:
        nonlocal told
        told = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not told:
        time.sleep(0.2)
