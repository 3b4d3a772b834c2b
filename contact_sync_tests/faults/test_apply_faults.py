"""An application that dies at any effect, against a real Bulk API: one more run writes every row exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contact_sync.connectors.salesforce import SalesforceTarget
from contact_sync.settings import SalesforceInstance as InstanceSettings
from contact_sync.settings import TargetKind
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import WriteLedger
from contact_sync.sync.apply import Applier, ApplyReport
from contact_sync.sync.jobs import WriteJobs
from contact_sync_tests.faults.effects import Effects, Killed
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, OBJECTS, plan_of
from contact_sync_tests.unit.sync.two_sides import CATALOG

JOB = ["plan_job", "create_job", "note", "upload", "_start", "note", "wait", "results", "settle"]
EFFECTS = JOB * 2


@dataclass
class Bench:
    """A plan of one update that is taken, one that is refused, and two creates; on three contacts of its own."""

    org: SalesforceInstance
    database: StateDatabase
    number: int

    def __post_init__(self) -> None:
        """Make the contacts, and forget that they were written."""
        rows = [{"LastName": f"Lee {self.number}", "Phone": "1"}] * 3
        saved = self.org.org.writer.insert("Contact", rows, user_id=self.org.org.user_ids["admin"])
        self.ids = [str(one.id) for one in saved]
        self.keys = [f"per_{self.number}_{letter}" for letter in "ab"]
        self.before = self.org.store.count("Contact")
        self.org.writes.clear()
        self.rows = plan_of(
            ("update", self.ids[0], {"Phone": "2"}),
            ("update", self.ids[1], {"Phone": "3", "Title": "x" * 200}),
            *(("create", key, {"LastName": "New"}) for key in self.keys),
        )

    @property
    def ledger(self) -> WriteLedger:
        """The ledger as a new process opens it."""
        return WriteLedger(self.database)

    def apply(self) -> ApplyReport:
        """Apply the plan as a new process does."""
        settings = InstanceSettings(
            url=self.org.url,
            kind=TargetKind.SIMULATOR,
            client_id=self.org.client_id,
            client_secret=self.org.client_secret,
        )
        with closing(SalesforceTarget("core", settings)) as target:
            applier = Applier(
                WriteJobs(
                    target=target, instance="core", ledger=self.ledger, entities=CATALOG.entities, objects=OBJECTS
                )
            )
            return applier.apply(self.rows, "plan-1")

    def created(self) -> list[str]:
        """Ids of the records with the keys that were to be created."""
        found = self.org.store.records("Contact", f'"{EXTERNAL_ID}" in (?, ?)', self.keys)
        return [str(record["Id"]) for record in found]

    def assert_all_written_once(self) -> None:
        """The store holds exactly what was planned, each row written once, the refused one not at all."""
        phones = [(self.org.store.record("Contact", one) or {})["Phone"] for one in self.ids]
        assert ["2", "1", "1"] == phones
        assert 2 == len(self.created())
        assert self.before + 2 == self.org.store.count("Contact")
        assert {self.ids[0]: 1, **dict.fromkeys(self.created(), 1)} == dict(self.org.writes)
        refusals = self.ledger.refusals().to_pylist()
        assert [(self.ids[1], "STRING_TOO_LONG")] == [(row["row_key"], row["code"]) for row in refusals]
        assert set(self.rows["plan_row_id"].to_pylist()) == self.ledger.finished_rows("plan-1")
        assert [] == self.ledger.unsettled()


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceInstance]:
    """A running org; each test has its own contacts in it."""
    instance = SalesforceInstance("core", tmp_path_factory.mktemp("org"), clock=lambda: datetime.now(UTC))
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def bench(org: SalesforceInstance, tmp_path: Path) -> Iterator[Bench]:
    """A plan and nothing applied yet."""
    database = StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield Bench(org, database, org.store.count("Contact"))
    database.close()


def watch(effects: Effects, patch: pytest.MonkeyPatch) -> None:
    """Count everything an application does outside its own memory, but for counting records."""
    for name in ("plan_job", "note", "settle"):
        effects.watch(WriteLedger, name, patch)
    for name in ("create_job", "upload", "_start", "abort", "wait", "results"):
        effects.watch(SalesforceTarget, name, patch)


def test_the_effects_are_all_there_are(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two jobs have exactly these effects in this order; the tests below try each of them."""
    effects = Effects()
    watch(effects, monkeypatch)
    report = bench.apply()

    assert EFFECTS == effects.names
    assert (4, 3, 1) == (report.planned, report.written, report.refused)
    bench.assert_all_written_once()


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fatal", range(1, len(EFFECTS) + 1))
def test_killed_anywhere_one_more_run_completes(bench: Bench, fatal: int, is_after: bool) -> None:
    """Killed before or after the Nth effect: the next run settles what was left and writes the rest, nothing twice."""
    with pytest.MonkeyPatch.context() as patch:
        watch(Effects(fatal=fatal, is_after=is_after), patch)
        with pytest.raises(Killed):
            bench.apply()
    report = bench.apply()

    bench.assert_all_written_once()
    assert [stage.planned for stage in report.stages] == [
        stage.written + stage.refused + stage.unprocessed + stage.skipped for stage in report.stages
    ]


def test_killed_while_recovering_the_run_after_completes(bench: Bench) -> None:
    """Killed with an open job, and again right after that was aborted: the third run writes every row once."""
    for name in ("_start", "abort"):
        with pytest.MonkeyPatch.context() as patch:
            effects = Effects(fatal=1, is_after=name == "abort")
            effects.watch(SalesforceTarget, name, patch)
            with pytest.raises(Killed):
                bench.apply()
    bench.apply()

    bench.assert_all_written_once()


def test_rows_of_a_job_that_failed_as_a_whole_are_written_next_time(bench: Bench) -> None:
    """The org gives a job up without touching a row: its rows are unprocessed, and the next application writes them."""
    bench.org.disturbances.fail_job()
    report = bench.apply()
    assert [(2, 0, 0, 2), (2, 2, 0, 0)] == [
        (stage.planned, stage.written, stage.refused, stage.unprocessed) for stage in report.stages
    ]

    bench.apply()
    bench.assert_all_written_once()


def test_a_refusal_keeps_the_message_in_the_ledger_and_out_of_the_report(bench: Bench) -> None:
    """The report has codes only: messages quote values of records."""
    report = bench.apply()

    assert "xxx" not in str(report.as_json())
    assert {"STRING_TOO_LONG": 1} == dict(report.stages[0].refused_codes)
