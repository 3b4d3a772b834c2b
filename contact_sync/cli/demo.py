"""The verb `demo`: simulated systems, one run of the whole pipeline, and then the living graph in the browser.

Everything lies in one directory below CONTACT_SYNC_HOME, which each start empties. Does not belong here: the pipeline.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import httpx
import typer

from contact_sync.cli.dagster_home import prepare_dagster_home
from contact_sync.cli.output import Json, clear_errors, err, out, print_json
from contact_sync.cli.refresh import RunSummary, print_summary, refresh
from contact_sync.cli.simulate import start_simulator, steer, wait_for_interrupt
from contact_sync.errors import ContactSyncError, WarehouseError
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.warehouse.lock import exclusive

if TYPE_CHECKING:
    from contact_sync.cli.processes import ProcessGroups

_UI_SECONDS: Final = 120.0
_LIVE: Final = {
    "CONTACT_SYNC_APPLY": "automatic",
    "CONTACT_SYNC_PROBE_SECONDS": "2",
    "CONTACT_SYNC_PARTITION_DAYS": "14",
}
"""The demo applies safe plans by itself, asks its sources for changes all the time, and keeps its event log small."""


class DemoError(ContactSyncError):
    """The demo could not go on."""


def demo(
    *,
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Serve the UI and keep the population alive.")] = True,
    port: Annotated[int, typer.Option(help="Port of the UI; another one is taken if it is not free.")] = 3000,
    rate: Annotated[float, typer.Option(help="Changes per minute while the UI is served.")] = 6,
    contacts: Annotated[int, typer.Option(help="Contact records of the org `core`.")] = 20_000,
    accounts: Annotated[int, typer.Option(help="Account records of the org `core`.")] = 4_000,
    seed: Annotated[int, typer.Option(help="Which population; the same seed gives the same one.")] = 7,
    json: Json = False,
) -> None:
    """Show the whole loop on this machine, with simulated systems and no account anywhere."""
    from contact_sync.cli.processes import ProcessGroups  # noqa: PLC0415 -- other verbs do without psutil

    with clear_errors(as_json=json):
        home = (load_settings().home / "demo").resolve()
        home.mkdir(parents=True, exist_ok=True)
        with _only_one(home):
            groups = ProcessGroups(home / "processes.json")
            if groups.end_leftovers():
                err.print("[dim]cleaned up after a demo that had crashed[/dim]")
            _empty(home)
            try:
                ready = start_simulator(groups, home, contacts=contacts, accounts=accounts, seed=seed, rate=0)
                err.print("[dim]simulated systems are running[/dim]")
                _use(home, ready["settings"])
                summaries = _run_twice()
                _show(summaries, as_json=json)
                if ui:
                    _serve(groups, home, port, ready["control"], rate)
            finally:
                groups.stop()
        _judge(summaries)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One demo in this home at a time; another clone has another home."""
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(home / "demo.lock", purpose="demo", wait_seconds=0))
        except WarehouseError:
            raise DemoError(
                f"A demo is already running in {home}.",
                remedy="End it first, or set CONTACT_SYNC_HOME to another directory.",
            ) from None
        yield


def _empty(home: Path) -> None:
    """Begin with nothing from the last demo but the lock."""
    for path in home.iterdir():
        if path.name == "demo.lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _use(home: Path, settings: dict[str, str]) -> None:
    """Point this process and its children at the simulated systems."""
    for name in [name for name in os.environ if name.startswith("CONTACT_SYNC_")]:
        del os.environ[name]
    os.environ.update(settings | _LIVE | {"CONTACT_SYNC_HOME": str(home)})
    os.environ.pop("DAGSTER_HOME", None)


def _run_twice() -> list[RunSummary]:
    """The whole pipeline, and once more to show that there is nothing left to do."""
    summaries = []
    for title in ("first run: everything", "second run: nothing has changed since"):
        err.print(f"[bold]{title}[/bold]")
        installation = Installation.from_environment()
        summaries.append(refresh(installation))
        installation.close()
    return summaries


def _show(summaries: list[RunSummary], *, as_json: bool) -> None:
    if as_json:
        print_json({"runs": [summary.as_json() for summary in summaries]})
        return
    first, second = summaries
    print_summary(first)
    out.print(
        f"Second run right after, in {second.seconds:.1f} s: planned {second.planned}, written {second.written}, "
        f"unexplained differences {second.unexplained}."
    )


def _serve(groups: ProcessGroups, home: Path, port: int, control: str, rate: float) -> None:
    """Serve the UI and let the population live until the user interrupts."""
    from contact_sync.cli.processes import free_port  # noqa: PLC0415 -- as above

    prepare_dagster_home(load_settings())
    chosen = free_port(port)
    log = home / "dagster.log"
    workspace = Path("workspace.yaml")
    location = ["-w", str(workspace)] if workspace.exists() else ["-m", "contact_sync.definitions"]
    command = [str(Path(sys.executable).with_name("dagster")), "dev", *location, "-h", "127.0.0.1", "-p", str(chosen)]
    child = groups.start(command, log=log)
    url = f"http://127.0.0.1:{chosen}"
    deadline = time.monotonic() + _UI_SECONDS
    while not _answers(url):
        if child.poll() is not None or time.monotonic() > deadline:
            raise DemoError("The UI did not start.", remedy=f"See {log}.")
        time.sleep(0.3)
    steer(control, "resume", per_minute=rate)
    out.print(f"\n[bold]The graph is alive at {url}/asset-groups[/bold]", highlight=False)
    out.print(
        f"Steer the population at {control} (POST /pause, /resume, /event, /outage, /file). Ctrl-C ends all.",
        highlight=False,
    )
    wait_for_interrupt()
    err.print("[dim]ending[/dim]")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/server_info", timeout=2).is_success
    except httpx.HTTPError:
        return False


def _judge(summaries: list[RunSummary]) -> None:
    """The exit code tells whether the demo showed what it promises."""
    first, second = summaries
    if first.unexplained or second.unexplained or second.planned or second.written or first.problems:
        raise typer.Exit(2)
