"""The ledger of writes: what is noted survives, what is repeated changes nothing, what cannot be joined is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.errors import ActivationError
from contact_sync.state.database import REFUSED_WRITE, StateDatabase
from contact_sync.state.writes import INTENT, OUTCOME, Lane, WriteJob, WriteLedger

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def intent(key: str, value_hash: str | None = None) -> dict[str, Any]:
    """A row that a job is to write."""
    return {"row_key": key, "value_hash": value_hash or f"hash of {key}"}


def outcome(key: str, what: str, **values: Any) -> dict[str, Any]:
    """What became of a row."""
    return {"row_key": key, "outcome": what, "is_created": False, **values}


def settled(ledger: WriteLedger, job: WriteJob, outcomes: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Settle a job; row key -> outcome."""
    rows = ledger.settle(job, [pa.Table.from_pylist(list(outcomes), OUTCOME)])
    return dict(zip(rows["row_key"].to_pylist(), rows["outcome"].to_pylist(), strict=True))


def finished(ledger: WriteLedger, plan_id: str = "p") -> set[str]:
    """The rows that are done."""
    return set(ledger.finished(plan_id, "update", "salesforce__contact").to_pylist())


TWO = [intent("a"), intent("b")]
WRITTEN = outcome("a", "written", record_id="003A")
REFUSED = outcome("b", "refused", code="STRING_TOO_LONG", message="too long")
TAKEN = outcome("b", "written", record_id="003B")


@pytest.fixture
def database() -> Iterator[StateDatabase]:
    """An empty operational database."""
    database = StateDatabase("sqlite://")
    yield database
    database.close()


@pytest.fixture
def ledger(database: StateDatabase) -> WriteLedger:
    """A ledger in which nothing is noted."""
    return WriteLedger(database)


def planned(ledger: WriteLedger, intents: Sequence[dict[str, Any]] = TWO, plan_id: str = "p") -> WriteJob:
    """A job that was noted just now."""
    return ledger.plan_job(
        plan_id=plan_id,
        stage="update",
        instance="core",
        object_name="salesforce__contact",
        lane=Lane.BULK,
        intents=pa.Table.from_pylist(list(intents), INTENT),
        began_at=NOON,
    )


def test_a_job_goes_from_planned_to_settled(ledger: WriteLedger) -> None:
    """Its state and id are those noted last; settled or dropped, it is not open any more."""
    job = planned(ledger)
    assert [job] == ledger.unsettled()
    assert ("planned", None, 2, NOON) == (job.state, job.job_id, job.row_count, job.began_at)
    ledger.note(job.job_number, "created", job_id="7501")
    ledger.note(job.job_number, "sent")
    assert [("sent", "7501")] == [(one.state, one.job_id) for one in ledger.unsettled()]
    settled(ledger, job, [WRITTEN, REFUSED])
    dropped = planned(ledger, plan_id="q")
    ledger.note(dropped.job_number, "dropped")

    assert [] == ledger.unsettled()


def test_settling_gives_an_outcome_for_each_row(ledger: WriteLedger) -> None:
    """Rows without a result are unprocessed, and not finished."""
    job = planned(ledger)

    assert {"a": "written", "b": "unprocessed"} == settled(ledger, job, [WRITTEN])
    assert {"a"} == finished(ledger)
    assert set() == finished(ledger, "another plan")


def test_settling_again_changes_nothing(ledger: WriteLedger) -> None:
    """After a crash behind the settlement the same results are noted once."""
    job = planned(ledger)
    for _ in range(2):
        settled(ledger, job, [REFUSED, WRITTEN])

    assert {"a", "b"} == finished(ledger)
    assert [
        {
            "object_name": "salesforce__contact",
            "instance": "core",
            "row_key": "b",
            "stage": "update",
            "value_hash": "hash of b",
            "code": "STRING_TOO_LONG",
        }
    ] == ledger.refusals().to_pylist()


@pytest.mark.parametrize("outcomes", [[WRITTEN, outcome("c", "written")], [WRITTEN, WRITTEN]])
def test_results_that_belong_to_no_row_are_an_error(ledger: WriteLedger, outcomes: list[dict[str, Any]]) -> None:
    """A foreign result, or a second one for a row: nothing is noted and the job stays open."""
    job = planned(ledger)
    with pytest.raises(ActivationError, match="2 rows were sent, and 1 results"):
        settled(ledger, job, outcomes)

    assert (set(), 1) == (finished(ledger), len(ledger.unsettled()))


def test_a_row_that_is_sent_again_is_finished_by_either_job(ledger: WriteLedger) -> None:
    """An unprocessed row is sent once more under the same plan row id."""
    settled(ledger, planned(ledger), [WRITTEN])

    assert {"b": "written"} == settled(ledger, planned(ledger, [TWO[1]]), [TAKEN])
    assert {"a", "b"} == finished(ledger)


def test_a_refusal_is_forgotten_when_the_row_was_taken(ledger: WriteLedger) -> None:
    """Later values of the row were accepted; a row left alone keeps its refusal."""
    settled(ledger, planned(ledger), [WRITTEN, REFUSED])
    settled(ledger, planned(ledger, [intent("b", "x")], "q"), [])
    assert 1 == ledger.refusals().num_rows

    settled(ledger, planned(ledger, [intent("b", "y")], "r"), [TAKEN])
    assert 0 == ledger.refusals().num_rows


def test_a_row_that_could_not_be_sent_is_kept_as_refused(ledger: WriteLedger) -> None:
    """Once, with the newest reason, and told as refusals of the target are."""
    place = {"stage": "update", "instance": "core", "object_name": "salesforce__contact"}
    for reason in ("first", "second"):
        row = {"row_key": "b", "value_hash": reason, "code": "NOT_KEPT", "message": reason}
        ledger.keep_refusals(**place, refused=pa.Table.from_pylist([row]))

    assert [("b", "second", "NOT_KEPT")] == [
        (row["row_key"], row["value_hash"], row["code"]) for row in ledger.refusals().to_pylist()
    ]


def test_jobs_that_ended_long_ago_are_forgotten(ledger: WriteLedger) -> None:
    """A month after, and never one that is still open."""
    settled(ledger, planned(ledger), [WRITTEN])
    planned(ledger, plan_id="q")
    now = datetime.now(UTC)

    assert 0 == ledger.forget_settled(now + timedelta(days=29))
    assert 1 == ledger.forget_settled(now + timedelta(days=31))
    assert (set(), 1) == (finished(ledger), len(ledger.unsettled()))


@pytest.mark.parametrize(("code", "left"), [("DUPLICATES_DETECTED", 0), ("DUPLICATE_VALUE", 0), ("STRING_TOO_LONG", 1)])
def test_a_refusal_because_of_another_record_counts_for_a_day(ledger: WriteLedger, code: str, left: int) -> None:
    """The other record may be gone by then: the row is planned again, though its values are the same."""
    settled(ledger, planned(ledger), [WRITTEN, outcome("b", "refused", code=code, message="")])
    noon = datetime.now(UTC)

    assert 1 == ledger.refusals().num_rows == ledger.refusals(now=noon + timedelta(hours=23)).num_rows
    assert left == ledger.refusals(now=noon + timedelta(hours=25)).num_rows


def test_the_message_of_a_refusal_is_kept(ledger: WriteLedger, database: StateDatabase) -> None:
    """Code and message are there for whoever corrects the record."""
    settled(ledger, planned(ledger), [WRITTEN, REFUSED])
    with database.transaction() as connection:
        rows = connection.execute(REFUSED_WRITE.select()).fetchall()

    assert [("STRING_TOO_LONG", "too long")] == [(row.code, row.message) for row in rows]


def test_thousands_of_rows_are_noted(ledger: WriteLedger) -> None:
    """More rows and refusals than a database takes parameters in one statement."""
    job = planned(ledger, [intent(str(n)) for n in range(12_001)])
    refused = [outcome(str(n), "refused", code="X", message="") for n in range(12_001)]

    assert 12_001 == len(settled(ledger, job, refused)) == len(finished(ledger)) == ledger.refusals().num_rows
    assert 12_001 == len(settled(ledger, job, refused)) == ledger.refusals().num_rows
