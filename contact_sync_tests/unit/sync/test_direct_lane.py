"""Writes at once: nobody is overwritten unseen, and a reply that was lost is settled by reading, never by guessing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.connectors.target import Operation
from contact_sync.errors import UnknownObjectError
from contact_sync.state.writes import Lane
from contact_sync.sync.outcomes import AMBIGUOUS
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, NOW, ApplyBench, plan_of

UPDATE = ("update", "003B", {"Phone": "2", "MailingCity": "#N/A"})
CREATE = ("create", "per_C", {"LastName": "Lee"})
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def bench() -> Iterator[ApplyBench]:
    """A target with two records, seen at NOW and written five minutes later."""
    bench = ApplyBench(lane=None)
    bench.target.records = {name: {"Phone": "1", "MailingCity": "B"} for name in ("003A", "003B")}
    bench.target.now = LATER
    yield bench
    bench.close()


def edited(bench: ApplyBench, record_id: str, **values: str) -> None:
    """Somebody else changes a record after it was seen."""
    bench.target.records[record_id] |= values
    bench.target.modified[record_id] = (LATER, "user")


def codes(bench: ApplyBench) -> dict[str, str]:
    """Row key -> code of the refusals that are kept."""
    return {row["row_key"]: row["code"] for row in bench.ledger.refusals().to_pylist()}


def test_few_rows_are_written_at_once_and_many_by_a_job(bench: ApplyBench) -> None:
    """Up to 200 rows of a stage, and all of a strict target."""
    few = [("update", f"003{number}", {"Phone": "2"}) for number in range(200)]
    bench.apply(plan_of(*few))
    assert ([(Operation.UPDATE, 200)], {}) == (bench.target.direct_calls, bench.target.jobs)

    many = [*few, ("update", "003X", {"Phone": "2"})]
    bench.apply(plan_of(*many), "plan-2")
    assert [201] == [len(job.rows) for job in bench.target.jobs.values()]
    strict = ApplyBench(lane=Lane.DIRECT)
    strict.apply(plan_of(*many))
    strict.close()
    assert {} == strict.target.jobs


def test_a_record_that_has_changed_since_it_was_seen_is_not_overwritten(bench: ApplyBench) -> None:
    """The row is left for the next plan, which sees the change; it is neither refused nor tried again."""
    edited(bench, "003B", Phone="9")
    stage = bench.apply(plan_of(UPDATE)).stages[0]

    assert (0, 1, 0, {"CHANGED_MEANWHILE": 1}) == (stage.written, stage.unprocessed, stage.retried, dict(stage.codes))
    assert ("9", {}, {}) == (bench.target.records["003B"]["Phone"], dict(bench.target.writes), codes(bench))


STAMP_AND_UPDATE = (("stamp", "003B", {EXTERNAL_ID: "per_B"}), ("update", "003B", {"Phone": "2"}))
SEEN = {"003B": {"Phone": "1"}}
"""What the plan saw in the fields that it updates."""


@pytest.mark.parametrize("stamps", [1, 300], ids=["stamped at once", "stamped by a job"])
@pytest.mark.parametrize("is_edited", [False, True], ids=["", "and edited"])
def test_after_our_own_stamp_an_update_depends_on_what_the_plan_saw(stamps: int, *, is_edited: bool) -> None:
    """A stamp is no change of somebody else; an edit between the reading and the stamp, or after it, is one."""
    bench = ApplyBench(lane=None)
    bench.target.now = LATER
    others = [("stamp", f"004{number}", {EXTERNAL_ID: f"per_{number}"}) for number in range(stamps - 1)]
    bench.target.records = {row_key: {} for _, row_key, _ in others} | {"003B": {"Phone": "1"}}
    if is_edited:
        bench.target.records["003B"]["Phone"] = "9"
        bench.target.modified["003B"] = (NOW, "user")
    report = bench.apply(plan_of(*others, *STAMP_AND_UPDATE, seen=SEEN))
    bench.close()

    assert (stamps + (not is_edited), is_edited) == (report.written, report.stages[-1].unprocessed == 1)
    assert ("9" if is_edited else "2") == bench.target.records["003B"]["Phone"]


def test_killed_between_stamp_and_update_the_next_application_knows_its_own_stamp(
    bench: ApplyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose stamp it was is in the ledger, not in the memory of the process."""
    real = bench.target.write

    def dies(object_name: str, operation: Operation, rows: pa.Table, **options: Any) -> pa.Table:
        if "Phone" in rows.column_names:
            raise KeyboardInterrupt
        return real(object_name, operation, rows, **options)

    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(*STAMP_AND_UPDATE, seen=SEEN))
    report = bench.apply(plan_of(*STAMP_AND_UPDATE, seen=SEEN))

    assert ([1, 0], [0, 1]) == ([one.skipped for one in report.stages], [one.written for one in report.stages])
    assert "2" == bench.target.records["003B"]["Phone"]


def test_a_lost_reply_to_a_write_that_was_made_is_settled_by_reading(bench: ApplyBench) -> None:
    """What the records hold tells that updates and creates were made: each is counted, none is sent again."""
    bench.target.lost_replies = 2
    report = bench.apply(plan_of(UPDATE, CREATE))

    assert [(1, 0), (1, 1)] == [(stage.written, stage.created) for stage in report.stages]
    assert {"003B": 1, "new-per_C": 1} == dict(bench.target.writes)


def test_a_lost_request_is_sent_again(bench: ApplyBench) -> None:
    """Nothing has touched the records since: the rows are sent once more, and written once."""
    bench.target.lost_requests = 1
    report = bench.apply(plan_of(UPDATE))

    assert (1, 1, {"003B": 1}) == (report.written, report.stages[0].retried, dict(bench.target.writes))


def test_a_stamp_is_not_taken_for_an_update_of_the_same_second(bench: ApplyBench) -> None:
    """The update is lost on its way, and the record was last touched by us, in the second that it began: it is made."""
    real = bench.target.write

    def write(*arguments: Any, **options: Any) -> pa.Table:
        bench.target.lost_requests = len(bench.target.direct_calls) == 1
        return real(*arguments, **options)

    bench.target.write = write  # type: ignore[method-assign]  # the second request is lost
    seen = {"003B": {"Phone": "1", "MailingCity": "B"}}
    report = bench.apply(plan_of(("stamp", "003B", {EXTERNAL_ID: "per_B"}), UPDATE, seen=seen))

    assert ([1, 1], [0, 1]) == ([one.written for one in report.stages], [one.retried for one in report.stages])
    assert ("2", {"003B": 2}) == (bench.target.records["003B"]["Phone"], dict(bench.target.writes))


def test_our_value_in_the_form_the_target_gave_it_counts_as_written(bench: ApplyBench) -> None:
    """A trigger has changed what we wrote, and the record was touched by nobody but us since the write began."""
    bench.target.lost_replies = 1
    bench.target.modified["003B"] = (NOW, "user")
    real = bench.target._write

    def coerced(job: Any, row: dict[str, str | None]) -> Any:
        return real(job, {**row, "Phone": "+1 2"})

    bench.target._write = coerced  # type: ignore[method-assign]  # the trigger
    assert 1 == bench.apply(plan_of(UPDATE)).written


def test_what_reading_cannot_tell_is_kept_for_a_person(bench: ApplyBench) -> None:
    """The reply is lost and somebody else has changed the record since: nobody knows whether ours was made before."""
    bench.target.lost_replies = 1
    real = bench.target.write

    def write(*arguments: Any, **options: Any) -> pa.Table:
        results = real(*arguments, **options)
        edited(bench, "003B", Phone="9")
        return results

    bench.target.write = write  # type: ignore[method-assign]  # and the other user
    report = bench.apply(plan_of(UPDATE))

    assert (0, 1, {"003B": AMBIGUOUS}) == (report.written, report.refused, codes(bench))
    assert {"003B": 1} == dict(bench.target.writes)


@pytest.mark.parametrize("was_made", [True, False])
def test_after_a_crash_the_records_are_read(
    bench: ApplyBench, monkeypatch: pytest.MonkeyPatch, *, was_made: bool
) -> None:
    """Killed after or before the request: the next application finds out, and writes only what was not written."""
    real = bench.target.write

    def dies(*arguments: Any, **options: Any) -> pa.Table:
        if was_made:
            real(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(UPDATE))
    report = bench.apply(plan_of(UPDATE))

    assert (1, [not was_made]) == (report.recovered_jobs, [bool(stage.written) for stage in report.stages])
    assert ({"003B": 1}, "2") == (dict(bench.target.writes), bench.target.records["003B"]["Phone"])


def test_the_ledger_holds_no_value(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find out what became of a row its values need not be kept: their hash is."""
    monkeypatch.setattr(bench.target, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.apply(plan_of(("update", "003B", {"Phone": "0131 4960"})))
    (job,) = bench.ledger.unsettled()
    (intent,) = bench.ledger.intents(job).select(["row_key", "fingerprint"]).to_pylist()

    assert "Phone:" == intent["fingerprint"][:6]
    assert "4960" not in str(intent)


def interrupted(*_: object, **__: object) -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


def test_rows_that_cannot_be_sent_are_refused_by_name(bench: ApplyBench) -> None:
    """A value that would be changed on the way, a key that is empty or comes twice: the others are written."""
    rows = [("update", "003A", {"Phone": "2"}), ("update", "003B", {"Phone": " 2"}), ("update", "", {"Phone": "2"})]
    report = bench.apply(plan_of(*rows, ("update", "003C", {"Phone": "3"}), ("update", "003C", {"Phone": "4"})))
    stage = report.stages[0]

    assert (1, 4) == (stage.written, stage.refused)
    assert {"NOT_KEPT": 1, "EMPTY_KEY": 1, "DUPLICATE_KEY": 2} == dict(stage.codes)
    assert {"003B": "NOT_KEPT", "": "EMPTY_KEY", "003C": "DUPLICATE_KEY"} == codes(bench)
    assert {"003A": 1} == dict(bench.target.writes)


def test_an_edit_before_the_write_began_is_no_reason_to_doubt(
    bench: ApplyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has changed the record after it was seen, and we are killed before sending: nothing of ours is there."""
    edited(bench, "003B", Phone="9")
    bench.target.now = LATER + timedelta(minutes=1)
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(UPDATE))
    report = bench.apply(plan_of(UPDATE))

    assert ({"CHANGED_MEANWHILE": 1}, {}) == (dict(report.stages[0].codes), codes(bench))


def test_what_cannot_be_read_any_more_is_kept_for_a_person(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field is gone from the org since the crash: recovery does not fail for ever."""
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(UPDATE))
        patch.setattr(bench.target, "find", gone)
        report = bench.apply(plan_of(UPDATE))

    assert (1, {"003B": AMBIGUOUS}) == (report.refused, codes(bench))


def gone(*_: object, **__: object) -> None:
    """The org does not know the field."""
    raise UnknownObjectError("core refused a request about Contact: INVALID_FIELD.", code="INVALID_FIELD")
