"""How the command line shows results and errors: rich tables for people, one JSON document for programs.

Does not belong here: any verb.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from contact_sync.errors import ContactSyncError

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


def print_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers are right-aligned with thousands separators."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        is_number = all(_is_number(row[index]) for row in rows) if rows else False
        table.add_column(column, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(f"{cell:,}" if _is_number(cell) else escape(str(cell)) for cell in row))
    out.print(table)


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Print names and values, one a line."""
    print_table(
        title, ("", ""), [(name, f"{value:,}" if _is_number(value) else value) for name, value in facts.items()]
    )


def error_document(error: ContactSyncError) -> dict[str, str]:
    """An error as `--json` tells it."""
    return {"error": type(error).__name__, "message": error.message, "remedy": error.remedy}


def print_error(error: ContactSyncError) -> None:
    """Tell a person on standard error what happened and what to do next."""
    err.print(f"[red]Error:[/red] {escape(error.message)}", highlight=False, soft_wrap=True)
    if error.remedy:
        err.print(error.remedy, highlight=False, soft_wrap=True, markup=False)


@contextmanager
def clear_errors(*, as_json: bool) -> Iterator[None]:
    """End with exit code 1 and the message of a ContactSyncError, without a stack trace."""
    try:
        yield
    except ContactSyncError as error:
        if as_json:
            print_json(error_document(error))
        else:
            print_error(error)
        raise typer.Exit(1) from None


class RowProgress:
    """A progress bar for one extraction: rows, rate and time left; silent unless a person is watching."""

    def __init__(self, title: str, *, is_shown: bool) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} rows"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[size]}"),
            console=err,
            transient=True,
            disable=not is_shown or not err.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None, rate="", size="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, *, rows: int, total: int | None, byte_count: int) -> None:
        """Show where the extraction stands."""
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task,
            completed=rows,
            total=total,
            rate=f"{speed:,.0f} rows/s" if speed else "",
            size=f"{byte_count / 1e6:,.1f} MB",
        )


class WorkProgress:
    """A progress bar for many extractions: how many are done, rows, rate and time left; safe to tell from threads."""

    def __init__(self, count: int, *, is_shown: bool) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} extractions"),
            BarColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=err,
            transient=True,
            disable=not is_shown or not err.is_terminal,
        )
        self._task = self._progress.add_task("", total=count, rows=0, rate="")
        self._lock = threading.Lock()
        self._rows = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add_rows(self, count: int) -> None:
        """Some more rows have been read."""
        with self._lock:
            self._rows += count
            elapsed = self._progress.tasks[0].elapsed
            rate = f"{self._rows / elapsed:,.0f} rows/s" if elapsed else ""
            self._progress.update(self._task, rows=self._rows, rate=rate)

    def finish_one(self) -> None:
        """One more extraction has ended."""
        self._progress.advance(self._task)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
