"""The verb `extract`: one object or hundreds, from one instance or all, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

import typer

from contact_sync.cli.discover import discover_and_lock
from contact_sync.cli.interrupt import wish_to_end
from contact_sync.cli.output import (
    Json,
    RowProgress,
    WorkProgress,
    clear_errors,
    err,
    error_document,
    print_error,
    print_facts,
    print_json,
    print_table,
)
from contact_sync.errors import SettingsError
from contact_sync.extraction.report import ExtractionReport, peak_rss_mb
from contact_sync.extraction.select import Days
from contact_sync.pipeline import bronze
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.many import STATES, IsStopped, Outcome, attempt, extract_many, stoppable
from contact_sync.pipeline.work import Work, chosen

_SHOWN_PROBLEMS = 20


def extract(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[OBJECT]...", help="Names or patterns such as 'salesforce__*'; everything otherwise."),
    ] = None,
    instance: Annotated[str | None, typer.Option(help="One instance; all configured ones otherwise.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="Read days again, from here.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day to read again.")] = None,
    parallel: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="How many side by side, instead of CONTACT_SYNC_PARALLEL."),
    ] = None,
    *,
    discover: Annotated[bool, typer.Option("--discover", help="First resolve the catalog's wildcards anew.")] = False,
    json: Json = False,
) -> None:
    """Extract objects into bronze: what changed since the last time, or some days again."""
    with clear_errors(as_json=json):
        days = _days(from_, to)
        installation = Installation.from_environment()
        unasked: Mapping[str, str] = {}
        if discover:
            unasked = discover_and_lock(installation, is_quiet=json)
            # The catalog is loaded anew, with the new lock.
            installation = Installation.from_environment()
        if parallel is not None:
            installation = Installation(installation.settings.model_copy(update={"parallel": parallel}))
        work = chosen(installation, names or ["*"], instance)
        with wish_to_end() as wish:
            if names is not None and len(work) == 1 and instance is not None:
                outcomes = [_single(installation, work[0], days, wish, json=json)]
            else:
                outcomes = _side_by_side(installation, work, days, wish, json=json)
        _end(outcomes, stopped=wish.exit_code)
        if unasked:
            # They were named while discovering; what the lock says of them was extracted.
            raise typer.Exit(1)


def _single(installation: Installation, work: Work, days: Days | None, is_stopped: IsStopped, *, json: bool) -> Outcome:
    """Extract one object from one instance, with a progress bar of its own; raises what makes it fail."""
    item, instance = work
    with RowProgress(f"{item.name} from {instance}", is_shown=not json) as progress:
        told = stoppable(progress, is_stopped)
        outcome = attempt(work, lambda: bronze.extract(installation, item.name, instance, days=days, progress=told))
    if outcome.error is not None and outcome.state == "failed":
        raise outcome.error
    if json:
        print_json(_document(outcome))
    elif outcome.error is not None:
        print_error(outcome.error)
    else:
        _show([outcome])
    return outcome


def _side_by_side(
    installation: Installation, work: Sequence[Work], days: Days | None, is_stopped: IsStopped, *, json: bool
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with WorkProgress(len(work), is_shown=not json) as progress:
        for outcome in extract_many(installation, work, days=days, listener=progress.add_rows, is_stopped=is_stopped):
            outcomes.append(outcome)
            progress.finish_one()
    outcomes.sort(key=lambda one: (one.object_name, one.instance))
    if json:
        print_json([_document(outcome) for outcome in outcomes])
    else:
        _show(outcomes)
    return outcomes


def _show(outcomes: Sequence[Outcome]) -> None:
    if len(outcomes) == 1 and outcomes[0].report is not None:
        report = outcomes[0].report
        print_facts(f"{report.object_name} from {report.instance}", report.as_json())
        return
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in STATES}
    facts = {
        **{f"extractions {state}": count for state, count in counts.items()},
        "rows read": _sum(reports, "rows_read"),
        "rows new": _sum(reports, "rows_new"),
        "rows known": _sum(reports, "rows_known"),
        "peak memory, MB": peak_rss_mb(),
    }
    print_facts(f"{len(outcomes):,} extractions", facts)
    problems = [
        (outcome.object_name, outcome.instance, outcome.state, str(outcome.error))
        for outcome in outcomes
        if outcome.error is not None and outcome.state != "stopped"
    ]
    if problems:
        print_table("Problems", ("object", "instance", "", "what"), problems[:_SHOWN_PROBLEMS])
    if counts["stopped"]:
        err.print("Stopped. The next extraction goes on where this one ended.")


def _sum(reports: Sequence[ExtractionReport], name: str) -> int:
    return sum(int(getattr(report, name)) for report in reports)


def _document(outcome: Outcome) -> dict[str, Any]:
    if outcome.report is not None:
        return outcome.report.as_json()
    error = error_document(outcome.error) if outcome.error is not None else {}
    return {"object_name": outcome.object_name, "instance": outcome.instance, "state": outcome.state, **error}


def _end(outcomes: Sequence[Outcome], *, stopped: int) -> None:
    """The exit code: 1 if anything failed or a file was refused, 2 if something is only incomplete.

    stopped: the code where somebody has ended it; who did cannot have been told everything, so it says only that.
    """
    refused = any(outcome.report is not None and outcome.report.refused_files for outcome in outcomes)
    states = {outcome.state for outcome in outcomes}
    if "stopped" in states:
        raise typer.Exit(stopped)
    if refused or "failed" in states:
        raise typer.Exit(1)
    if "incomplete" in states:
        raise typer.Exit(2)


def _days(first: str | None, last: str | None) -> Days | None:
    if first is None and last is None:
        return None
    try:
        days = Days(first=date.fromisoformat(first or last or ""), last=date.fromisoformat(last or first or ""))
    except ValueError:
        raise SettingsError("--from and --to must be days such as 2026-11-20.") from None
    return days if days.first <= days.last else replace(days, first=days.last, last=days.first)
