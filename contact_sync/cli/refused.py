"""Verbs about rows that a target refused: how many there are, and planning them again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from contact_sync.cli.output import Json, clear_errors, out, print_json, print_table
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.refused import refused_rows, release_refused

app = typer.Typer(no_args_is_help=True, help="Rows that a target refused, and stay out of plans for that.")


@app.command(name="list")
def show(*, json: Json = False) -> None:
    """Count refused rows by object, instance, stage and code; no values, no messages."""
    with clear_errors(as_json=json):
        counts = refused_rows(Installation.from_environment())
        if json:
            print_json([{**asdict(one), "oldest": one.oldest.isoformat()} for one in counts])
            return
        columns = ("object", "instance", "stage", "code", "rows", "oldest")
        rows = [
            (one.object_name, one.instance, one.stage, one.code, one.rows, one.oldest.isoformat(timespec="seconds"))
            for one in counts
        ]
        print_table("Refused rows", columns, rows)
        if not rows:
            out.print("None: nothing is left out of plans because a target refused it.")


@app.command()
def release(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of the refusals, as `list` shows it.")],
    *,
    object_name: Annotated[
        str | None, typer.Option("--object", metavar="NAME", help="Only rows of this object of the catalog.")
    ] = None,
    json: Json = False,
) -> None:
    """Let the next plan contain refused rows again, because their cause was corrected in the target."""
    with clear_errors(as_json=json):
        released = release_refused(Installation.from_environment(), code, object_name=object_name)
        if json:
            print_json({"code": code, "object_name": object_name, "released": released})
        else:
            out.print(f"{released:,} rows are released; the next plan contains those that differ still.")
