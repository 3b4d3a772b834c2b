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
    rows = ledger.settle(job, ledger.intents(job), [pa.Table.from_pylist(list(outcomes), OUTCOME)])
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
        target_object="Contact",
        operation="update",
        key_field="Id",
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


def refuse(ledger: WriteLedger, code: str, *keys: str, object_name: str = "salesforce__contact") -> None:
    """Keep refusals of rows with a code."""
    rows = [{"row_key": key, "value_hash": f"hash of {key}", "code": code, "message": "secret"} for key in keys]
    refused = pa.Table.from_pylist(rows)
    ledger.keep_refusals(stage="update", instance="core", object_name=object_name, refused=refused)


def test_a_released_row_is_not_finished(ledger: WriteLedger) -> None:
    """The same plan made again has to send it; rows that were written stay done, and so does it once it is taken."""
    settled(ledger, planned(ledger), [WRITTEN, REFUSED])
    assert {"a", "b"} == finished(ledger)

    assert 1 == ledger.release(["STRING_TOO_LONG"])
    assert {"a"} == finished(ledger)
    settled(ledger, planned(ledger, [TWO[1]]), [TAKEN])
    assert {"a", "b"} == finished(ledger)


def test_a_refusal_of_other_values_finishes_nothing(ledger: WriteLedger) -> None:
    """The row was refused by a later plan with other values: the earlier ones may be planned again."""
    settled(ledger, planned(ledger), [WRITTEN, REFUSED])
    settled(ledger, planned(ledger, [intent("b", "other values")], "q"), [REFUSED])

    assert ({"a"}, {"b"}) == (finished(ledger), finished(ledger, "q"))


def test_refusals_are_counted_by_place_and_code(ledger: WriteLedger) -> None:
    """With the time of the oldest, and no value."""
    before = datetime.now(UTC)
    refuse(ledger, "X", "a", "b")
    between = datetime.now(UTC)
    refuse(ledger, "X", "c")
    refuse(ledger, "W", "a", object_name="salesforce__account")
    counts = ledger.refusal_counts()

    assert [("salesforce__account", "core", "update", "W", 1), ("salesforce__contact", "core", "update", "X", 3)] == [
        (one.object_name, one.instance, one.stage, one.code, one.rows) for one in counts
    ]
    assert before <= counts[1].oldest <= between <= counts[0].oldest


@pytest.mark.parametrize(
    ("narrowed", "left"),
    [
        ({}, {"Y"}),
        ({"object_name": "salesforce__account"}, {"X", "Y"}),
        ({"object_name": "salesforce__contact"}, {"Y", "X of account"}),
        ({"instance": "emea"}, {"X", "Y", "X of account"}),
        ({"refused_before": NOON}, {"X", "Y", "X of account"}),
        ({"refused_before": datetime(2126, 1, 1, tzinfo=UTC)}, {"Y"}),
    ],
)
def test_refusals_are_released_by_code(ledger: WriteLedger, narrowed: dict[str, Any], left: set[str]) -> None:
    """All with the code, or only those of an object, an instance or a time; the others stay."""
    refuse(ledger, "X", "X")
    refuse(ledger, "Y", "Y")
    refuse(ledger, "X", "X of account", object_name="salesforce__account")

    assert 3 - len(left) == ledger.release(["X"], **narrowed)
    assert left == set(ledger.refusals()["row_key"].to_pylist())


def test_rows_that_end_forget_their_own_refusals_however_many_there_are(ledger: WriteLedger) -> None:
    """More refusals than the job has rows: those of other rows and of other stages stay."""
    refuse(ledger, "X", "a", "b", "c", "d")
    row = pa.Table.from_pylist([{"row_key": "a", "value_hash": "h", "code": "X", "message": ""}])
    ledger.keep_refusals(stage="create", instance="core", object_name="salesforce__contact", refused=row)
    settled(ledger, planned(ledger), [WRITTEN, TAKEN])

    assert [("create", "a"), ("update", "c"), ("update", "d")] == sorted(
        (row["stage"], row["row_key"]) for row in ledger.refusals().to_pylist()
    )


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
