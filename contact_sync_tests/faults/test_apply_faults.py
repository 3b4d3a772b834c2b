"""An application that is killed at any effect, against a real org: one more run writes every row exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL

import pytest

from contact_sync.connectors.salesforce import SalesforceTarget
from contact_sync.connectors.salesforce.ingest import IngestJobs
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import Lane, WriteLedger
from contact_sync.sync.plan import Stage
from contact_sync_tests.faults.dying_application import EFFECTS, Application, watch
from contact_sync_tests.faults.effects import Effects, Killed
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, plan_of

EACH = [(lane, fatal) for lane, effects in EFFECTS.items() for fatal in range(1, len(effects) + 1)]


@dataclass
class Bench:
    """A plan of one update that is taken, one that is refused, and two creates; on three contacts of its own."""

    org: SalesforceInstance
    home: Path
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
            ("update", self.ids[1], {"Phone": "3", "LastName": "x" * 200}),
            *(("create", key, {"LastName": "New"}) for key in self.keys),
            seen_at=datetime.now(UTC),
        )

    def application(self, lane: Lane = Lane.BULK) -> Application:
        """An application of the plan."""
        return Application.of(self.org, f"sqlite:///{self.home / 'state.sqlite'}", self.rows, lane)

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
        database = StateDatabase(self.application().state_url)
        ledger = WriteLedger(database)
        refusals = ledger.refusals().to_pylist()
        finished = [
            key for stage in Stage for key in ledger.finished("plan-1", stage.value, "salesforce__contact").to_pylist()
        ]
        unsettled = ledger.unsettled()
        database.close()
        assert [(self.ids[1], "STRING_TOO_LONG")] == [(row["row_key"], row["code"]) for row in refusals]
        assert set(self.rows["row_key"].to_pylist()) == set(finished)
        assert [] == unsettled


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SalesforceInstance]:
    """A running org; each test has its own contacts in it."""
    instance = SalesforceInstance("core", tmp_path_factory.mktemp("org"), clock=lambda: datetime.now(UTC))
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def bench(org: SalesforceInstance, tmp_path: Path) -> Bench:
    """A plan and nothing applied yet."""
    return Bench(org, tmp_path, org.store.count("Contact"))


@pytest.mark.parametrize("lane", Lane)
def test_the_effects_are_all_there_are(bench: Bench, monkeypatch: pytest.MonkeyPatch, lane: Lane) -> None:
    """Two stages have exactly these effects in this order; the tests below try each of them."""
    effects = Effects()
    watch(effects, monkeypatch)
    report = bench.application(lane).run()

    assert EFFECTS[lane] == effects.names
    assert (4, 3, 1) == (report.planned, report.written, report.refused)
    bench.assert_all_written_once()


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("lane", "fatal"), EACH)
def test_killed_anywhere_one_more_run_completes(bench: Bench, lane: Lane, fatal: int, *, is_after: bool) -> None:
    """A process killed before or after its Nth effect: the next one settles what was left, and writes the rest once."""
    application = bench.application(lane)
    assert -SIGKILL == application.run_and_die(fatal, is_after=is_after)
    report = application.run()

    bench.assert_all_written_once()
    assert all(stage.is_accounted_for for stage in report.stages)


def test_a_job_whose_id_was_never_noted_is_aborted(bench: Bench) -> None:
    """Killed right after its creation: the next run finds the open job in the org, and leaves none behind."""
    assert -SIGKILL == bench.application().run_and_die(2, is_after=True)
    jobs = bench.org.org.ingest_jobs
    (orphan,) = [job for job in jobs.values() if job.state == "Open"]
    bench.application().run()

    assert "Aborted" == orphan.state
    bench.assert_all_written_once()


def test_killed_while_recovering_the_run_after_completes(bench: Bench) -> None:
    """Killed with an open job, and again right after that was aborted: the third run writes every row once."""
    for owner, name in ((IngestJobs, "_start"), (SalesforceTarget, "abort")):
        with pytest.MonkeyPatch.context() as patch:
            effects = Effects(fatal=1, is_after=name == "abort")
            effects.watch(owner, name, patch)
            with pytest.raises(Killed):
                bench.application().run()
    bench.application().run()

    bench.assert_all_written_once()


@pytest.mark.parametrize("after_rows", [0, 1])
def test_rows_that_a_failed_job_left_alone_are_sent_again(bench: Bench, after_rows: int) -> None:
    """The org gives a job up before or between its rows: what it has not taken up is sent once more, in this run."""
    bench.org.disturbances.fail_job(after_rows=after_rows)
    report = bench.application().run()

    assert (2 - after_rows, 1, 1, 0) == (
        report.stages[0].retried,
        report.stages[0].written,
        report.stages[0].refused,
        report.stages[0].unprocessed,
    )
    bench.assert_all_written_once()


def test_a_refusal_keeps_the_message_in_the_ledger_and_out_of_the_report(bench: Bench) -> None:
    """The report has codes only: messages quote values of records."""
    report = bench.application().run()

    assert "xxx" not in str(report.as_json())
    assert {"STRING_TOO_LONG": 1} == dict(report.stages[0].codes)
