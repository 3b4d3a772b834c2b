"""The verb `scaffold`: silver models for objects that have none, from what their sources describe."""

from __future__ import annotations

from typing import Annotated

import typer

from contact_sync.cli.output import Json, clear_errors, err, print_json, print_table
from contact_sync.errors import CatalogError
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.scaffold import ScaffoldReport, scaffold, without_model

app = typer.Typer(help="Write what can be generated, to be edited and kept.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(help="Objects of the catalog, such as salesforce__campaign.")]
Missing = Annotated[bool, typer.Option("--all", help="Every object that has been read and has no model yet.")]


@app.callback()
def _group() -> None:
    """Keep `object` a word of its own, although it is the only one."""


@app.command("object")
def scaffold_object(names: Names = None, *, every: Missing = False, json: Json = False) -> None:
    """Write the silver model of an object into the dbt project, or add the fields that are new."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        chosen = without_model(installation) if every else list(names or ())
        if not chosen and not every:
            raise CatalogError("No object is named.", remedy="contact-sync scaffold object salesforce__campaign")
        reports = [scaffold(installation, name) for name in chosen]
        if json:
            print_json([report.as_json() for report in reports])
        else:
            _show(reports)


def _show(reports: list[ScaffoldReport]) -> None:
    columns = ("object", "", "added", "retyped", "kept as edited", "gone from the source")
    rows = [
        (one.object_name, _what(one), len(one.added), *map(_named, (one.retyped, one.kept, one.gone)))
        for one in reports
    ]
    print_table("Silver models", columns, rows)
    if any(one.is_new for one in reports):
        err.print("Review them, describe the columns, and commit them with scaffold.lock.yaml.", highlight=False)


def _what(report: ScaffoldReport) -> str:
    if report.is_by_hand:
        return "written by hand, left alone"
    return "new" if report.is_new else "added to" if report.added or report.retyped else "unchanged"


def _named(columns: tuple[str, ...]) -> str:
    return ", ".join(columns)
