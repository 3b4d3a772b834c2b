"""The verb `rebuild`: silver as it was at a time of the past."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from contact_sync.cli.output import Json, clear_errors, err, print_json, print_table
from contact_sync.pipeline.installation import Installation

AsOf = Annotated[str, typer.Option("--as-of", metavar="TIME", help="A day (its end, in UTC) or a time of the past.")]
Objects = Annotated[list[str] | None, typer.Argument(metavar="[OBJECT]...", help="Only the tables of these objects.")]


def rebuild(objects: Objects = None, *, as_of: AsOf, json: Json = False) -> None:
    """Rebuild silver as it was at a time of the past, from bronze alone, into a schema of its own."""
    from contact_sync.pipeline.point_in_time import Moment, rebuild_silver  # noqa: PLC0415 -- others do without it

    with clear_errors(as_json=json):
        report = rebuild_silver(
            Installation.from_environment(),
            Moment.parse(as_of),
            objects or (),
            listener=None if json else _show_node,
        )
        if json:
            print_json(report.as_json())
        else:
            print_table(
                f"Silver as of {report.as_of:%Y-%m-%d %H:%M:%S} UTC, in {report.seconds:.1f} s",
                ("table", "rows"),
                [(f"{report.schema}.{name}", rows) for name, rows in report.rows.items()],
            )


def _show_node(event: Any) -> None:
    """Say which model or seed dbt has just made, so that a person sees the rebuild move on."""
    if event.info.name in {"LogModelResult", "LogSeedResult"}:
        node = event.data.node_info
        err.print(f"[dim]{node.node_relation.schema}.{node.node_name:40}[/dim]", highlight=False)
