"""Whole rounds over simulated systems: the first makes both sides agree, the second finds nothing to do, and edits on
either side are found, explained and settled.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from contact_sync.errors import ActivationError, ContactSyncError, StalePlanError, UnsafePlanError
from contact_sync.lake.published import publish
from contact_sync.pipeline import steps
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import Environment, TargetKind
from contact_sync.sync.apply import ApplyReport
from contact_sync.sync.plan import Plan, Stage
from contact_sync_tests.pipeline.activation.conftest import Loop, Records

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]
KEY = "Contact_Sync_Key__c"
OBJECTS = {"salesforce__contact": "Contact", "salesforce__account": "Account"}
AUDIT = {"SystemModstamp", "LastModifiedDate", "LastModifiedById"}


def refusal(installation: Installation, plan_id: str | None = None) -> ContactSyncError:
    """Why applying is refused."""
    with pytest.raises(ActivationError) as refused:
        steps.apply(installation, plan_id)
    return refused.value


def with_target_kind(installation: Installation, environment: Environment, kind: TargetKind) -> Installation:
    """The same installation, told that it is elsewhere or that its target is something else."""
    settings = installation.settings
    core = settings.salesforce["core"].model_copy(update={"kind": kind})
    salesforce = {**settings.salesforce, "core": core}
    return Installation(settings.model_copy(update={"environment": environment, "salesforce": salesforce}))


def without_creates(installation: Installation) -> Installation:
    """The same installation with a golden.yaml that allows no creates."""
    capped = Installation(installation.settings)
    entities = {
        name: entity.model_copy(
            update={"target": entity.target.model_copy(update={"max_creates_fraction": 0.0, "min_creates_allowed": 0})}
        )
        for name, entity in installation.catalog.entities.items()
    }
    capped.__dict__["catalog"] = installation.catalog.model_copy(update={"entities": entities})
    return capped


@dataclass
class FirstRounds:
    """What was seen during the first round, its application, and a second round."""

    plan: Plan
    plan_again: Plan
    waiting: dict[str, int]
    refusals: dict[str, ContactSyncError]
    before: dict[str, Records]
    writes_before: int
    report: ApplyReport
    after: dict[str, Records]
    writes: Counter[str]
    repeated: ApplyReport
    agreed: dict[str, int]
    links: dict[str, str]
    second_plan: Plan
    second_events: dict[str, int]
    second_links: dict[str, str]
    second_report: ApplyReport
    second_differences: dict[str, int]
    writes_in_the_end: Counter[str]


@pytest.fixture(scope="module")
def first(loop: Loop) -> FirstRounds:
    """Two rounds, observed."""
    org = loop.world.org("core")
    plan = loop.plan()
    plan_again = steps.plan(loop.installation)
    waiting = loop.reconcile()
    refusals = {
        "branch": refusal(with_target_kind(loop.installation, Environment.BRANCH, TargetKind.SIMULATOR)),
        "production": refusal(with_target_kind(loop.installation, Environment.STAGING, TargetKind.PRODUCTION)),
        "cap": refusal(without_creates(loop.installation)),
        "another plan": refusal(loop.installation, "0123456789abcdef"),
    }
    before = {name: loop.records(name) for name in OBJECTS.values()}
    writes_before = sum(org.writes.values())
    report = steps.apply(loop.installation, plan.plan_id)
    after = {name: loop.records(name) for name in OBJECTS.values()}
    writes = Counter(org.writes)
    repeated = steps.apply(loop.installation, plan.plan_id)
    agreed = loop.reconcile()
    links = loop.links()
    second_plan = loop.plan()
    events: Counter[str] = Counter()
    for resolution in loop.resolutions:
        events.update(resolution.events)
    second_links = loop.links()
    second_report = steps.apply(loop.installation)
    second_differences = loop.reconcile()
    return FirstRounds(
        plan=plan,
        plan_again=plan_again,
        waiting=waiting,
        refusals=refusals,
        before=before,
        writes_before=writes_before,
        report=report,
        after=after,
        writes=writes,
        repeated=repeated,
        agreed=agreed,
        links=links,
        second_plan=second_plan,
        second_events=dict(events),
        second_links=second_links,
        second_report=second_report,
        second_differences=second_differences,
        writes_in_the_end=Counter(org.writes),
    )


def test_the_first_plan_has_something_of_every_stage(first: FirstRounds) -> None:
    """Stamps and updates of both entities, and creates: the tests below look at real work."""
    stages = {(count.entity, count.stage) for count in first.plan.counts if count.planned}

    assert {("account", "stamp"), ("contact", "stamp"), ("contact", "update"), ("contact", "create")} <= stages


def test_planning_again_gives_the_same_plan(first: FirstRounds) -> None:
    """The same state is the same plan, row by row."""
    assert (first.plan.plan_id, first.plan.rows) == (first.plan_again.plan_id, first.plan_again.rows)


def test_before_the_application_every_difference_waits_or_is_held(first: FirstRounds) -> None:
    """The reconciliation finds exactly the rows of the plan, and nothing that the plan does not know of."""
    assert first.plan.rows.num_rows == first.waiting["waits in the current plan"]
    assert 0 == first.waiting.get("unexplained", 0)


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("branch", ActivationError, ["Branch"]),
        ("production", ActivationError, ["core", "production org", "staging"]),
        ("cap", UnsafePlanError, ["creates", "at most 0", "Nothing was written"]),
        ("another plan", StalePlanError, ["0123456789abcdef", "Nothing was written"]),
    ],
)
def test_refused_applications_write_nothing(first: FirstRounds, case: str, kind: type, words: list[str]) -> None:
    """Each refusal says why, and the org has not seen a single write."""
    error = first.refusals[case]

    assert kind is type(error)
    assert [] == [word for word in words if word not in str(error)]
    assert 0 == first.writes_before


def test_the_store_holds_exactly_the_planned_values(first: FirstRounds) -> None:
    """Every field of every record is as before, but for the planned fields of the planned records; created records
    hold what the plan says, under the External ID it says.
    """
    expected = {name: {key: dict(row) for key, row in records.items()} for name, records in first.before.items()}
    created: dict[str, dict[str, dict[str, Any]]] = {"Contact": {}, "Account": {}}
    for row in first.plan.rows.to_pylist():
        values = {field: None if value == "#N/A" else value for field, value in json.loads(row["after"]).items()}
        name = OBJECTS[row["object_name"]]
        if row["stage"] == "create":
            created[name][row["row_key"]] = values
        else:
            expected[name][row["row_key"]] |= values
    refused = first.report.refused
    assert 0 == refused
    for name, records in first.after.items():
        kept = {key: row for key, row in records.items() if key in first.before[name]}
        assert stored(expected[name]) == stored(kept)
        new = {str(row[KEY]): row for key, row in records.items() if key not in first.before[name]}
        assert created[name].keys() == new.keys()
        for key, values in created[name].items():
            parent = values.pop(f"Account.{KEY}", None)
            assert values == {field: new[key][field] for field in values}
            assert parent == first.after["Account"].get(str(new[key].get("AccountId")), {}).get(KEY)


def stored(records: Records) -> Records:
    """Records without what every write changes, and without what the org derives from other fields."""
    left_out = AUDIT | {"Name"}
    return {key: {name: value for name, value in row.items() if name not in left_out} for key, row in records.items()}


def test_each_record_is_written_once_per_row_and_no_other_record_at_all(first: FirstRounds) -> None:
    """Counted by the org: a record that is stamped and updated twice, a created one once."""
    rows = first.plan.rows.to_pylist()
    planned = Counter(row["row_key"] for row in rows if row["stage"] != "create")
    new = {key for name in OBJECTS.values() for key in first.after[name] if key not in first.before[name]}

    assert planned + Counter(new) == first.writes
    assert len(new) == first.plan.planned(Stage.CREATE)


def test_every_row_is_accounted_for(first: FirstRounds) -> None:
    """Planned = written + refused + unprocessed + skipped in each stage; over all it is the plan."""
    assert first.plan.rows.num_rows == first.report.planned == first.report.written
    for stage in first.report.stages:
        assert stage.planned == stage.written + stage.refused + stage.unprocessed + stage.skipped
        assert stage.created == (stage.planned if stage.stage == "create" else 0)


def test_the_target_grows_by_exactly_the_creates(first: FirstRounds) -> None:
    """As the org itself counts its records."""
    created = Counter({f"salesforce__{stage.entity}": stage.created for stage in first.report.stages if stage.created})

    assert dict(first.report.counts_after) == {
        name: count + created[name] for name, count in first.report.counts_before.items()
    }
    assert first.report.counts_after["salesforce__contact"] == len(first.after["Contact"])


def test_duplicates_are_never_stamped(first: FirstRounds) -> None:
    """One record of each person has the key: the oldest one; its duplicates have none."""
    stamps = Counter(row[KEY] for records in first.after.values() for row in records.values() if row[KEY])
    people: dict[str, list[dict[str, Any]]] = {}
    for record_id, row in first.after["Contact"].items():
        people.setdefault(first.second_links[f"salesforce__contact/core/{record_id}"], []).append(row)
    duplicated = {key: rows for key, rows in people.items() if len(rows) > 1}

    assert {1} == set(stamps.values())
    assert duplicated
    for key, rows in duplicated.items():
        oldest = min(rows, key=lambda row: (row["CreatedDate"], row["Id"]))
        assert [(oldest["Id"], key)] == [(row["Id"], row[KEY]) for row in rows if row[KEY]]


def test_applying_again_writes_nothing(first: FirstRounds) -> None:
    """The same plan once more: every row is skipped."""
    assert (0, 0, 0) == (first.repeated.written, first.repeated.refused, first.repeated.recovered_jobs)
    assert first.plan.rows.num_rows == sum(stage.skipped for stage in first.repeated.stages)


def test_after_the_application_nothing_is_unexplained(first: FirstRounds) -> None:
    """Both sides agree, but for what is held for a stated reason."""
    held = {name: count for name, count in first.waiting.items() if name != "waits in the current plan"}

    assert held == first.agreed


def test_the_second_round_finds_nothing_to_do(first: FirstRounds) -> None:
    """Our own writes are read back and cause nothing: no plan row, no write, no key that changes hands."""
    assert first.second_plan.is_empty
    assert (0, 0) == (first.second_report.planned, first.second_report.written)
    assert first.writes == first.writes_in_the_end
    assert {} == {kind: count for kind, count in first.second_events.items() if kind != "join"}
    assert first.agreed == first.second_differences


def test_stamped_records_stay_with_their_person(first: FirstRounds) -> None:
    """After our writes have changed the values they are matched by, all records have the keys they had, and the created
    ones belong to whom they were created for.
    """
    assert first.links == {key: first.second_links[key] for key in first.links}
    for name, records in first.after.items():
        stamped = {f"salesforce__{name.lower()}/core/{key}": row[KEY] for key, row in records.items() if row[KEY]}
        assert stamped == {key: first.second_links[key] for key in stamped}


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
    plan: Plan
    waiting: dict[str, int]
    report: ApplyReport
    phone: dict[str, Any]
    next_plan: Plan
    in_the_end: dict[str, int]
    held: dict[str, str]


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
    steps.plan(loop.installation)
    behind = refusal(loop.installation)
    plan = loop.plan()
    waiting = loop.reconcile()
    publish(loop.installation.location, "activation", "plan", plan.rows.slice(1))
    interrupted = refusal(loop.installation)
    steps.plan(loop.installation)
    report = steps.apply(loop.installation)
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
        plan=plan,
        waiting=waiting,
        report=report,
        phone={"before": first.after["Contact"][edited]["Phone"], "after": loop.records("Contact")[edited]["Phone"]},
        next_plan=loop.plan(),
        in_the_end=loop.reconcile(),
        held=loop.held(),
    )


def contacts_of_one_erp_record(loop: Loop) -> list[tuple[str, str, str]]:
    """Four times (contact id, ERP number, person key) of people whose phone and address the ERP alone has."""
    query = """
        select
            max(split_part(record_key, '/', 3)) filter (where starts_with(record_key, 'salesforce__contact/core')) as id,
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


def test_the_owners_value_goes_back_over_an_edit(edits: Edits) -> None:
    """The edit waits in the plan, is written, and the record holds the owner's value again."""
    assert 2 == edits.plan.rows.num_rows == edits.waiting["waits in the current plan"]
    assert {edits.edited_id, edits.too_long_id} == set(edits.plan.rows["row_key"].to_pylist())
    assert "unexplained" not in edits.waiting
    assert edits.phone["before"] == edits.phone["after"]


def test_a_refused_row_is_counted_and_not_planned_again(edits: Edits) -> None:
    """The org refuses a phone that is too long; the difference stays, explained by the refusal's code."""
    assert (2, 1, 1) == (edits.report.planned, edits.report.written, edits.report.refused)
    assert {"STRING_TOO_LONG": 1} == dict(edits.report.stages[0].refused_codes)
    assert edits.next_plan.is_empty
    assert "refused by the target: STRING_TOO_LONG" == edits.held[edits.too_long_id]


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
