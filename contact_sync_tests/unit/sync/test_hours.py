"""An application of a plan whose targets may be written in certain hours only."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from contact_sync.catalog.model import WriteHours
from contact_sync.state.writes import Lane
from contact_sync_tests.unit.sync.memory_target import ApplyBench, plan_of

CREATE = ("create", "per_C", {"LastName": "Lee", "Phone": "3"})


@pytest.mark.parametrize("lane", list(Lane))
def test_an_application_ends_with_the_hours_of_its_target(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its turn came too late for is left for the next application in these hours, and told by that reason."""
    hours = WriteHours(start=time(11), end=time(13), zone=ZoneInfo("UTC"))
    bench = ApplyBench(lane=lane, hours=hours, rows_per_job=2)
    bench.target.records = {name: {} for name in "abcde"}

    def half_an_hour_for_a_job() -> datetime:
        bench.target.now += timedelta(minutes=31)
        return bench.target.now

    monkeypatch.setattr(bench.target, "time", half_an_hour_for_a_job)
    report = bench.apply(plan_of(*[("update", name, {"Phone": "2"}) for name in "abcde"]))
    bench.close()

    (stage,) = report.stages
    assert (5, 4, 1) == (stage.planned, stage.written, stage.unprocessed)
    assert {"OUTSIDE_HOURS": 1} == dict(stage.codes)
    assert stage.is_accounted_for


def test_children_wait_for_parents_that_came_too_late() -> None:
    """Sent without them, they would be refused; the contacts' own hours do not matter then."""
    bench = ApplyBench()
    over = WriteHours(start=time(11), end=time(12), zone=ZoneInfo("UTC"))
    account = bench.entities["account"]
    bench.entities["account"] = account.model_copy(update={"target": account.target.model_copy(update={"hours": over})})
    parents = plan_of(("create", "com_1", {"Name": "Acme"}), entity="account")
    report = bench.apply(pa.concat_tables([parents, plan_of(CREATE)]))
    bench.close()

    assert [{"OUTSIDE_HOURS": 1}] * 2 == [dict(stage.codes) for stage in report.stages]
    assert {} == bench.target.jobs
