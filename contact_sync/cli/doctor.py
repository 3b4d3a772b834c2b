"""The verb `doctor`: which instances answer, what each lacks, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer

from contact_sync.cli.output import Json, clear_errors, print_json, print_table
from contact_sync.errors import SettingsError
from contact_sync.pipeline.doctor import Examined, examine
from contact_sync.pipeline.installation import Installation


def doctor(*, json: Json = False) -> None:
    """Check that every instance answers and lets us read and write what the catalog says; exit code 1 if not."""
    with clear_errors(as_json=json):
        examined = examine(Installation.from_environment())
        if not any(one.objects for one in examined):
            raise SettingsError("No source is configured.", remedy="See the settings table in README.md.")
        if json:
            print_json([_document(one) for one in examined])
        else:
            _print(examined)
        if not all(one.is_ok for one in examined):
            raise typer.Exit(1)


def _document(one: Examined) -> dict[str, Any]:
    health = one.health
    return {
        "source": one.source,
        "instance": one.instance,
        "is_ok": one.is_ok,
        "description": health.description if health else None,
        "objects": one.objects,
        "remaining_calls": health.remaining_calls if health else None,
        "remaining_batches": health.remaining_batches if health else None,
        "findings": [asdict(finding) for finding in one.findings],
    }


def _print(examined: list[Examined]) -> None:
    rows = []
    for one in examined:
        health = one.health
        left = (None, None) if health is None else (health.remaining_calls, health.remaining_batches)
        shown = [f"{number:,}" if number is not None else "" for number in left]
        description = health.description if health else "no answer"
        rows.append((one.source, one.instance, "ok" if one.is_ok else "problem", description, one.objects, *shown))
    columns = ("source", "instance", "", "who answers", "objects", "requests left", "Bulk batches left")
    print_table("Instances", columns, rows)
    findings = [
        (f"{one.source}/{one.instance}", finding.severity, finding.subject, finding.message, finding.remedy)
        for one in examined
        for finding in sorted(one.findings, key=lambda finding: not finding.is_problem)
    ]
    if findings:
        print_table("Findings", ("where", "", "about", "finding", "what to do"), findings)
