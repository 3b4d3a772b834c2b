"""The verb `status`: how fresh everything is."""

from __future__ import annotations

from typing import Any

from contact_sync.cli.output import Json, clear_errors, print_facts, print_json, print_table
from contact_sync.lake.published import is_published
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.lateness import lateness


def status(*, json: Json = False) -> None:
    """Show how far every object has been read, and the state of the current plan."""
    with clear_errors(as_json=json):
        installation = Installation.from_environment()
        entries = lateness(installation)
        plan: dict[str, Any] | None = None
        if is_published(installation.location, "activation", "plan_summary"):
            from contact_sync.pipeline import activation  # noqa: PLC0415 -- mostly there is no need for it

            plan = activation.plan_summary(installation)
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
