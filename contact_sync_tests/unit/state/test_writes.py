"""The ledger of writes: what is noted survives, what is repeated changes nothing, what cannot be joined is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contact_sync.errors import ActivationError
from contact_sync.state.database import REFUSED_WRITE, StateDatabase
from contact_sync.state.writes import Intent, Outcome, WriteJob, WriteLedger

TWO = [Intent(plan_row_id=f"p/{key}", row_key=key, value_hash=f"hash of {key}") for key in ("a", "b")]


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


def planned(ledger: WriteLedger, intents: list[Intent] = TWO, plan_id: str = "p") -> WriteJob:
    """A job that was noted just now."""
    number = ledger.plan_job(
        plan_id=plan_id, stage="update", instance="core", object_name="salesforce__contact", intents=intents
    )
    return next(job for job in ledger.unsettled() if job.job_number == number)


WRITTEN = Outcome(row_key="a", outcome="written", record_id="003A")
REFUSED = Outcome(row_key="b", outcome="refused", code="STRING_TOO_LONG", message="too long")


def test_a_job_goes_from_planned_to_settled(ledger: WriteLedger) -> None:
    """Its state and id are those noted last; settled or dropped, it is not open any more."""
    job = planned(ledger)
    assert ("planned", None, 2) == (job.state, job.job_id, job.row_count)
    ledger.note(job.job_number, "created", job_id="7501")
    ledger.note(job.job_number, "sent")
    assert [("sent", "7501")] == [(one.state, one.job_id) for one in ledger.unsettled()]
    ledger.settle(job, [WRITTEN, REFUSED])
    dropped = planned(ledger, plan_id="q")
    ledger.note(dropped.job_number, "dropped")

    assert [] == ledger.unsettled()


def test_settling_gives_an_outcome_for_each_row(ledger: WriteLedger) -> None:
    """Rows without a result are unprocessed, and not finished."""
    job = planned(ledger)

    assert {"a": "written", "b": "unprocessed"} == {
        outcome.row_key: outcome.outcome for outcome in ledger.settle(job, [WRITTEN])
    }
    assert {"p/a"} == ledger.finished_rows("p")
    assert set() == ledger.finished_rows("another plan")


def test_settling_again_changes_nothing(ledger: WriteLedger) -> None:
    """After a crash behind the settlement the same results are noted once."""
    job = planned(ledger)
    for _ in range(2):
        ledger.settle(job, [REFUSED, WRITTEN])

    assert {"p/a", "p/b"} == ledger.finished_rows("p")
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


@pytest.mark.parametrize("outcomes", [[WRITTEN, Outcome(row_key="c", outcome="written")], [WRITTEN, WRITTEN]])
def test_results_that_belong_to_no_row_are_an_error(ledger: WriteLedger, outcomes: list[Outcome]) -> None:
    """A foreign result, or a second one for a row: nothing is noted and the job stays open."""
    job = planned(ledger)
    with pytest.raises(ActivationError, match="2 rows were sent, and 1 results"):
        ledger.settle(job, outcomes)

    assert (set(), 1) == (ledger.finished_rows("p"), len(ledger.unsettled()))


def test_a_row_that_is_planned_again_belongs_to_the_new_job(ledger: WriteLedger) -> None:
    """An unprocessed row is sent once more under the same plan row id."""
    ledger.settle(planned(ledger), [WRITTEN])
    again = planned(ledger, [TWO[1]])

    assert 1 == len(ledger.settle(again, [Outcome(row_key="b", outcome="written", record_id="003B")]))
    assert {"p/a", "p/b"} == ledger.finished_rows("p")


def test_a_refusal_is_forgotten_when_the_row_was_taken(ledger: WriteLedger) -> None:
    """Later values of the row were accepted; a row left alone keeps its refusal."""
    ledger.settle(planned(ledger), [WRITTEN, REFUSED])
    ledger.settle(planned(ledger, plan_id="q", intents=[Intent(plan_row_id="q/b", row_key="b", value_hash="x")]), [])
    assert 1 == ledger.refusals().num_rows

    taken = Outcome(row_key="b", outcome="written", record_id="003B")
    ledger.settle(
        planned(ledger, plan_id="r", intents=[Intent(plan_row_id="r/b", row_key="b", value_hash="y")]), [taken]
    )
    assert 0 == ledger.refusals().num_rows


@pytest.mark.parametrize(("code", "left"), [("DUPLICATES_DETECTED", 0), ("DUPLICATE_VALUE", 0), ("STRING_TOO_LONG", 1)])
def test_a_refusal_because_of_another_record_counts_for_a_day(ledger: WriteLedger, code: str, left: int) -> None:
    """The other record may be gone by then: the row is planned again, though its values are the same."""
    refused = Outcome(row_key="b", outcome="refused", code=code, message="")
    ledger.settle(planned(ledger), [WRITTEN, refused])
    noon = datetime.now(UTC)

    assert 1 == ledger.refusals().num_rows == ledger.refusals(now=noon + timedelta(hours=23)).num_rows
    assert left == ledger.refusals(now=noon + timedelta(hours=25)).num_rows


def test_the_message_of_a_refusal_is_kept(ledger: WriteLedger, database: StateDatabase) -> None:
    """Code and message are there for whoever corrects the record."""
    ledger.settle(planned(ledger), [WRITTEN, REFUSED])
    with database.transaction() as connection:
        rows = connection.execute(REFUSED_WRITE.select()).fetchall()

    assert [("STRING_TOO_LONG", "too long")] == [(row.code, row.message) for row in rows]


def test_thousands_of_rows_are_noted(ledger: WriteLedger) -> None:
    """More rows than a database takes parameters in one statement."""
    intents = [Intent(plan_row_id=f"p/{n}", row_key=str(n), value_hash="x") for n in range(12_001)]
    job = planned(ledger, intents)
    outcomes = ledger.settle(job, [Outcome(row_key=str(n), outcome="written", record_id=str(n)) for n in range(12_001)])

    assert 12_001 == len(outcomes) == len(ledger.finished_rows("p"))
