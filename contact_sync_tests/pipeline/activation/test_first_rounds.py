"""The first round makes both sides agree by exactly what was planned; the second finds nothing to do."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from contact_sync.errors import ActivationError, StalePlanError, UnsafePlanError
from contact_sync.sync.plan_table import Stage
from contact_sync_tests.pipeline.activation.first_rounds import KEY, OBJECTS, FirstRounds
from contact_sync_tests.pipeline.activation.loop import Records

# One world for both files, so one worker.
pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]
AUDIT = {"SystemModstamp", "LastModifiedDate", "LastModifiedById"}


def test_the_first_plan_has_something_of_every_stage(first: FirstRounds) -> None:
    """Stamps and updates of both entities, and creates: the tests below look at real work."""
    stages = {(count.entity, count.stage) for count in first.plan.counts if count.planned}

    assert {("account", "stamp"), ("contact", "stamp"), ("contact", "update"), ("contact", "create")} <= stages


def test_planning_again_gives_the_same_plan(first: FirstRounds) -> None:
    """The same state is the same plan, row by row."""
    assert (first.plan.plan_id, first.written) == (first.plan_again.plan_id, first.written_again)


def test_before_the_application_every_difference_waits_or_is_held(first: FirstRounds) -> None:
    """The reconciliation finds exactly the rows of the plan, and nothing that the plan does not know of."""
    assert first.plan.row_count == first.waiting["waits in the current plan"]
    assert 0 == first.waiting.get("unexplained", 0)


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("branch", ActivationError, ["Branch"]),
        ("production", ActivationError, ["core", "production org", "staging"]),
        ("cap", UnsafePlanError, ["creates", "at most 0", "Nothing was written"]),
        ("hours", ActivationError, ["in core is written", "UTC only", "Nothing was written"]),
        ("fields", StalePlanError, ["golden.yaml writes other fields", "Nothing was written"]),
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
    for row in first.written:
        values = {field: None if value == "#N/A" else value for field, value in row["after"].items()}
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
    planned = Counter(row["row_key"] for row in first.written if row["stage"] != "create")
    new = {key for name in OBJECTS.values() for key in first.after[name] if key not in first.before[name]}

    assert planned + Counter(new) == first.writes
    assert len(new) == first.plan.planned(Stage.CREATE)


def test_every_row_is_accounted_for(first: FirstRounds) -> None:
    """Planned = written + refused + unprocessed + skipped in each stage; over all it is the plan."""
    assert first.plan.row_count == first.report.planned == first.report.written
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
    assert first.plan.row_count == sum(stage.skipped for stage in first.repeated.stages)


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
