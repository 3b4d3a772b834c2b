"""The verb `match`: who is who in any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contact_sync.cli.output import Json, clear_errors, out, print_facts, print_json, print_table
from contact_sync.errors import IdentityError
from contact_sync.pipeline.model_kind import ModelKind
from contact_sync.settings import load_settings

if TYPE_CHECKING:
    from contact_sync.pipeline.match_file import MatchReport


def match(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or Parquet file of people, one a row.")],
    *,
    target: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where every row goes, as CSV or Parquet.")],
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN", help="What a column is, where its name does not say; repeatable."
        ),
    ] = None,
    model: Annotated[
        ModelKind,
        typer.Option(help="Ours for CRM data, one fitted on the file, or whichever knows its columns."),
    ] = ModelKind.AUTO,
    json: Json = False,
) -> None:
    """Find the people in a file: each row comes back with person_key, match_rule and match_score."""
    from contact_sync.pipeline.match_file import match_file  # noqa: PLC0415 -- other verbs do without DuckDB

    with clear_errors(as_json=json):
        settings = load_settings()
        report = match_file(
            file,
            target,
            project=settings.dbt_project_path,
            told=_told(mapped or []),
            model=model,
            memory_limit_mb=settings.warehouse_memory_mb,
        )
        if json:
            print_json(report.as_json())
        else:
            _show(report, target)


def _told(mapped: list[str]) -> dict[str, str]:
    told = {}
    for text in mapped:
        field, equals, column = text.partition("=")
        if not equals:
            raise IdentityError(f"--map {text} has no equals sign.", remedy="Write --map last_name=Surname.")
        told[field.strip()] = column.strip()
    return told


def _show(report: MatchReport, target: Path) -> None:
    print_table("Columns", ("field", "column"), list(report.columns.items()))
    print_table("What joined rows", ("rule", "rows"), list(report.rules.items()))
    print_facts(
        f"Written to {target}",
        {"rows": report.rows, "persons": report.persons, "largest": report.largest, "model": report.model},
    )
    out.print("Rows with the same person_key are one person.", highlight=False)
