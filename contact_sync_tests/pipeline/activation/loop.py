"""The pipeline's steps over a world, as whole rounds, and a look into what they left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contact_sync.identity.resolve import Resolution
from contact_sync.pipeline import activation, steps
from contact_sync.pipeline.bronze import extract
from contact_sync.pipeline.installation import Installation
from contact_sync.simulator import World
from contact_sync.sync.plan import Plan

Records = dict[str, dict[str, Any]]


@dataclass
class Loop:
    """The pipeline over a world."""

    world: World
    installation: Installation
    resolutions: list[Resolution] = field(default_factory=list)

    def extract(self) -> None:
        """Every object from every instance."""
        for item in self.installation.catalog.objects.values():
            for instance in self.installation.instances_of(item):
                extract(self.installation, item.name, instance)

    def plan(self) -> Plan:
        """Everything from the sources to the plan."""
        self.extract()
        steps.build_silver(self.installation)
        steps.score_pairs(self.installation)
        self.resolutions = steps.resolve_identities(self.installation)
        steps.build_gold(self.installation)
        return activation.plan(self.installation)

    def writes(self) -> list[dict[str, Any]]:
        """All writes of the current plan, as readers see them."""
        return activation.first_writes(self.installation, 1_000_000)

    def reconcile(self) -> dict[str, int]:
        """Explanation -> differences, over both entities."""
        found: dict[str, int] = {}
        for result in activation.reconcile(self.installation):
            for explanation, count in result.differences.items():
                found[explanation] = found.get(explanation, 0) + count
        return found

    def records(self, object_name: str) -> Records:
        """What the target org holds, deleted records left out."""
        return {str(row["Id"]): row for row in self.world.org("core").store.records(object_name)}

    def links(self) -> dict[str, str]:
        """record_key -> person or company key."""
        with self.installation.warehouse.session("test") as session:
            persons = session.query("select record_key, person_key as key from identity.person_link").to_pylist()
            companies = session.query("select record_key, company_key as key from identity.company_link").to_pylist()
        return {row["record_key"]: row["key"] for row in [*persons, *companies]}

    def held(self) -> dict[str, str]:
        """Row key -> reason of what the last reconciliation found held back."""
        with self.installation.warehouse.session("test") as session:
            rows = session.query(
                "select coalesce(record_id, golden_key) as row_key, explanation from activation.difference_contact"
            )
        return {row["row_key"]: row["explanation"] for row in rows.to_pylist()}
