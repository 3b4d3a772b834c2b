"""Which events there are, how often each happens, and the one place where they happen one at a time.

What an event does is in crm.py and erp.py of this package; when the next is due is up to the ticker of clock.py.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np
import psycopg

from contact_sync.simulator.erp import Erp
from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.life.crm import CrmLife
from contact_sync.simulator.life.erp import ErpLife
from contact_sync.simulator.life.happening import Happening
from contact_sync.simulator.objects import ObjectStore
from contact_sync.simulator.population import Population
from contact_sync.simulator.population.trade_show import file_name, make_scans, to_csv
from contact_sync.simulator.salesforce.instance import SalesforceInstance

_LOG = logging.getLogger(__name__)
_FILE_ROWS = 20
Touched = tuple[str, ...]


class Life:
    """The living population. `happen(name)` makes one event happen, `happen()` one drawn by its weight."""

    def __init__(
        self,
        *,
        seed: int,
        population: Population,
        person_of: dict[str, int],
        instances: Mapping[str, SalesforceInstance],
        erp: Erp | None,
        objects: ObjectStore | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._random = np.random.default_rng([seed, 5])
        self._population = population
        self._person_of = person_of
        self._objects = objects
        self._clock = clock
        self._file_number = len(population.files)
        self._lock = threading.Lock()
        self._events: dict[str, tuple[float, Callable[[], Touched]]] = {}
        self.happened = 0
        for name, instance in instances.items():
            self._add_crm_events(name, CrmLife(self._random, instance, population.society, person_of))
        if erp is not None:
            self._add_erp_events(ErpLife(self._random, erp, clock))
        if objects is not None:
            self._events["drop_file"] = (0.3, self._drop_file)

    @property
    def names(self) -> tuple[str, ...]:
        """The events of this world, for example `core.edit_contact`, `erp.place_order`, `drop_file`."""
        return tuple(self._events)

    def happen(self, name: str | None = None) -> Happening:
        """Make an event happen now."""
        with self._lock:
            chosen = name or self._draw()
            if chosen not in self._events:
                raise SimulatorError(f"There is no event '{chosen}'. The events are: {', '.join(self._events)}.")
            _, event = self._events[chosen]
            happening = Happening(chosen, self._clock(), event())
            self.happened += 1
            return happening

    def beat(self) -> None:
        """One event for the ticker; an event in a database that is down does not happen."""
        try:
            self.happen()
        except psycopg.OperationalError:
            _LOG.warning("An event of the ERP did not happen, its database is down.")

    def _draw(self) -> str:
        weights = np.array([weight for weight, _ in self._events.values()])
        return list(self._events)[int(self._random.choice(len(weights), p=weights / weights.sum()))]

    def _add_crm_events(self, name: str, crm: CrmLife) -> None:
        share = 1.0 if name == "core" else 0.3
        for weight, event in (
            (6, crm.edit_contact),
            (2, crm.edit_account),
            (2, crm.change_job),
            (1, crm.move),
            (2, crm.add_duplicate),
            (2, crm.add_lead),
            (2, crm.open_case),
            (1, crm.advance_opportunity),
            (0.3, crm.delete_contact),
        ):
            self._events[f"{name}.{event.__name__}"] = (weight * share, event)

    def _add_erp_events(self, erp: ErpLife) -> None:
        for weight, event in ((3, erp.change_contact), (1, erp.change_customer), (4, erp.place_order)):
            self._events[f"erp.{event.__name__}"] = (weight, event)

    def _drop_file(self) -> Touched:
        """A scanner app exports a show."""
        if self._objects is None:
            raise SimulatorError("This world has no object store.")
        number, now = self._file_number, self._clock()
        self._file_number += 1
        people = self._random.integers(len(self._population.society.people), size=_FILE_ROWS)
        scans = make_scans(self._random, self._population.society, people, number=number, day=now)
        key = file_name(number, now)
        self._objects.drop(key, to_csv(scans))
        badges = [f"drops__trade_show/main/{badge}" for badge in scans["badge_id"]]
        self._person_of.update(zip(badges, people.tolist(), strict=True))
        return (key,)
