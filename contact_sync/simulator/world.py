"""A whole world: every simulated system over one population, started and stopped together.

Only the order of starting and stopping is decided here, and which settings lead a client to the systems.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from contact_sync.simulator.clock import Clock, Ticker
from contact_sync.simulator.erp import Erp
from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.life import Life
from contact_sync.simulator.objects import ObjectStore
from contact_sync.simulator.population import Population, generate
from contact_sync.simulator.population.currencies import with_currencies
from contact_sync.simulator.population.trade_show import to_csv
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance

INSTANCES = ("core", "emea")


@dataclass(frozen=True)
class Credentials:
    """Fixed credentials for a world; what is None is made up at each start."""

    client_id: str | None = None
    client_secret: str | None = None
    erp_password: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


class World:
    """Running systems. Make one with `World.start`; stop it with `stop` or as a context manager."""

    def __init__(
        self,
        home: Path,
        *,
        seed: int,
        contacts: int,
        accounts: int,
        instances: tuple[str, ...],
        as_of: datetime | None,
        page_size: int,
        credentials: Credentials,
        features: Mapping[str, Features],
    ) -> None:
        self.home = home.resolve()
        self.clock = Clock(as_of)
        self._seed = seed
        self._page_size = page_size
        self._credentials = credentials
        self._features = features
        self._running = contextlib.ExitStack()
        self._lock = _lock(self.home)
        self.population: Population = generate(
            seed=seed, contacts=contacts, accounts=accounts, as_of=self.clock(), instances=instances
        )
        self.person_of: dict[str, int] = dict(self.population.person_of)
        self.company_of: dict[str, int] = dict(self.population.company_of)
        self._orgs: dict[str, SalesforceInstance] = {}
        self.erp: Erp | None = None
        self.objects: ObjectStore | None = None

    @classmethod
    def start(
        cls,
        home: Path,
        *,
        seed: int = 7,
        contacts: int = 20_000,
        accounts: int = 4_000,
        instances: tuple[str, ...] = INSTANCES,
        erp: bool = True,
        objects: bool = True,
        as_of: datetime | None = None,
        page_size: int = 5_000,
        credentials: Credentials | None = None,
        features: Mapping[str, Features] | None = None,
    ) -> World:
        """Start every system and return when all answer; files go below `home/simulator`, the population is paused.

        features: what orgs have switched on, by instance.
        """
        world = cls(
            home,
            seed=seed,
            contacts=contacts,
            accounts=accounts,
            instances=instances,
            as_of=as_of,
            page_size=page_size,
            credentials=credentials or Credentials(),
            features=features or {},
        )
        try:
            world._start(with_erp=erp, with_objects=objects)
        except BaseException:
            world.stop()
            raise
        return world

    def _start(self, *, with_erp: bool, with_objects: bool) -> None:
        directory = self.home / "simulator"
        for name in self.population.orgs:
            self._orgs[name] = self._start_org(name, directory / "salesforce" / name)
        if with_erp:
            self.erp = Erp(directory / "erp", password=self._credentials.erp_password)
            self._running.callback(self.erp.stop)
            self.erp.start(self.population.erp.tables)
        if with_objects:
            self.objects = ObjectStore(
                access_key_id=self._credentials.access_key_id, secret_access_key=self._credentials.secret_access_key
            )
            self._running.callback(self.objects.stop)
            self.objects.start({key: to_csv(columns) for key, columns in self.population.files.items()})
        self.life = Life(
            seed=self._seed,
            population=self.population,
            person_of=self.person_of,
            instances=self._orgs,
            erp=self.erp,
            objects=self.objects,
            clock=self.clock,
        )
        self.ticker = Ticker(self.life.beat)
        self._running.callback(self.ticker.stop)

    def _start_org(self, name: str, directory: Path) -> SalesforceInstance:
        features = self._features.get(name, Features())
        instance = SalesforceInstance(
            name,
            directory,
            clock=self.clock,
            client_id=self._credentials.client_id,
            client_secret=self._credentials.client_secret,
            page_size=self._page_size,
            features=features,
        )
        self._running.callback(instance.stop)
        objects = self.population.orgs[name].objects
        if features.currencies:
            objects = with_currencies(objects, [one.iso_code for one in features.currencies], seed=self._seed)
        for object_name, columns in objects.items():
            instance.store.load(object_name, columns)
        instance.start()
        return instance

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the Salesforce orgs."""
        return tuple(self._orgs)

    def org(self, name: str) -> SalesforceInstance:
        """A Salesforce org by name."""
        if name not in self._orgs:
            raise SimulatorError(
                f"There is no Salesforce instance '{name}'. The instances are: {', '.join(self._orgs)}."
            )
        return self._orgs[name]

    def settings(self) -> dict[str, str]:
        """Environment variables that lead contact_sync to these systems."""
        settings: dict[str, str] = {}
        for instance in self._orgs.values():
            settings |= instance.settings()
        if self.erp is not None:
            settings["CONTACT_SYNC_ERP__MAIN__URL"] = self.erp.url
        if self.objects is not None:
            settings |= _s3_settings(self.objects)
        return settings

    def outage(self, system: str, is_down: bool) -> None:  # noqa: FBT001 - reads as a switch: outage("core", True)
        """Make a Salesforce instance, or `erp`, unreachable or reachable again."""
        if system == "erp" and self.erp is not None:
            self.erp.outage(is_down)
        else:
            self.org(system).outage(is_down)

    def stop(self) -> None:
        """Stop everything; no process, thread or file of the world is left."""
        self._running.close()
        shutil.rmtree(self.home / "simulator", ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _s3_settings(objects: ObjectStore) -> Mapping[str, str]:
    return {
        "CONTACT_SYNC_S3__ENDPOINT": objects.endpoint,
        "CONTACT_SYNC_S3__BUCKET": objects.bucket,
        "CONTACT_SYNC_S3__ACCESS_KEY_ID": objects.access_key_id,
        "CONTACT_SYNC_S3__SECRET_ACCESS_KEY": objects.secret_access_key,
    }


def _lock(home: Path) -> IO[str]:
    """Hold a home against a second simulator; the operating system lets go of it even after a crash."""
    home.mkdir(parents=True, exist_ok=True)
    file = (home / "simulator.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise SimulatorError(
            f"A simulator already runs in {home} (process {holder}). Stop it, or choose another directory."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
