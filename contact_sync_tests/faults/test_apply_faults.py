"""An application that is killed at any effect, against a real org: one more run writes every row exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL

import pytest

from contact_sync.connectors.salesforce import SalesforceTarget
from contact_sync.connectors.salesforce.ingest import IngestJobs
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.state.writes import Lane
from contact_sync_tests.faults.apply_bench import Bench
from contact_sync_tests.faults.dying_application import EFFECTS, watch
from contact_sync_tests.faults.effects import Effects, Killed

EACH = [(lane, fatal) for lane, effects in EFFECTS.items() for fatal in range(1, len(effects) + 1)]


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
    for owner, name in ((IngestJobs, "_turn"), (SalesforceTarget, "abort")):
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


def test_an_application_loads_only_what_it_needs(bench: Bench) -> None:
    """Neither pandas nor duckdb, each of which would cost a third of a second and tens of megabytes."""
    assert 0 == bench.application().run_without("pandas", "duckdb", "dagster", "dbt")
    bench.assert_all_written_once()
