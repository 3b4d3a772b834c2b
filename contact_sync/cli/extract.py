"""The verb `extract`: one object or hundreds, from one instance or all, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any

import typer

from contact_sync.catalog import CatalogObject
from contact_sync.cli.discover import discover_and_lock
from contact_sync.cli.output import (
    Json,
    RowProgress,
    WorkProgress,
    clear_errors,
    error_document,
    print_error,
    print_facts,
    print_json,
    print_table,
)
from contact_sync.errors import CatalogError, ContactSyncError, SettingsError
from contact_sync.extraction.report import ExtractionReport, peak_rss_mb
from contact_sync.extraction.select import Days
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.many import Outcome, extract_many

_SHOWN_PROBLEMS = 20
_STATES = ("read", "incomplete", "failed")


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
    *,
    discover: Annotated[bool, typer.Option("--discover", help="First resolve the catalog's wildcards anew.")] = False,
    json: Json = False,
) -> None:
    """Extract objects into bronze: what changed since the last time, or some days again."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        unasked: Mapping[str, str] = {}
        if discover:
            unasked = discover_and_lock(installation, is_quiet=json)
            installation = Installation.from_environment()
        work = _work(installation, names or ["*"], instance)
        days = _days(from_, to)
        is_single = names is not None and len(work) == 1 and instance is not None
        if days is not None or is_single:
            _one_by_one(installation, work, days, is_single=is_single, json=json)
        else:
            _side_by_side(installation, work, json=json)
        if unasked:
            # They were named while discovering; what the lock says of them was extracted.
            raise typer.Exit(1)


def _work(installation: Installation, patterns: Sequence[str], instance: str | None) -> list[tuple[CatalogObject, str]]:
    """The objects that the patterns name, with each of their instances."""
    objects = installation.catalog.objects
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in objects):
            if "*" in pattern:
                raise CatalogError(f"No object of the catalog matches {pattern}.", remedy="See contact-sync status.")
            installation.object(pattern)
    items = [item for name, item in objects.items() if any(fnmatchcase(name, pattern) for pattern in patterns)]
    work = [
        (item, one)
        for item in items
        for one in ((instance,) if instance and len(items) == 1 else installation.instances_of(item))
        if instance in {None, one}
    ]
    if not work:
        source = items[0].source
        raise SettingsError(
            f"{source} has no configured instance{f' {instance}' if instance else ''}.",
            remedy=f"Set CONTACT_SYNC_{source.upper()}__<INSTANCE>__URL and its credentials.",
        )
    return work


def _one_by_one(
    installation: Installation,
    work: Sequence[tuple[CatalogObject, str]],
    days: Days | None,
    *,
    is_single: bool,
    json: bool,
) -> None:
    """Extract one after the other, each with a progress bar of its own; a single one raises its error."""
    outcomes = []
    for item, instance in work:
        with RowProgress(f"{item.name} from {instance}", is_shown=not json) as progress:
            outcome = _outcome(installation, item, instance, days, progress)
        if outcome.error is not None and is_single:
            raise outcome.error
        if outcome.report is not None and not json:
            print_facts(f"{item.name} from {instance}", outcome.report.as_json())
        elif outcome.error is not None and not json:
            print_error(outcome.error)
        outcomes.append(outcome)
    documents = [_document(outcome) for outcome in outcomes]
    if json:
        print_json(documents[0] if is_single else documents)
    _end(outcomes)


def _outcome(
    installation: Installation, item: CatalogObject, instance: str, days: Days | None, progress: RowProgress
) -> Outcome:
    try:
        report = steps.extract(installation, item.name, instance, days=days, progress=progress)
    except ContactSyncError as error:
        return Outcome(object_name=item.name, instance=instance, error=error)
    return Outcome(object_name=item.name, instance=instance, report=report)


def _side_by_side(installation: Installation, work: Sequence[tuple[CatalogObject, str]], *, json: bool) -> None:
    outcomes: list[Outcome] = []
    with WorkProgress(len(work), is_shown=not json) as progress:
        for outcome in extract_many(installation, work, listener=progress.add_rows):
            outcomes.append(outcome)
            progress.finish_one()
    outcomes.sort(key=lambda one: (one.object_name, one.instance))
    if json:
        print_json([_document(outcome) for outcome in outcomes])
    else:
        _show(outcomes)
    _end(outcomes)


def _show(outcomes: Sequence[Outcome]) -> None:
    if len(outcomes) == 1 and outcomes[0].report is not None:
        report = outcomes[0].report
        print_facts(f"{report.object_name} from {report.instance}", report.as_json())
        return
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in _STATES}
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
        if outcome.error is not None
    ]
    if problems:
        print_table("Problems", ("object", "instance", "", "what"), problems[:_SHOWN_PROBLEMS])


def _sum(reports: Sequence[ExtractionReport], name: str) -> int:
    return sum(int(getattr(report, name)) for report in reports)


def _document(outcome: Outcome) -> dict[str, Any]:
    if outcome.report is not None:
        return outcome.report.as_json()
    error = error_document(outcome.error) if outcome.error is not None else {}
    return {"object_name": outcome.object_name, "instance": outcome.instance, "state": outcome.state, **error}


def _end(outcomes: Sequence[Outcome]) -> None:
    """The exit code: 1 if anything failed or a file was refused, 2 if something is only incomplete."""
    refused = any(outcome.report is not None and outcome.report.refused_files for outcome in outcomes)
    states = {outcome.state for outcome in outcomes}
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
