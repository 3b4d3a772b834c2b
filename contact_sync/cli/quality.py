"""The verb `quality`: the scoreboard of silver, read from the published gold without a lock."""

from __future__ import annotations

from typing import Any

import typer

from contact_sync.cli.output import Json, clear_errors, print_json, print_table
from contact_sync.lake.published import read_published
from contact_sync.pipeline.installation import Installation

_TITLES = (
    "object",
    "instance",
    "rows",
    "score",
    "a week ago",
    "errors",
    "warnings",
    "nulls at most",
    "refused values",
    "duplicates",
    "",
    "broken rules",
)


def quality(*, json: Json = False) -> None:
    """Show how good each object of silver is; exit code 2 if a rule of severity error is broken."""
    with clear_errors(as_json=json):
        rows = read_published(Installation.from_environment().location, "gold", "data_quality").to_pylist()
        rows.sort(key=lambda row: (row["object_name"], row["instance"]))
        if json:
            print_json([_plain(row) for row in rows])
        else:
            print_table("Quality of silver", _TITLES, [_shown(row) for row in rows])
        if any(row["error_count"] for row in rows):
            raise typer.Exit(2)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Decimals as numbers, times as ISO 8601 text."""
    shares = ("score", "score_week_ago", "key_null_share")
    times = {name: row[name].isoformat() for name in ("measured_at", "read_up_to") if row[name] is not None}
    return {**row, **{name: float(row[name]) for name in shares if row[name] is not None}, **times}


def _shown(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["object_name"],
        row["instance"],
        row["row_count"],
        _percent(row["score"]),
        _percent(row["score_week_ago"]),
        row["error_count"],
        row["warning_count"],
        _percent(row["key_null_share"]),
        row["rejected_value_count"],
        row["duplicate_count"],
        "late" if row["is_late"] else "on time",
        row["failing_rules"] or "",
    )


def _percent(share: Any) -> str:
    return "" if share is None else f"{share:.1%}"
