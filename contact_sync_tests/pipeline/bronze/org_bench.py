"""A simulated org with a clock set by hand, and the bench to extract from it through the real connector."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Upcoming
from contact_sync.connectors.salesforce import SalesforceSource
from contact_sync.extraction.report import ExtractionReport
from contact_sync.settings import SalesforceInstance as SalesforceSettings
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.state.upkeep import Care, LearnedFacts
from contact_sync_tests.unit.extraction.memory_source import Bench

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def catalog_object(name: str, **changes: Any) -> CatalogObject:
    """The catalog's line for an object of Salesforce."""
    return CatalogObject(
        source="salesforce",
        connector="salesforce",
        object=name,
        description="Records.",
        owner="team:test",
        key="Id",
        cursor="SystemModstamp",
        deleted="IsDeleted",
        **changes,
    )


@dataclass
class OrgBench:
    """One org, one lake, two clocks; `source_options` are given to the source of each extraction."""

    home: Path
    item: CatalogObject = field(default_factory=lambda: catalog_object("Contact"))
    object_types: int = 0
    features: Features | None = None
    source_options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.org_now = START
        self.org = SalesforceInstance(
            "core",
            self.home / "org",
            clock=lambda: self.org_now,
            object_types=self.object_types,
            features=self.features,
            page_size=1_000,
        )
        self.org.start()
        self.bench = Bench(self.home, now=START, item=self.item)
        self.settings = SalesforceSettings.model_validate(
            {
                "url": self.org.url,
                "kind": "simulator",
                "client_id": self.org.client_id,
                "client_secret": self.org.client_secret,
            }
        )

    @property
    def user_id(self) -> str:
        """A user of the org who is not the integration user."""
        return self.org.org.user_ids["rep.one"]

    def later(self, **change: float) -> None:
        """Move both clocks on."""
        self.org_now += timedelta(**change)
        self.bench.later(**change)

    def insert(self, object_name: str, *rows: dict[str, object]) -> list[str]:
        """Create records and return their ids."""
        saved = self.org.org.writer.insert(object_name, rows, user_id=self.user_id)
        assert [None] * len(rows) == [one.error for one in saved]
        return [str(one.id) for one in saved]

    def update(self, object_name: str, record_id: str, **values: object) -> None:
        """Change a record."""
        (saved,) = self.org.org.writer.update(object_name, [{"Id": record_id, **values}], user_id=self.user_id)
        assert saved.error is None

    def extract(self, *, is_prepared: bool = False) -> ExtractionReport:
        """Extract once, as a process of its own does."""
        memory = LearnedFacts(self.bench.database, "salesforce", "core")
        with closing(SalesforceSource("core", self.settings, memory=memory, **self.source_options)) as source:
            if is_prepared:
                since = self.bench.upkeep.done(self.item.name, "core").get(Care.DELETIONS)
                source.prepare([Upcoming(item=self.item, deletions_since=since)])
            return self.bench.extractor.run(self.item, "core", source)

    def current(self, *names: str) -> dict[str, dict[str, Any]]:
        """The newest version of each record, by the rule that silver uses; only these columns of it."""
        order = ("_record_id", "_version_at", "_is_deleted", "_extracted_at", "_row_hash")
        newest: dict[str, dict[str, Any]] = {}
        for row in self.bench.rows(*order, *names):
            best = newest.get(row["_record_id"])
            if best is None or _order(row) > _order(best):
                newest[row["_record_id"]] = row
        return newest

    def alive(self) -> set[str]:
        """Ids of the records that are not deleted in their newest version."""
        return {key for key, row in self.current().items() if not row["_is_deleted"]}

    def close(self) -> None:
        """Stop the org and give the databases back."""
        self.org.stop()
        self.bench.close()


def _order(row: dict[str, Any]) -> tuple[datetime, bool, datetime, str]:
    return row["_version_at"] or row["_extracted_at"], row["_is_deleted"], row["_extracted_at"], row["_row_hash"]
