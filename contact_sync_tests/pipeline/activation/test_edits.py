"""People edit both sides after these have agreed: every edit is found, explained, and settled or held with a reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.errors import ContactSyncError, StalePlanError
from contact_sync.lake.published import publish, read_published
from contact_sync.pipeline import activation
from contact_sync.pipeline.bronze import extract
from contact_sync.sync.apply import ApplyReport
from contact_sync.sync.plan import Plan
from contact_sync_tests.pipeline.activation.first_rounds import FirstRounds, refusal
from contact_sync_tests.pipeline.activation.loop import Loop

# One world for both files, so one worker.
pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]


@dataclass
class Edits:
    """What was seen while people edited both sides. Each `*_id` names the contact that was touched."""

    edited_id: str
    deleted_key: str
    literal_id: str
    too_long_id: str
    differences: dict[str, int]
    first_held: dict[str, str]
    stale: ContactSyncError
    behind: ContactSyncError
    interrupted: ContactSyncError
    older: ContactSyncError
    plan: Plan
    planned: set[str]
    waiting: dict[str, int]
    report: ApplyReport
    phone: dict[str, Any]
    next_plan: Plan
    in_the_end: dict[str, int]
    held: dict[str, str]
    planned_around_a_reading: tuple[int, int]


@pytest.fixture(scope="module")
def edits(loop: Loop, first: FirstRounds) -> Edits:
    """Four contacts that agree: a rep edits one and deletes another, the ERP gets two values that cannot be written."""
    chosen = contacts_of_one_erp_record(loop)
    (edited, _, _), (deleted, _, deleted_key), (literal, literal_erp, _), (too_long, too_long_erp, _) = chosen
    org = loop.world.org("core")
    rep = org.org.user_ids["rep.one"]
    org.org.writer.update("Contact", [{"Id": edited, "Phone": "+1 555 0100"}], user_id=rep)
    org.org.writer.delete("Contact", [deleted], user_id=rep)
    differences = loop.reconcile()
    first_held = loop.held()
    change_erp(loop, literal_erp, "street", "#N/A")
    change_erp(loop, too_long_erp, "phone", "5" * 60)

    loop.extract()
    stale = refusal(loop.installation)
    activation.plan(loop.installation)
    behind = refusal(loop.installation)
    plan = loop.plan()
    waiting = loop.reconcile()
    rows = read_published(loop.installation.location, "activation", "plan")
    publish(loop.installation.location, "activation", "plan", rows.slice(1))
    interrupted = refusal(loop.installation)
    older = publish_older_summary(loop)
    activation.plan(loop.installation)
    report = activation.apply(loop.installation)
    return Edits(
        edited_id=edited,
        deleted_key=deleted_key,
        literal_id=literal,
        too_long_id=too_long,
        differences=differences,
        first_held=first_held,
        stale=stale,
        behind=behind,
        interrupted=interrupted,
        older=older,
        plan=plan,
        planned={str(key) for key in rows["row_key"].to_pylist()},
        waiting=waiting,
        report=report,
        phone={"before": first.after["Contact"][edited]["Phone"], "after": loop.records("Contact")[edited]["Phone"]},
        next_plan=loop.plan(),
        in_the_end=loop.reconcile(),
        held=loop.held(),
        planned_around_a_reading=planned_around_a_reading(loop, too_long),
    )


def publish_older_summary(loop: Loop) -> ContactSyncError:
    """Plan as a version did that knew of no fields, and apply that."""
    activation.plan(loop.installation)
    location = loop.installation.location
    (row,) = read_published(location, "activation", "plan_summary").to_pylist()
    summary = {name: value for name, value in json.loads(row["summary"]).items() if name != "fields"}
    publish(location, "activation", "plan_summary", pa.Table.from_pylist([{**row, "summary": json.dumps(summary)}]))
    return refusal(loop.installation)


def planned_around_a_reading(loop: Loop, too_long: str) -> tuple[int, int]:
    """How much is planned when that refused row is ambiguous, and after the target has been read again."""
    ledger = loop.installation.writes
    (refused,) = (row for row in ledger.refusals().to_pylist() if row["row_key"] == too_long)
    place = {name: refused[name] for name in ("stage", "instance", "object_name")}
    row = {
        "row_key": refused["row_key"],
        "value_hash": refused["value_hash"],
        "code": "AMBIGUOUS_OUTCOME",
        "message": "",
    }
    ledger.keep_refusals(**place, refused=pa.Table.from_pylist([row]))
    before = activation.plan(loop.installation)
    extract(loop.installation, refused["object_name"], refused["instance"])
    after = activation.plan(loop.installation)
    # It is refused for what it is again: the world is shared.
    activation.apply(loop.installation)
    return before.row_count, after.row_count


def contacts_of_one_erp_record(loop: Loop) -> list[tuple[str, str, str]]:
    """Four times (contact id, ERP number, person key) of people whose phone and address the ERP alone has."""
    query = """
        select
            max(split_part(record_key, '/', 3))
                filter (where starts_with(record_key, 'salesforce__contact/core/')) as id,
            max(split_part(record_key, '/', 3)) filter (where starts_with(record_key, 'erp__contact/')) as number,
            person_key
        from identity.person_link
        inner join gold.contact using (person_key)
        where starts_with(phone_source, 'erp__contact/') and starts_with(street_source, 'erp__contact/')
        group by person_key
        having count(*) filter (where starts_with(record_key, 'salesforce__contact/core/')) = 1
            and count(*) filter (where starts_with(record_key, 'erp__contact/')) = 1
        order by person_key
        limit 4
    """
    with loop.installation.warehouse.session("test") as session:
        return [(row["id"], row["number"], row["person_key"]) for row in session.query(query).to_pylist()]


def change_erp(loop: Loop, number: str, column: str, value: str) -> None:
    """Somebody types a value into the ERP."""
    assert loop.world.erp is not None
    with loop.world.erp.connect() as connection:
        connection.execute(
            f"update erp.contact set {column} = %s, updated_at = %s where contact_number = %s",
            (value, loop.world.clock(), int(number)),
        )


def test_what_people_did_in_the_target_is_unexplained_at_first(first: FirstRounds, edits: Edits) -> None:
    """An edit of an owned field and a deletion: exactly these two, found by reading the target itself."""
    assert 2 == edits.differences["unexplained"]
    assert {edits.edited_id, edits.deleted_key} == {
        key for key, explanation in edits.first_held.items() if explanation == "unexplained"
    }
    assert first.agreed == {name: count for name, count in edits.differences.items() if name != "unexplained"}


def test_a_plan_is_stale_when_the_target_has_moved_on(edits: Edits) -> None:
    """The target was read again since: refused, whether silver has seen the new state yet or not."""
    assert [StalePlanError] * 3 == [type(edits.stale), type(edits.behind), type(edits.interrupted)]
    assert "has changed since plan" in str(edits.stale)
    assert "has changed since plan" in str(edits.behind)


def test_half_a_publication_is_never_applied(edits: Edits) -> None:
    """Rows of one plan and the summary of another are refused."""
    assert "interrupted" in str(edits.interrupted)


def test_a_plan_of_a_version_before_is_stale(edits: Edits) -> None:
    """It does not say where its values are written."""
    assert isinstance(edits.older, StalePlanError)
    assert "golden.yaml writes other fields" in str(edits.older)


def test_the_owners_value_goes_back_over_an_edit(edits: Edits) -> None:
    """The edit waits in the plan, is written, and the record holds the owner's value again."""
    assert 2 == edits.plan.row_count == edits.waiting["waits in the current plan"]
    assert {edits.edited_id, edits.too_long_id} == edits.planned
    assert "unexplained" not in edits.waiting
    assert edits.phone["before"] == edits.phone["after"]


def test_a_refused_row_is_counted_and_not_planned_again(edits: Edits) -> None:
    """The org refuses a phone that is too long; the difference stays, explained by the refusal's code."""
    assert (2, 1, 1) == (edits.report.planned, edits.report.written, edits.report.refused)
    assert {"STRING_TOO_LONG": 1} == dict(edits.report.stages[0].codes)
    assert edits.next_plan.is_empty
    assert "refused by the target: STRING_TOO_LONG" == edits.held[edits.too_long_id]


def test_what_nobody_could_tell_is_planned_again_once_the_target_has_been_read(edits: Edits) -> None:
    """Until then the row stays out of the plan."""
    assert (0, 1) == edits.planned_around_a_reading


def test_what_cannot_or_must_not_be_written_is_held_with_its_reason(edits: Edits) -> None:
    """The text #N/A is not sent as a clear, and a deleted contact is not created again."""
    assert "the text #N/A cannot be written" == edits.held[edits.literal_id]
    assert "its record was deleted in the target" == edits.held[edits.deleted_key]
    assert "unexplained" not in edits.in_the_end


def test_no_message_holds_personal_data(loop: Loop, first: FirstRounds, edits: Edits) -> None:
    """No name, phone or address of any contact is in an error of this part."""
    errors = [*first.refusals.values(), edits.stale, edits.behind, edits.interrupted]
    told = " ".join(str(error) for error in errors)
    values = {
        str(row[name])
        for row in first.after["Contact"].values()
        for name in ("LastName", "Email", "Phone", "MailingStreet")
        if row[name] and len(str(row[name])) > 4
    }

    assert [] == [value for value in values if value in told.split()]
