"""What becomes of the rows of a plan: exactly they are written, and each of them is accounted for."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from contact_sync.connectors.target import JobState, JobStatus, Operation
from contact_sync.errors import ActivationError, SourceUnreachableError, StalePlanError
from contact_sync.state.writes import INTENT, Lane
from contact_sync.sync.apply import Applier, ApplyReport
from contact_sync.sync.outcomes import AMBIGUOUS
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, NOW, OBJECTS, ApplyBench, plan_of

RUNNING = JobStatus(state=JobState.RUNNING)
STAMP = ("stamp", "003A", {EXTERNAL_ID: "per_A"})
UPDATE = ("update", "003B", {"Phone": "2", "MailingCity": "#N/A"})
CREATE = ("create", "per_C", {"LastName": "Lee", "Phone": "3"})


@pytest.fixture
def bench() -> Iterator[ApplyBench]:
    """A target with three records."""
    bench = ApplyBench()
    bench.target.records = {name: {"Phone": "1", "MailingCity": "B"} for name in ("003A", "003B", "003X")}
    yield bench
    bench.close()


def tally(report: ApplyReport) -> dict[str, tuple[int, int, int, int, int]]:
    """stage -> planned, written, refused, unprocessed, skipped."""
    return {
        stage.stage: (stage.planned, stage.written, stage.refused, stage.unprocessed, stage.skipped)
        for stage in report.stages
    }


def test_exactly_the_planned_values_are_written(bench: ApplyBench) -> None:
    """Each row once, each field of it, a clear as a clear; everything else stays as it is."""
    report = bench.apply(plan_of(STAMP, UPDATE, CREATE))

    assert {
        "003A": {"Id": "003A", "Phone": "1", "MailingCity": "B", EXTERNAL_ID: "per_A"},
        "003B": {"Id": "003B", "Phone": "2", "MailingCity": None},
        "003X": {"Phone": "1", "MailingCity": "B"},
        "new-per_C": {EXTERNAL_ID: "per_C", "LastName": "Lee", "Phone": "3"},
    } == bench.target.records
    assert {"003A": 1, "003B": 1, "new-per_C": 1} == dict(bench.target.writes)
    assert dict.fromkeys(("stamp", "update", "create"), (1, 1, 0, 0, 0)) == tally(report)
    assert (3, 3, 0) == (report.planned, report.written, report.refused)
    assert [0, 0, 1] == [stage.created for stage in report.stages]


def test_counts_of_the_target_frame_the_application(bench: ApplyBench) -> None:
    """The target has grown by exactly what was created."""
    report = bench.apply(plan_of(UPDATE, CREATE))

    assert (
        {"salesforce__account": 3, "salesforce__contact": 3},
        {"salesforce__account": 4, "salesforce__contact": 4},
    ) == (
        report.counts_before,
        report.counts_after,
    )


def test_creates_are_upserts_by_key_and_the_rest_updates_by_id(bench: ApplyBench) -> None:
    """A create that is sent twice finds the record it made; an update can never create."""
    bench.apply(plan_of(CREATE, UPDATE, STAMP))

    assert [(Operation.UPDATE, "Id"), (Operation.UPDATE, "Id"), (Operation.UPSERT, EXTERNAL_ID)] == [
        (job.operation, job.key) for job in bench.target.jobs.values()
    ]


def test_applying_again_writes_nothing(bench: ApplyBench) -> None:
    """What is done is skipped, refused rows included."""
    bench.target.refusals["003A"] = "STRING_TOO_LONG"
    bench.apply(plan_of(STAMP, UPDATE, CREATE))
    jobs, writes = len(bench.target.jobs), dict(bench.target.writes)

    assert dict.fromkeys(("stamp", "update", "create"), (1, 0, 0, 0, 1)) == tally(
        bench.apply(plan_of(STAMP, UPDATE, CREATE))
    )
    assert (jobs, writes) == (len(bench.target.jobs), dict(bench.target.writes))


def test_a_released_row_is_sent_again_by_the_same_plan(bench: ApplyBench) -> None:
    """Nothing but the org's rule has changed, so that the new plan is the old one: only the released row is sent."""
    bench.target.refusals["003B"] = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert 1 == bench.apply(plan_of(UPDATE, CREATE)).refused
    bench.target.refusals.clear()
    bench.ledger.release(["FIELD_CUSTOM_VALIDATION_EXCEPTION"])

    assert {"update": (1, 1, 0, 0, 0), "create": (1, 0, 0, 0, 1)} == tally(bench.apply(plan_of(UPDATE, CREATE)))


@pytest.mark.parametrize("seed", range(5))
def test_results_are_joined_by_row_whatever_their_order(seed: int) -> None:
    """Results come shuffled: each refusal is noted for the row it belongs to."""
    bench = ApplyBench(seed)
    rows = [("update", f"003{number:02}", {"Phone": "2"}) for number in range(20)]
    bench.target.records = {row_key: {} for _, row_key, _ in rows}
    bench.target.refusals = {"00303": "STRING_TOO_LONG", "00317": "INVALID_EMAIL_ADDRESS"}
    report = bench.apply(plan_of(*rows))
    kept = {row["row_key"]: row["code"] for row in bench.ledger.refusals().to_pylist()}
    bench.close()

    assert bench.target.refusals == kept
    assert {"update": (20, 18, 2, 0, 0)} == tally(report)
    assert {"STRING_TOO_LONG": 1, "INVALID_EMAIL_ADDRESS": 1} == dict(report.stages[0].codes)


def test_rows_left_alone_are_sent_again_in_a_smaller_job(bench: ApplyBench) -> None:
    """A row the target left alone is neither written nor refused; after a pause only it is sent again."""
    bench.target.lost = {"003B"}
    report = bench.apply(plan_of(STAMP, UPDATE))

    assert {"stamp": (1, 1, 0, 0, 0), "update": (1, 1, 0, 0, 0)} == tally(report)
    assert ([0, 1], {"003A": 1, "003B": 1}) == ([one.retried for one in report.stages], dict(bench.target.writes))
    assert 1 == len(bench.slept)


def test_only_locked_rows_are_sent_again_and_in_ever_smaller_jobs() -> None:
    """Jobs of 30,000, then of at most 10,000 and 2,000 rows, and nobody else is written twice."""
    bench = ApplyBench(rows_per_job=30_000)
    rows = [("update", f"003{number:05}", {"Phone": "2"}) for number in range(30_000)]
    bench.target.records = {row_key: {} for _, row_key, _ in rows}
    bench.target.passing.update({f"003{number:05}": 1 + number % 2 for number in range(12_000)})
    report = bench.apply(plan_of(*rows))

    assert [30_000, 10_000, 2_000, 2_000, 2_000, 2_000] == [len(job.rows) for job in bench.target.jobs.values()]
    assert {"update": (30_000, 30_000, 0, 0, 0)} == tally(report)
    assert {1} == set(bench.target.writes.values())
    assert (18_000, {}) == (report.stages[0].retried, dict(report.stages[0].codes))


@pytest.mark.parametrize("has_started", [False, True])
def test_an_upload_without_an_answer_is_given_up_if_it_has_not_started(
    bench: ApplyBench, monkeypatch: pytest.MonkeyPatch, *, has_started: bool
) -> None:
    """A job that is still open is aborted, and its rows go with another one; of any other the results are read."""
    lost = iter([True])

    def upload(job_id: str, rows: pa.Table) -> None:
        bench.target.send(job_id, rows)
        is_lost = next(lost, False)
        if has_started or not is_lost:
            bench.target.start(job_id)
        if is_lost:
            raise SourceUnreachableError("no answer")

    monkeypatch.setattr(bench.target, "upload", upload)
    stage = bench.apply(plan_of(UPDATE)).stages[0]

    finished = [JobState.FINISHED] if has_started else [JobState.ABORTED, JobState.FINISHED]
    assert finished == [job.state for job in bench.target.jobs.values()]
    assert (1, not has_started, {"003B": 1}) == (stage.written, stage.retried, dict(bench.target.writes))


def test_an_org_that_takes_no_upload_is_told(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some jobs the rows are left for the next application, with the reason."""

    def upload(*_: object) -> None:
        raise SourceUnreachableError("no answer")

    monkeypatch.setattr(bench.target, "upload", upload)
    stage = bench.apply(plan_of(UPDATE)).stages[0]

    assert (1, {"UPLOAD_LOST": 1}) == (stage.unprocessed, dict(stage.codes))
    assert {JobState.ABORTED} == {job.state for job in bench.target.jobs.values()}
    assert set() == bench.finished()


def test_a_lock_that_does_not_pass_is_no_verdict_on_the_row(bench: ApplyBench) -> None:
    """After three more tries the row is left for the next plan, as it is; no other row is held up."""
    bench.target.refusals = {"003B": "UNABLE_TO_LOCK_ROW"}
    report = bench.apply(plan_of(UPDATE, ("update", "003X", {"Phone": "2"})))
    assert {"update": (2, 1, 0, 1, 0)} == tally(report)
    assert (3, {"UNABLE_TO_LOCK_ROW": 1}) == (report.stages[0].retried, dict(report.stages[0].codes))
    assert 0 == bench.ledger.refusals().num_rows

    bench.target.refusals = {}
    assert {"update": (2, 1, 0, 0, 1)} == tally(bench.apply(plan_of(UPDATE, ("update", "003X", {"Phone": "2"}))))


def test_a_job_that_is_refused_as_a_whole_is_an_error(bench: ApplyBench) -> None:
    """The same rows in another job would be refused for the same reason: they are left, and the reason is told."""
    bench.target.hopeless = {"update"}
    with pytest.raises(ActivationError, match=r"salesforce__contact refused job 7500 .* as a whole: InvalidBatch"):
        bench.apply(plan_of(UPDATE))

    bench.target.hopeless = set()
    assert {"update": (1, 1, 0, 0, 0)} == tally(bench.apply(plan_of(UPDATE)))


def test_results_that_are_not_those_counted_are_read_again(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result file that lacks a row: the target's own count shows it."""
    real = bench.target.results
    readings: list[int] = []

    def cut(job_id: str, key: str) -> Iterator[pa.Table]:
        readings.append(1)
        yield from (table.slice(len(readings) < 3) for table in real(job_id, key=key))

    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "results", cut)
        assert {"update": (1, 1, 0, 0, 0)} == tally(bench.apply(plan_of(UPDATE)))
        readings.clear()
        patch.setattr(bench.target, "results", lambda job_id, key: iter(()))
        with pytest.raises(ActivationError, match="1 rows were sent, 1 taken up and 0 of them refused; the results"):
            bench.apply(plan_of(UPDATE), "plan-2")

    assert [1, {"003B": 2}] == [bench.apply(plan_of(UPDATE), "plan-2").recovered_jobs, dict(bench.target.writes)]


def test_a_result_of_a_row_that_was_not_sent_is_an_error(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that cannot be joined are not taken for rows left alone; nothing is noted, and no value is told."""
    real = bench.target._write
    monkeypatch.setattr(
        bench.target, "_write", lambda job, row: real(job, {**row, "Id": "003a"} if row["Id"] == "003A" else row)
    )
    with pytest.raises(ActivationError, match="1 results belong to none of them") as error:
        bench.apply(plan_of(STAMP, ("stamp", "003B", {EXTERNAL_ID: "per_B"})))

    assert "per_A" not in str(error.value)
    assert ["sent"] == [job.state for job in bench.ledger.unsettled()]


@pytest.mark.parametrize(("rows_per_job", "most_rows"), [(3, 9), (9, 3)])
def test_a_big_stage_takes_several_jobs(rows_per_job: int, most_rows: int) -> None:
    """Seven rows in jobs of three, because the catalog or the size of a file wants it: each row in one of them."""
    bench = ApplyBench(rows_per_job=rows_per_job)
    bench.target.most_rows = most_rows
    rows = [("update", f"003{number}", {"Phone": "2"}) for number in range(7)]
    report = bench.apply(plan_of(*rows))
    bench.close()

    assert [3, 3, 1] == [len(job.rows) for job in bench.target.jobs.values()]
    assert ({row_key: 1 for _, row_key, _ in rows}, {"update": (7, 7, 0, 0, 0)}) == (
        dict(bench.target.writes),
        tally(report),
    )


def test_companies_are_written_before_people(bench: ApplyBench) -> None:
    """A contact can refer to the account that the same plan creates."""
    people = plan_of(CREATE)
    companies = plan_of(("create", "com_1", {"Name": "Acme"}), entity="account")
    with pytest.raises(StalePlanError, match="not in order"):
        bench.apply(pa.concat_tables([companies, people, companies]))
    report = bench.apply(pa.concat_tables([companies, people]), "plan-2")
    told = [(stage.entity, stage.stage) for stage in report.stages]

    assert [("account", "create"), ("contact", "create")] == told
    assert ["Account", "Contact"] == [job.object_name for job in bench.target.jobs.values()][-2:]


def test_a_job_that_never_ends_is_left_for_the_next_application(
    bench: ApplyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time-out nothing is concluded; the next application reads the results and does not write again."""
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "wait", lambda job_id, timeout_seconds: RUNNING)
        with pytest.raises(ActivationError, match="has not ended after 1800 seconds"):
            bench.apply(plan_of(UPDATE))

    report = bench.apply(plan_of(UPDATE))
    assert (1, {"update": (1, 0, 0, 0, 1)}) == (report.recovered_jobs, tally(report))
    assert {"003B": 1} == dict(bench.target.writes)


def test_a_job_that_the_target_has_forgotten_blocks_nothing(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days after a crash nobody knows what it did: its rows wait until the target was read, and the others go on."""
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "upload", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(UPDATE))
    bench.target.forgotten = {"7500"}

    report = bench.apply(plan_of(UPDATE, CREATE))

    assert {"update": (1, 0, 0, 0, 1), "create": (1, 1, 0, 0, 0)} == tally(report)
    assert {AMBIGUOUS: 1} == dict(report.recovered.codes)
    assert [] == bench.ledger.unsettled()


def interrupted(*_: object, **__: object) -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


def test_jobs_of_another_instance_are_left_alone(bench: ApplyBench) -> None:
    """Recovery settles only what belongs to its own target."""
    bench.ledger.plan_job(
        plan_id="x",
        stage="update",
        instance="emea",
        object_name="salesforce__contact",
        target_object="Contact",
        operation="update",
        key_field="Id",
        lane=Lane.BULK,
        intents=INTENT.empty_table(),
        began_at=NOW,
    )

    assert 0 == bench.apply(plan_of(UPDATE)).recovered_jobs
    assert ["emea"] == [job.instance for job in bench.ledger.unsettled()]


def test_rows_of_another_plan_are_not_written(bench: ApplyBench) -> None:
    """A plan that was published after this one was looked at has not passed the same checks."""
    applier = Applier(
        target=bench.target, instance="core", ledger=bench.ledger, entities=bench.entities, objects=OBJECTS
    )
    with pytest.raises(StalePlanError, match="Another plan has taken the place of plan-1; no row of it was written"):
        applier.apply([plan_of(UPDATE, plan_id="plan-2")], "plan-1")

    assert {} == dict(bench.target.writes)


def test_writes_of_an_earlier_plan_make_a_later_one_stale(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows may be among those that were open when it was made: they are settled, and nothing is written twice."""
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(UPDATE))
    with pytest.raises(StalePlanError, match="Writes of plan plan-1 were still open when plan plan-2 was made"):
        bench.apply(plan_of(UPDATE), "plan-2")

    assert ([], {"003B": 1}) == (bench.ledger.unsettled(), dict(bench.target.writes))


def test_a_job_that_somebody_aborted_is_not_sent_again(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gave it up in the target has a reason."""
    monkeypatch.setattr(bench.target, "start", bench.target.abort)
    with pytest.raises(ActivationError, match="Somebody has aborted job 7500"):
        bench.apply(plan_of(UPDATE))

    assert 1 == len(bench.target.jobs)


def test_refusals_that_are_found_after_a_crash_are_told(bench: ApplyBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were sent by the application before; this one settles them, and says so."""
    bench.target.refusals["003B"] = "STRING_TOO_LONG"
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(UPDATE))
    report = bench.apply(plan_of(UPDATE))

    assert (1, 1, {"STRING_TOO_LONG": 1}) == (report.refused, report.recovered_jobs, dict(report.recovered.codes))
    assert {"update": (1, 0, 0, 0, 1)} == tally(report)


def test_a_job_of_an_entity_that_has_left_the_catalog_is_settled(
    bench: ApplyBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How the target is asked about it is in the ledger."""
    with monkeypatch.context() as patch:
        patch.setattr(bench.target, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.apply(plan_of(CREATE))
    del bench.entities["contact"]
    report = bench.apply(plan_of())

    assert ([], 1, 1) == (bench.ledger.unsettled(), report.recovered_jobs, report.written)
