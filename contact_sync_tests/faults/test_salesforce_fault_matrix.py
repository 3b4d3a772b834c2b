"""Each fault at each request of an extraction: the result is the faultless one, or a clean error and nothing published.

The requests are those that a faultless run makes, the faults those that the simulated org knows; both are enumerated.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contact_sync.connectors.base import Upcoming
from contact_sync.connectors.retry import Clock
from contact_sync.connectors.salesforce import SalesforceClient, SalesforceSource, http
from contact_sync.errors import SourceError
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.schema import FieldSchema
from contact_sync.simulator.salesforce.troubles import Trouble
from contact_sync.state.upkeep import Care
from contact_sync_tests.faults.trouble_matrix import (
    FOR_EVER,
    HARMLESS,
    HARMLESS_IF_REPEATED,
    Place,
    attempt_all,
    first_of_each,
    other_busy,
    settings_of,
    troubles_of,
)
from contact_sync_tests.pipeline.bronze.org_bench import START, catalog_object
from contact_sync_tests.unit.extraction.memory_source import Bench

RECORDS = 130
ITEM = catalog_object("Contact", calculated_hours=1, sweep_hours=1)
FORMULA = FieldSchema("Twice__c", "string", 255, writable=False, formula="{record}.LastName || {record}.LastName")
JOBS = ("bulk_query_create", "bulk_query_state", "bulk_query_results", "bulk_query_result_pages")
FIRST_LOAD = "first load in bulk"
IN_SEQUENCE = "first load in bulk, page after page"
BY_REST = "increment by rest"
ANNOUNCED = "increment announced, upkeep due"
INSIDE = ("describe", "updated", "deleted")
"""What an announced increment asks inside composite requests."""
SCENARIOS = {
    FIRST_LOAD: ("login", "describe", "query", "updated", *JOBS),
    IN_SEQUENCE: ("login", "describe", "query", "updated", *JOBS),
    BY_REST: ("login", "describe", "query", "query_more", "updated", "deleted"),
    ANNOUNCED: ("login", "composite", *INSIDE, "query", *JOBS),
}
"""Scenario -> the kinds of requests that it makes."""
EACH = [(scenario, kind) for scenario, kinds in SCENARIOS.items() for kind in kinds]
ONCE = [
    *first_of_each(EACH),
    *[(ANNOUNCED, kind) for kind in INSIDE],
    (IN_SEQUENCE, "bulk_query_results"),
]
"""Each kind of request in the first scenario that makes it, and those that mean something else in another one."""

Rows = list[tuple[Any, ...]]


@dataclass
class Matrix:
    """An org, a lake as it was before, and what an extraction makes of it when nothing goes wrong."""

    home: Path
    org: SalesforceInstance
    now: datetime
    before: Path
    extract: Callable[[Bench], None]
    clean: Rows
    asked: dict[str, int]
    inside: set[str]
    cases: int = 0

    def attempt(self, kind: str, name: str, trouble: Trouble, place: Place) -> bool:
        """Whether an extraction with a trouble, or a rerun after an error, makes the faultless rows."""
        is_success, rows = self._extracted(kind, trouble, *place)
        return rows == self.clean and (is_success or name not in HARMLESS | HARMLESS_IF_REPEATED)

    def _extracted(self, kind: str, trouble: Trouble, times: int, after: int) -> tuple[bool, Rows]:
        """Whether an extraction with a trouble succeeded, and the rows then; after an error also what a rerun makes."""
        self.cases += 1
        home = self.home / f"case-{self.cases}"
        shutil.copytree(self.before, home)
        with closing(Bench(home, now=self.now, item=ITEM)) as bench:
            held = rows_of(bench)
            self.org.disturbances.plan(kind, trouble, times=times, after=after)
            try:
                self.extract(bench)
                return True, rows_of(bench)
            except SourceError:
                # Published are whole batches only: those before the one that failed.
                assert set(held) <= set(rows_of(bench)) <= set(self.clean)
                self.org.disturbances.calm()
                self.extract(bench)
                return False, rows_of(bench)
            finally:
                self.org.disturbances.calm()
                shutil.rmtree(home, ignore_errors=True)


def rows_of(bench: Bench) -> Rows:
    """Bronze without what depends on the run."""
    return [tuple(row.values()) for row in bench.rows("_record_id", "_version_at", "_is_deleted", "_row_hash")]


def extract(org: SalesforceInstance, bench: Bench, *, is_prepared: bool, rest_rows: int) -> None:
    """Extract with a client that waits for nothing."""
    client = SalesforceClient("core", settings_of(org), clock=Clock(sleep=lambda _: None))
    with closing(client):
        source = SalesforceSource("core", settings_of(org), client=client, page_rows=50, rest_rows=rest_rows)
        if is_prepared:
            since = bench.upkeep.done(ITEM.name, "core").get(Care.DELETIONS)
            source.prepare([Upcoming(item=ITEM, deletions_since=since)])
        bench.extractor.run(ITEM, "core", source)


@pytest.fixture(scope="module", params=SCENARIOS)
def matrix(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """A scenario: what was there before, and how it is extracted."""
    home = tmp_path_factory.mktemp("matrix")
    is_first = request.param in {FIRST_LOAD, IN_SEQUENCE}
    moment = [START]
    org = SalesforceInstance("core", home / "org", clock=lambda: moment[0], page_size=50)
    org.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "TIMEOUTS", http.httpx.Timeout(2.0, read=0.3))
        user = org.org.user_ids["rep.one"]
        org.store.put_field("Contact", FORMULA)
        org.org.limits.query_page = 50
        org.org.limits.result_pages = request.param != IN_SEQUENCE
        people = [{"LastName": f"Person {number}"} for number in range(RECORDS)]
        ids = [str(one.id) for one in org.org.writer.insert("Contact", people, user_id=user)]
        before = home / "before"
        before.mkdir()
        moment[0] = START + timedelta(minutes=15)
        if not is_first:
            with closing(Bench(before, now=moment[0], item=ITEM)) as bench:
                extract(org, bench, is_prepared=False, rest_rows=1_000)
            moment[0] += timedelta(hours=3)
            changes = [{"Id": one, "FirstName": "New"} for one in ids[:60]]
            org.org.writer.update("Contact", changes, user_id=user)
            org.org.writer.hard_delete("Contact", ids[-1])
            moment[0] += timedelta(minutes=1)
        run = partial(
            extract,
            org,
            is_prepared=request.param == ANNOUNCED,
            rest_rows=1_000 if request.param == BY_REST else 50,
        )
        requests = org.requests.copy()
        org.org.subrequests.clear()
        made = Matrix(home, org, moment[0], before, run, [], {}, set())
        clean = home / "clean"
        shutil.copytree(before, clean)
        with closing(Bench(clean, now=moment[0], item=ITEM)) as bench:
            run(bench)
            made.clean = rows_of(bench)
        made.asked = dict((org.requests - requests) + org.org.subrequests)
        made.inside = set(org.org.subrequests)
        yield made
    org.stop()


@pytest.mark.parametrize(("matrix", "kinds"), SCENARIOS.items(), indirect=["matrix"])
def test_the_scenario_asks_what_it_should(matrix: Matrix, kinds: tuple[str, ...]) -> None:
    """The faultless run brings something, and makes exactly the kinds of requests that the matrix disturbs."""
    assert matrix.clean
    assert set(kinds) == set(matrix.asked)


@pytest.mark.parametrize(("matrix", "kind"), ONCE, indirect=["matrix"])
def test_each_fault_at_each_request(matrix: Matrix, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Once, at the last request of the kind, when most is at stake: the faultless rows, or an error and then they.

    Of the statuses that say the same, each kind has one here, so that all have their turn; the deep test has them all.
    """
    left_out = other_busy([one for _, one in ONCE].index(kind))
    troubles = troubles_of(kind, is_inside=kind in matrix.inside, left_out=left_out)
    assert [] == attempt_all(kind, troubles, [(1, matrix.asked[kind] - 1)], matrix.attempt, capsys)


@pytest.mark.deep
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("matrix", "kind"), EACH, indirect=["matrix"])
def test_each_fault_in_each_scenario(matrix: Matrix, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At the first and the last request of the kind, and at all: the faultless rows, or an error and then they."""
    troubles = troubles_of(kind, is_inside=kind in matrix.inside)
    places = [(1, 0), (1, matrix.asked[kind] - 1), (FOR_EVER, 0)]
    assert [] == attempt_all(kind, troubles, places, matrix.attempt, capsys)
