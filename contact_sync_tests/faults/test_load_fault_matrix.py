"""Each fault at each request of a load: in the end all is written once and accounted for, in this run or the next one.

The requests are those that a faultless application makes, the faults those that the simulated org knows; both are
enumerated.
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from contact_sync.connectors.salesforce import SalesforceTarget, http
from contact_sync.errors import ActivationError, RequestRefusedError, SourceError
from contact_sync.simulator.salesforce.disturbances import Disturbances
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.troubles import TROUBLES, Locator, Trouble
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import Lane
from contact_sync.sync.apply import ApplyReport
from contact_sync.sync.outcomes import AMBIGUOUS
from contact_sync_tests.faults.apply_bench import Bench
from contact_sync_tests.faults.dying_application import EFFECTS, watch
from contact_sync_tests.faults.effects import Effects, Killed
from contact_sync_tests.faults.trouble_matrix import (
    FOR_EVER,
    HARMLESS,
    Place,
    attempt_all,
    first_of_each,
    other_busy,
    troubles_of,
)

START = ("login", "describe", "query")
JOB = ("bulk_ingest_create", "bulk_ingest_upload", "bulk_ingest_change", "bulk_ingest_state", "bulk_ingest_results")
AT_ONCE = ("composite", "update", "upsert_collection")
MOST_PLACES = 12
WITHOUT_EFFECT = {name for name, one in TROUBLES.items() if one.locator is not Locator.RIGHT}
"""Troubles with results of several pages, of which a load reads none."""
WRITES = {"bulk_ingest_create", "bulk_ingest_upload", "bulk_ingest_change", "update", "upsert_collection"}
INSIDE = {"update"}
"""What is written inside composite requests."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """How a plan is applied. kinds: of requests that it makes. dies: before (False) or after the first effect so named
    of an application before, to which this one is the next. disturbed: what the org does besides. stamped: so many
    contacts are stamped and updated.
    """

    kinds: tuple[str, ...]
    lane: Lane = Lane.BULK
    dies: tuple[str, bool] | None = None
    disturbed: Callable[[Disturbances, Bench], None] = lambda *_: None
    stamped: int = 0


def fail_after_a_row(disturbances: Disturbances, _: Bench) -> None:
    """The first job is given up by the org between its rows."""
    disturbances.fail_job(after_rows=1)


def lock_a_row(disturbances: Disturbances, bench: Bench) -> None:
    """Two rows are locked when they come for the first time."""
    disturbances.lock_rows(keys=[bench.ids[0]])
    disturbances.lock_rows(keys=[bench.keys[0]])


def lose_replies(disturbances: Disturbances, _: Bench) -> None:
    """What was written at once is never answered."""
    for kind in ("composite", "upsert_collection"):
        disturbances.plan(kind, TROUBLES["reset before the reply"])


SCENARIOS = {
    "by jobs": Scenario(kinds=(*START, *JOB)),
    "by a job that fails": Scenario(kinds=(*START, *JOB), disturbed=fail_after_a_row),
    "by jobs with locked rows": Scenario(kinds=(*START, *JOB), disturbed=lock_a_row),
    "at once in several requests": Scenario(kinds=(*START, *AT_ONCE), lane=Lane.DIRECT, stamped=24),
    "at once": Scenario(kinds=(*START, *AT_ONCE), lane=Lane.DIRECT),
    "at once with lost replies": Scenario(kinds=(*START, *AT_ONCE), lane=Lane.DIRECT, disturbed=lose_replies),
    "after a job nobody noted": Scenario(kinds=(*START, *JOB, "bulk_ingest_list"), dies=("create_job", True)),
    "after an open job": Scenario(kinds=(*START, *JOB), dies=("_turn", False)),
    "after a job that was done": Scenario(kinds=(*START, *JOB), dies=("settle", False)),
    "after a write at once": Scenario(kinds=(*START, *AT_ONCE), lane=Lane.DIRECT, dies=("write", True)),
    "after no write at once": Scenario(kinds=(*START, *AT_ONCE), lane=Lane.DIRECT, dies=("write", False)),
}
EACH = [(name, kind) for name, scenario in SCENARIOS.items() for kind in scenario.kinds]
ONCE = [
    *first_of_each(EACH),
    ("at once with lost replies", "query"),
    ("after a job nobody noted", "bulk_ingest_change"),
]
"""Each kind of request in the first scenario that makes it, and those that mean something else in another one."""


class AtOnce(Executor):
    """Does a job of the org before its start is answered, so that each run asks for its state equally often."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Do it."""
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **options))
        return done


@dataclass
class Matrix:
    """An org, in which each case has contacts of its own."""

    home: Path
    org: SalesforceInstance
    empty_state: Path
    asked: dict[str, dict[str, int]] = field(default_factory=dict)
    named: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)

    def begun(self, scenario: Scenario) -> Bench:
        """A plan in the state in which the scenario begins."""
        self.org.disturbances.calm()
        bench = Bench(self.org, self.home, self.org.store.count("Contact"), scenario.stamped)
        shutil.copyfile(self.empty_state, bench.state)
        if scenario.dies is not None:
            name, is_after = scenario.dies
            with pytest.MonkeyPatch.context() as patch:
                watch(Effects(fatal=EFFECTS[scenario.lane].index(name) + 1, is_after=is_after), patch)
                with pytest.raises(Killed):
                    apply(bench, scenario)
        scenario.disturbed(self.org.disturbances, bench)
        return bench

    def counted(self, name: str) -> dict[str, int]:
        """How many requests of each kind a faultless application makes; it ends with everything written once."""
        if name not in self.asked:
            bench = self.begun(SCENARIOS[name])
            requests = self.org.requests.copy()
            self.org.client_names.clear()
            self.org.org.subrequests.clear()
            report = apply(bench, SCENARIOS[name])
            bench.assert_all_written_once()
            assert is_accounted_for(bench, report)
            self.named[name] = set(self.org.client_names)
            self.asked[name] = dict((self.org.requests - requests) + self.org.org.subrequests)
        return self.asked[name]

    def attempt(self, scenario: Scenario, kind: str, name: str, trouble: Trouble, place: Place) -> bool:
        """Apply with a trouble, and once more without: whether then everything is as it is without one."""
        jobs = self.org.org.ingest_jobs
        earlier = set(jobs)
        bench = self.begun(scenario)
        times, after = place
        self.org.disturbances.plan(kind, trouble, times=times, after=after)
        reports = []
        with suppress(SourceError, ActivationError):
            reports.append(apply(bench, scenario))
        has_ended = bool(reports)
        self.org.disturbances.calm()
        if not has_ended or left_alone(reports[0]):
            reports.append(apply(bench, scenario))
        try:
            bench.assert_all_written_once()
        except AssertionError:
            traceback.print_exc(limit=1)
            return False
        is_clean = all(job.state != "Open" for number, job in jobs.items() if number not in earlier)
        is_complete = not left_alone(reports[-1]) and all(is_accounted_for(bench, report) for report in reports)
        return is_complete and is_clean and (has_ended or name not in HARMLESS)


def apply(bench: Bench, scenario: Scenario) -> ApplyReport:
    """Apply the plan, waiting for nothing but the end of a transaction of the org.

    A connection can break while the org is still at it.
    """

    def wait(_: float) -> None:
        with bench.org.store.writing():
            pass

    return bench.application(scenario.lane).run(sleep=wait)


def left_alone(report: ApplyReport) -> int:
    """How many rows are left for another application."""
    return sum(stage.unprocessed for stage in report.stages)


def is_accounted_for(bench: Bench, report: ApplyReport) -> bool:
    """Whether every row of a plan is written, refused, left alone or done before."""
    return bench.rows.num_rows == report.planned and all(stage.is_accounted_for for stage in report.stages)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """One org for all scenarios."""
    with opened(tmp_path_factory.mktemp("matrix")) as matrix:
        yield matrix


@pytest.fixture
def fresh_matrix(tmp_path: Path) -> Iterator[Matrix]:
    """An org of its own: all scenarios together would use up what an org allows in 24 hours."""
    with opened(tmp_path) as matrix:
        yield matrix


@contextmanager
def opened(home: Path) -> Iterator[Matrix]:
    """A matrix with its org, which answers at once."""
    org = SalesforceInstance("core", home / "org", clock=lambda: datetime.now(UTC))
    org.org.executor = AtOnce()  # type: ignore[assignment]  # does the same in less time
    org.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "TIMEOUTS", httpx.Timeout(2.0, read=0.3))
        empty = home / "empty.sqlite"
        StateDatabase(f"sqlite:///{empty}").close()
        yield Matrix(home, org, empty)
    org.stop()


@pytest.mark.parametrize(("name", "scenario"), SCENARIOS.items())
def test_the_scenario_asks_what_it_should(matrix: Matrix, name: str, scenario: Scenario) -> None:
    """A faultless run makes exactly the kinds of requests that the matrix disturbs; all writes name contact_sync."""
    assert set(scenario.kinds) == set(matrix.counted(name))
    assert {(kind, "contact_sync") for kind in WRITES & set(scenario.kinds)} == matrix.named[name]


@pytest.mark.parametrize(("name", "kind"), ONCE)
def test_each_fault_at_each_request(matrix: Matrix, name: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, in the middle of the requests of the kind: everything is written once.

    Of the statuses that say the same, each kind has one here, so that all have their turn; the deep test has them all.
    """
    left_out = other_busy([one for _, one in ONCE].index(kind)) | WITHOUT_EFFECT
    troubles = troubles_of(kind, is_inside=kind in INSIDE, left_out=left_out)
    place = (1, matrix.counted(name)[kind] // 2)
    assert [] == attempt_all(kind, troubles, [place], lambda *case: matrix.attempt(SCENARIOS[name], *case), capsys)


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "kind"), EACH)
def test_each_fault_in_each_scenario(
    fresh_matrix: Matrix, name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At each of the requests of the kind (of many at some), and at all: everything is written once."""
    troubles = troubles_of(kind, is_inside=kind in INSIDE, left_out=WITHOUT_EFFECT)
    count = fresh_matrix.counted(name)[kind]
    places = [*((1, after) for after in range(0, count, 1 + count // MOST_PLACES)), (FOR_EVER, 0)]
    assert [] == attempt_all(kind, troubles, places, lambda *case: fresh_matrix.attempt(SCENARIOS[name], *case), capsys)


def test_a_job_that_the_org_has_forgotten_is_not_repeated(matrix: Matrix) -> None:
    """Its results are lost after it was done: its rows wait until the org was read, no record is written twice."""
    bench = matrix.begun(SCENARIOS["by jobs"])
    matrix.org.disturbances.plan("bulk_ingest_results", TROUBLES["jobs and cursors forgotten"])
    with pytest.raises(RequestRefusedError, match="does not keep job"):
        apply(bench, SCENARIOS["by jobs"])
    report = apply(bench, SCENARIOS["by jobs"])

    assert {AMBIGUOUS: 2} == dict(report.recovered.codes)
    assert [(0, 2), (2, 0)] == [(stage.written, stage.skipped) for stage in report.stages]
    assert dict.fromkeys([bench.ids[0], *bench.created()], 1) == dict(matrix.org.writes)


def test_a_lost_reply_is_ambiguous_when_somebody_else_edits_before_it_is_read(matrix: Matrix) -> None:
    """Nobody knows what they saw: their value stays, the row is refused for a person to look at."""
    bench = matrix.begun(SCENARIOS["at once"])
    org = matrix.org
    org.disturbances.plan("composite", TROUBLES["reset before the reply"])
    find = SalesforceTarget.find

    def edited_before(target: SalesforceTarget, *arguments: Any, **options: Any) -> Any:
        if org.store.record("Contact", bench.ids[0])["Phone"] == "2":  # type: ignore[index]  # it is there
            change = {"Id": bench.ids[0], "Phone": "9"}
            org.org.writer.update("Contact", [change], user_id=org.org.user_ids["rep.one"])
        return find(target, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SalesforceTarget, "find", edited_before)
        update, create = apply(bench, SCENARIOS["at once"]).stages

    assert {AMBIGUOUS: 1, "STRING_TOO_LONG": 1} == dict(update.codes)
    assert (0, 2, 2) == (update.written, update.refused, create.written)
    assert ("9", 2) == (org.store.record("Contact", bench.ids[0])["Phone"], org.writes[bench.ids[0]])  # type: ignore[index]  # it is there
