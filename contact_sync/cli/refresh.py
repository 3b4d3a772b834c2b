"""The verb `run`: one refresh through Dagster, in this process, and a reconciliation; both are seen in the UI."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass
from typing import Any

import typer

from contact_sync.cli.dagster_home import prepare_dagster_home
from contact_sync.cli.output import Json, clear_errors, err, print_json, print_table
from contact_sync.errors import ContactSyncError
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import oldest_reading

_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
LAYERS = ("bronze", "silver", "identity", "gold", "activation")


class RunFailedError(ContactSyncError):
    """A run ended without success; the message names the failed steps."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What one refresh and its reconciliation came to. rows: layer -> asset -> rows.

    problems: failed checks that need a person; warnings: those that only tell something.
    """

    seconds: float
    rows: dict[str, dict[str, int]]
    persons: int
    companies: int
    planned: int
    written: int
    refused: int
    unexplained: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def run(*, json: Json = False) -> None:
    """Take everything that changed from the sources to the plan (applied if the policy says so), and reconcile."""
    with clear_errors(as_json=json):
        summary = refresh(Installation.from_environment(), is_quiet=json)
        if json:
            print_json(summary.as_json())
        else:
            print_summary(summary)
        if summary.unexplained or summary.problems:
            raise typer.Exit(2)


def refresh(installation: Installation, *, is_quiet: bool = False) -> RunSummary:
    """Run the jobs `refresh` and `reconcile` in this process; RunFailedError naming what failed."""
    prepare_dagster_home(installation.settings)
    import dagster as dg  # noqa: PLC0415 -- only this verb pays for importing Dagster

    from contact_sync.assets.partitions import days_since  # noqa: PLC0415 -- as above
    from contact_sync.automation.jobs import RECONCILE, REFRESH  # noqa: PLC0415 -- as above
    from contact_sync.definitions import build_defs  # noqa: PLC0415 -- as above

    definitions = build_defs(installation)
    started = time.monotonic()
    collected = _Collected()
    with dg.DagsterInstance.get() as instance:
        days = days_since(
            oldest_reading(installation, installation.catalog.objects), installation.settings.partition_days
        )
        for name, tags in ((REFRESH, days), (RECONCILE, {})):
            run_id = str(uuid.uuid4())
            if not is_quiet:
                instance.add_event_listener(run_id, _StepsShown())
            job = definitions.resolve_job_def(name)
            result = job.execute_in_process(
                instance=instance, tags=tags, raise_on_error=False, run_id=run_id, run_config=_SILENT
            )
            collected.add(result)
    return collected.summary(time.monotonic() - started)


def print_summary(summary: RunSummary) -> None:
    """Show a run's summary."""
    rows = [(layer, name, count) for layer in LAYERS for name, count in sorted(summary.rows.get(layer, {}).items())]
    print_table("Rows per layer", ("layer", "asset", "rows"), rows)
    print_table(
        f"Finished in {summary.seconds:.1f} s",
        ("golden persons", "golden companies", "planned", "written", "rejected", "unexplained differences"),
        [(summary.persons, summary.companies, summary.planned, summary.written, summary.refused, summary.unexplained)],
    )
    for problem in summary.problems:
        err.print(f"[yellow]Problem:[/yellow] {problem}", highlight=False)
    for warning in summary.warnings:
        err.print(f"[dim]Warning:[/dim] {warning}", highlight=False)


class _StepsShown:
    """Says what was just made, so that a person sees a run move on; of an asset of several days once."""

    def __init__(self) -> None:
        self._shown: set[tuple[str, ...]] = set()

    def __call__(self, entry: Any) -> None:
        """Hear of an event of the run."""
        event = entry.dagster_event
        if event is None or not event.is_step_materialization:
            return
        materialization = event.step_materialization_data.materialization
        key = tuple(materialization.asset_key.path)
        if key in self._shown:
            return
        self._shown.add(key)
        rows = materialization.metadata.get("dagster/row_count")
        count = f"{rows.value:,} rows" if rows is not None else ""
        err.print(f"[dim]{'/'.join(key):45} {count}[/dim]", highlight=False)


class _Collected:
    """Gathers metadata of materializations and failed checks from the runs."""

    def __init__(self) -> None:
        self._metadata: dict[tuple[str, ...], dict[str, Any]] = {}
        self._failed: dict[str, list[str]] = {"ERROR": [], "WARN": []}

    def add(self, result: Any) -> None:
        """Take in a finished run; raise RunFailedError if it failed."""
        failures = [event for event in result.all_events if event.is_step_failure]
        if failures:
            texts = [f"{event.step_key}: {_failure_text(event)}" for event in failures]
            raise RunFailedError("; ".join(texts), remedy="Correct it and run again; nothing was half-written.")
        for event in result.all_events:
            if event.is_step_materialization:
                materialization = event.step_materialization_data.materialization
                values = {name: value.value for name, value in materialization.metadata.items()}
                self._metadata[tuple(materialization.asset_key.path)] = values
        for check in result.get_asset_check_evaluations():
            if not check.passed:
                details = "; ".join(str(value.value) for name, value in check.metadata.items() if name == "problems")
                told = f"{'/'.join(check.asset_key.path)} {check.check_name}: {details or 'failed'}"
                self._failed[check.severity.value].append(told)

    def summary(self, seconds: float) -> RunSummary:
        """Everything gathered."""
        rows: dict[str, dict[str, int]] = {}
        for key, values in self._metadata.items():
            if "dagster/row_count" in values:
                rows.setdefault(key[0], {})[key[-1]] = values["dagster/row_count"]
        return RunSummary(
            seconds=round(seconds, 1),
            rows=rows,
            persons=rows.get("gold", {}).get("contact", 0),
            companies=rows.get("gold", {}).get("account", 0),
            planned=rows.get("activation", {}).get("plan", 0),
            written=rows.get("activation", {}).get("write_result", 0),
            refused=self._value("write_result", "refused"),
            unexplained=self._value("reconciliation", "unexplained"),
            problems=tuple(self._failed["ERROR"]),
            warnings=tuple(self._failed["WARN"]),
        )

    def _value(self, asset: str, name: str) -> int:
        return int(self._metadata.get(("activation", asset), {}).get(name, 0))


def _failure_text(event: Any) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    return str(data.error.message.strip().splitlines()[0]) if data.error else "failed"
