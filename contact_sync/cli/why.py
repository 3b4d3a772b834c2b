"""The verb `why`: what a person or company is made of, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from contact_sync.cli.output import Json, clear_errors, out, print_json, print_table
from contact_sync.pipeline.decisions import entity_of
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.why import Explanation, explain


def why(
    subject: Annotated[str, typer.Argument(help="person or company.")],
    key: Annotated[str, typer.Argument(help="Its key, one that it had before, or the key of one of its records.")],
    *,
    json: Json = False,
) -> None:
    """Explain a person or company: records, evidence, decisions, history of its key, source of each value."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        explanation = explain(installation, entity_of(installation, subject), key)
        if json:
            print_json(asdict(explanation))
        else:
            _print(explanation)


def _print(found: Explanation) -> None:
    asked = "" if found.asked == found.key else f", which {found.asked} stands for"
    out.print(f"{found.key}{asked}", highlight=False)
    _table("Records", found.records, ("record_key", "is_live", "external_id"))
    evidence = [
        {**row, "score": "" if row["score"] is None else f"{row['score']:.3f}", "details": _details(row["details"])}
        for row in found.evidence
    ]
    _table("What joins them", evidence, ("record_key_1", "record_key_2", "rule", "score", "details"))
    decisions = (
        "decision_id",
        "verdict",
        "record_key_1",
        "record_key_2",
        "steward",
        "note",
        "decided_at",
        "withdrawn_at",
    )
    _table("Decisions", found.decisions, decisions)
    waiting = [{**row, "score": "" if row["score"] is None else f"{row['score']:.3f}"} for row in found.waiting]
    _table("May be the same as", waiting, ("candidate_id", "key_1", "key_2", "score", "reason"))
    _table("What happened to its key", found.events, ("at", "kind", "key", "other_key", "record_count"))
    _table("Keys that stand for it too", found.superseded, ("key", "anchor_record_key", "created_at"))
    _table("Values", found.fields, ("field", "value", "rule", "source_record_key", "version_at"))


def _table(title: str, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """A table of these columns; nothing where there are no rows."""
    if rows:
        headings = [column.replace("_", " ") for column in columns]
        print_table(title, headings, [[_shown(row[column]) for column in columns] for row in rows])


def _details(parts: Sequence[Sequence[Any]]) -> str:
    return ", ".join(" ".join(f"{one:+.1f}" if isinstance(one, float) else str(one) for one in part) for part in parts)


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else value
