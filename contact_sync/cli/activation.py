"""Verbs about writing back: plan, apply, reconcile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from contact_sync.cli.output import Json, clear_errors, out, print_json, print_table
from contact_sync.pipeline.installation import Installation

if TYPE_CHECKING:
    from contact_sync.sync.plan import Plan


def plan(
    *,
    show: Annotated[int, typer.Option(metavar="ROWS", help="Show this many writes with before and after.")] = 0,
    json: Json = False,
) -> None:
    """Compare gold with the target and freeze what would be written; writes nothing."""
    from contact_sync.pipeline import activation  # noqa: PLC0415 -- other verbs do without it

    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        made = activation.plan(installation)
        writes = activation.first_writes(installation, show) if show else []
        if json:
            print_json({**made.as_json(), "writes": writes} if show else made.as_json())
            return
        print_plan(made)
        if show:
            columns = ("stage", "object_name", "row_key", "before", "after")
            print_table("Writes", columns, [tuple(_shown(row[name]) for name in columns) for row in writes])


def _shown(value: Any) -> Any:
    """A cell; values by field one below the other."""
    if not isinstance(value, dict):
        return value
    return "\n".join(f"{field}: {'' if text is None else text}" for field, text in value.items())


def print_plan(made: Plan) -> None:
    """Show a plan's counts."""
    rows = [(count.entity, count.stage, count.planned, count.held) for count in made.counts]
    print_table(f"Plan {made.plan_id}", ("entity", "stage", "planned", "held"), rows)


def apply(
    *,
    plan_id: Annotated[str | None, typer.Option("--plan", help="Refuse unless this is the current plan.")] = None,
    json: Json = False,
) -> None:
    """Write exactly the current plan to the target, and account for every row."""
    from contact_sync.pipeline import activation  # noqa: PLC0415 -- other verbs do without it

    with clear_errors(as_json=json):
        report = activation.apply(Installation.from_environment(), plan_id)
        if json:
            print_json(report.as_json())
        else:
            columns = (
                "entity",
                "stage",
                "planned",
                "written",
                "created",
                "refused",
                "unprocessed",
                "skipped",
                "retried",
            )
            rows = [tuple(getattr(stage, name) for name in columns) for stage in report.stages]
            print_table(f"Applied plan {report.plan_id}", columns, rows)
            if report.recovered_jobs:
                found = report.recovered
                out.print(
                    f"Settled first: {report.recovered_jobs} jobs that an earlier application had left open, with "
                    f"{found.written} rows written, {found.refused} refused and {found.unprocessed} left alone"
                )
            for stage in report.stages:
                for code, count in stage.codes.items():
                    out.print(f"{stage.entity} {stage.stage}: {count} not written, {code}")
        if report.refused:
            raise typer.Exit(2)


def reconcile(*, json: Json = False) -> None:
    """Read the target as it is now, compare it with gold and explain every difference."""
    from contact_sync.pipeline import activation  # noqa: PLC0415 -- other verbs do without it

    with clear_errors(as_json=json):
        results = activation.reconcile(Installation.from_environment())
        if json:
            print_json([result.as_json() for result in results])
        else:
            print_table(
                "Reconciliation",
                ("entity", "golden", "target", "stamped", "differences", "unexplained"),
                [
                    (
                        r.entity,
                        r.golden_records,
                        r.target_records,
                        r.stamped_records,
                        sum(r.differences.values()),
                        r.unexplained,
                    )
                    for r in results
                ],
            )
            for result in results:
                _print_explanations(result.entity, result.differences)
        if any(result.unexplained for result in results):
            raise typer.Exit(2)


def _print_explanations(entity: str, differences: dict[str, Any]) -> None:
    for explanation, count in differences.items():
        out.print(f"{entity}: {count:,} {explanation}")
