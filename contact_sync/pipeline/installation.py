"""One installation: everything that Settings lead to, built once and handed to the steps.

Does not belong here: doing anything with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from contact_sync.catalog import Catalog, CatalogObject, Contract, load_catalog, load_contracts
from contact_sync.connectors.base import Source
from contact_sync.connectors.registry import open_source
from contact_sync.errors import CatalogError, SettingsError
from contact_sync.extraction.extract import Extractor, Ledgers
from contact_sync.lake.bronze import BronzeTable
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.location import LakeLocation
from contact_sync.settings import Settings, load_settings
from contact_sync.state.batches import BatchLedger
from contact_sync.state.consents import ConsentLedger
from contact_sync.state.database import StateDatabase
from contact_sync.state.decisions import DecisionLedger
from contact_sync.state.identities import IdentityLedger
from contact_sync.state.schemas import SchemaLedger
from contact_sync.state.upkeep import LearnedFacts, UpkeepLedger
from contact_sync.state.writes import WriteLedger

if TYPE_CHECKING:
    from contact_sync.identity.model import MatchModel
    from contact_sync.lake.database import LakeDatabase
    from contact_sync.warehouse.base import Warehouse
    from contact_sync.warehouse.transform import DbtProject


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """Settings and what follows from them; opening happens on first use. `now` returns the time in UTC."""

    settings: Settings
    now: Callable[[], datetime] = field(default=_utc_now)

    @classmethod
    def from_environment(cls) -> Installation:
        """The installation that the environment describes."""
        return cls(load_settings())

    @cached_property
    def catalog(self) -> Catalog:
        """What is moved and by which rules."""
        return load_catalog(self.settings.catalog_path)

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """Object -> what its silver table must hold; not every object has a contract."""
        return load_contracts(self.settings.catalog_path, self.catalog.objects)

    @cached_property
    def location(self) -> LakeLocation:
        """Where the lake is."""
        return LakeLocation.from_settings(self.settings)

    @cached_property
    def lake_database(self) -> LakeDatabase | None:
        """The database that bronze is in; None if it is in Delta tables."""
        if self.settings.lake_database_url is None:
            return None
        from contact_sync.lake.database import LakeDatabase  # noqa: PLC0415 -- a lake of files does without the driver

        return LakeDatabase(self.settings.lake_database_url)

    @cached_property
    def state(self) -> StateDatabase:
        """The operational database."""
        return StateDatabase(self.settings.state_url)

    @cached_property
    def batches(self) -> BatchLedger:
        """The ledger of batches."""
        return BatchLedger(self.state)

    @cached_property
    def schemas(self) -> SchemaLedger:
        """The history of the objects' fields."""
        return SchemaLedger(self.state)

    @cached_property
    def upkeep(self) -> UpkeepLedger:
        """When each object was last looked after."""
        return UpkeepLedger(self.state)

    @cached_property
    def identities(self) -> IdentityLedger:
        """The identity ledger."""
        return IdentityLedger(self.state)

    @cached_property
    def decisions(self) -> DecisionLedger:
        """What stewards decided about who is who."""
        return DecisionLedger(self.state)

    @cached_property
    def person_model(self) -> MatchModel:
        """What makes two records of people one person."""
        from contact_sync.identity.model import load_model  # noqa: PLC0415 -- extractions do without DuckDB

        return load_model()

    @cached_property
    def consents(self) -> ConsentLedger:
        """What stewards decided about consent."""
        return ConsentLedger(self.state)

    @cached_property
    def writes(self) -> WriteLedger:
        """The ledger of writes."""
        return WriteLedger(self.state)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The warehouse."""
        from contact_sync.warehouse.registry import open_warehouse  # noqa: PLC0415 -- extractions do without DuckDB

        return open_warehouse(self.settings)

    @cached_property
    def dbt(self) -> DbtProject:
        """The dbt project."""
        from contact_sync.warehouse.transform import DbtProject  # noqa: PLC0415 -- as above

        return DbtProject(self.settings)

    def extractor(self) -> Extractor:
        """An extractor into this installation's lake."""
        return Extractor(
            bronze=self.bronze,
            ledgers=Ledgers(batches=self.batches, schemas=self.schemas, upkeep=self.upkeep),
            safety_lag=timedelta(seconds=self.settings.safety_lag_seconds),
            now=self.now,
        )

    def open_source(self, item: CatalogObject, instance: str) -> Source:
        """The source of an object's instance, with what its connector has learned; the caller closes it."""
        memory = LearnedFacts(self.state, item.source, instance)
        return open_source(self.settings, item, instance, memory)

    def bronze(self, name: str) -> BronzeTable:
        """A bronze table."""
        if self.lake_database is not None:
            from contact_sync.lake.postgres import PostgresBronzeTable  # noqa: PLC0415 -- as above

            return PostgresBronzeTable(self.lake_database, name)
        return DeltaBronzeTable(self.location, name)

    def object(self, name: str) -> CatalogObject:
        """A catalog object by name; CatalogError naming the known ones."""
        if name not in self.catalog.objects:
            raise CatalogError(
                f"The catalog has no object {name}.",
                remedy=f"Known objects: {', '.join(sorted(self.catalog.objects))}.",
            )
        return self.catalog.objects[name]

    def instances_of(self, item: CatalogObject) -> tuple[str, ...]:
        """The configured instances an object is read from."""
        configured = self.settings.instances(item.source)
        return tuple(name for name in configured if item.instances is None or name in item.instances)

    def target_instance(self) -> str:
        """The one instance that is written to."""
        targets = {entity.target.instance for entity in self.catalog.entities.values()}
        if len(targets) != 1:
            raise SettingsError(f"golden.yaml names {len(targets)} target instances; exactly one is possible.")
        return targets.pop()

    def close(self) -> None:
        """Give the database connections back."""
        if "state" in self.__dict__:
            self.state.close()
        if (database := self.__dict__.get("lake_database")) is not None:
            database.close()
