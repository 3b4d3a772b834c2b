"""Verbs about sources: see how fresh everything is, check what can be reached."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer

from contact_sync.cli.output import (
    Json,
    clear_errors,
    print_facts,
    print_json,
    print_table,
)
from contact_sync.errors import ContactSyncError, SettingsError
from contact_sync.lake.published import is_published
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import lateness

LastDay = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day to read again.")]


def status(*, json: Json = False) -> None:
    """Show how far every object has been read, and the state of the current plan."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        entries = lateness(installation)
        plan: dict[str, Any] | None = None
        if is_published(installation.location, "activation", "plan_summary"):
            from contact_sync.pipeline import steps  # noqa: PLC0415 -- mostly there is no need for it

            plan, _ = steps.current_plan(installation)
        if json:
            objects = [
                {
                    "object": entry.object_name,
                    "instance": entry.instance,
                    "age_seconds": entry.age.total_seconds() if entry.age else None,
                    "promise_seconds": entry.promise.total_seconds(),
                    "is_late": entry.is_late,
                }
                for entry in entries
            ]
            print_json({"objects": objects, "plan": plan})
            return
        rows = [
            (
                entry.object_name,
                entry.instance,
                "never read" if entry.age is None else f"{entry.age.total_seconds():,.0f} s ago",
                f"{entry.promise.total_seconds():,.0f} s",
                "late" if entry.is_late else "on time",
            )
            for entry in entries
        ]
        print_table("Objects", ("object", "instance", "read up to", "promise", ""), rows)
        if plan is not None:
            print_facts(
                "Current plan", {"plan": plan["plan_id"], "made at": plan["created_at"], "writes": plan["rows"]}
            )


def doctor(*, json: Json = False) -> None:
    """Check that every configured instance answers and that what the catalog names exists there."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        findings = [_examine(installation, source, instance) for source, instance in _instances(installation)]
        if json:
            print_json(findings)
        else:
            rows = [(f["source"], f["instance"], "ok" if f["is_ok"] else "problem", f["finding"]) for f in findings]
            print_table("Instances", ("source", "instance", "", "finding"), rows)
        if not findings:
            raise SettingsError("No source is configured.", remedy="See the settings table in README.md.")
        if not all(finding["is_ok"] for finding in findings):
            raise typer.Exit(1)


def _examine(installation: Installation, source: str, instance: str) -> dict[str, Any]:
    finding: dict[str, Any] = {"source": source, "instance": instance}
    items = [item for item in installation.catalog.of_source(source) if instance in installation.instances_of(item)]
    try:
        with closing(installation.open_source(items[0], instance)) as opened:
            health = opened.check()
            fields = {item.name: len(opened.fields(item)) for item in items}
    except ContactSyncError as error:
        return {**finding, "is_ok": False, "finding": str(error)}
    return {
        **finding,
        "is_ok": True,
        "finding": f"{health.description}; {len(fields)} objects, {sum(fields.values())} fields",
        "remaining_calls": health.remaining_calls,
    }


def _instances(installation: Installation) -> list[tuple[str, str]]:
    sources = dict.fromkeys(item.source for item in installation.catalog.objects.values())
    return [(source, instance) for source in sources for instance in installation.settings.instances(source)]
