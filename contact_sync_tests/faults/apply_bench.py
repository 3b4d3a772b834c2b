"""A plan for contacts of its own in a simulated org, and what must hold once it has been applied."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import Lane, WriteLedger
from contact_sync.sync.plan_table import Stage
from contact_sync_tests.faults.dying_application import Application
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, plan_of


@dataclass
class Bench:
    """A plan of one update that is taken, one that is refused, and two creates; on three contacts of its own.

    stamped: so many more contacts, each of which is stamped and then updated.
    """

    org: SalesforceInstance
    home: Path
    number: int
    stamped: int = 0

    def __post_init__(self) -> None:
        """Make the contacts, and forget that they were written."""
        rows = [{"LastName": f"Lee {self.number}", "Phone": "1"}] * (3 + self.stamped)
        saved = self.org.org.writer.insert("Contact", rows, user_id=self.org.org.user_ids["admin"])
        self.ids = [str(one.id) for one in saved]
        self.keys = [f"per_{self.number}_{letter}" for letter in "ab"]
        self.before = self.org.store.count("Contact")
        self.org.writes.clear()
        self.rows = plan_of(
            ("update", self.ids[0], {"Phone": "2"}),
            ("update", self.ids[1], {"Phone": "3", "LastName": "x" * 200}),
            *(("create", key, {"LastName": "New"}) for key in self.keys),
            *(("stamp", one, {EXTERNAL_ID: f"stamp_{one}"}) for one in self.ids[3:]),
            *(("update", one, {"Phone": "4"}) for one in self.ids[3:]),
            seen_at=datetime.now(UTC),
            seen={one: {"Phone": "1"} for one in self.ids},
        )

    def application(self, lane: Lane = Lane.BULK) -> Application:
        """An application of the plan."""
        return Application.of(self.org, f"sqlite:///{self.state}", self.rows, lane)

    @property
    def state(self) -> Path:
        """Where the operational database is."""
        return self.home / f"state-{self.number}.sqlite"

    def created(self) -> list[str]:
        """Ids of the records with the keys that were to be created."""
        found = self.org.store.records("Contact", f'"{EXTERNAL_ID}" in (?, ?)', self.keys)
        return [str(record["Id"]) for record in found]

    def assert_all_written_once(self) -> None:
        """The store holds exactly what was planned, each row written once, the refused one not at all."""
        phones = [(self.org.store.record("Contact", one) or {})["Phone"] for one in self.ids]
        assert ["2", "1", "1", *["4"] * self.stamped] == phones
        assert 2 == len(self.created())
        assert self.before + 2 == self.org.store.count("Contact")
        twice = dict.fromkeys(self.ids[3:], 2)
        assert {self.ids[0]: 1, **dict.fromkeys(self.created(), 1), **twice} == dict(self.org.writes)
        with closing(StateDatabase(self.application().state_url)) as database:
            ledger = WriteLedger(database)
            refusals = ledger.refusals().to_pylist()
            finished = [
                key
                for stage in Stage
                for key in ledger.finished("plan-1", stage.value, "salesforce__contact").to_pylist()
            ]
            unsettled = ledger.unsettled()
        assert [(self.ids[1], "STRING_TOO_LONG")] == [(row["row_key"], row["code"]) for row in refusals]
        assert set(self.rows["row_key"].to_pylist()) == set(finished)
        assert [] == unsettled
