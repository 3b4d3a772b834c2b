"""Bronze stays complete where windows of changes cannot see: deletions, gaps, new, hidden and calculated fields."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from contact_sync.errors import CountMismatchError, VanishedRecordsError
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.select import Days
from contact_sync_tests.unit.extraction.memory_source import LAG, NOON, Bench, record
from contact_sync_tests.unit.extraction.replicable_source import CALCULATED, ReplicableSource

HOUR = timedelta(hours=1)


@pytest.fixture
def bench(any_bench: Bench) -> Bench:
    """Whatever the lake is, the same must hold."""
    return any_bench


@pytest.fixture
def crm() -> ReplicableSource:
    """Three records, the newest an hour old."""
    made = ReplicableSource(page_rows=2)
    made.put(*(record(number, NOON - HOUR * (number + 1), Name=f"n{number}", Total="1") for number in range(3)))
    return made


def run(bench: Bench, crm: ReplicableSource, *, hours: float = 0.25) -> ExtractionReport:
    """Extract after some time has passed on both clocks."""
    bench.later(hours=hours)
    crm.clock = bench.now
    return bench.run(crm)


def current(bench: Bench) -> dict[str, dict[str, Any]]:
    """The newest version of each record, by the rule that silver uses."""
    names = ("_record_id", "_version_at", "_is_deleted", "_extracted_at", "_row_hash", "Name", "Total")
    newest: dict[str, dict[str, Any]] = {}
    for row in bench.rows(*[name for name in names if name in bench.table.columns]):
        best = newest.setdefault(row["_record_id"], row)
        if _order(row) > _order(best):
            newest[row["_record_id"]] = row
    return newest


def _order(row: dict[str, Any]) -> tuple[datetime, bool, datetime, str]:
    return row["_version_at"] or row["_extracted_at"], row["_is_deleted"], row["_extracted_at"], row["_row_hash"]


def alive(bench: Bench) -> set[str]:
    """Keys of the records that are not deleted in their newest version."""
    return {key for key, row in current(bench).items() if not row["_is_deleted"]}


def test_a_first_load_needs_no_upkeep(bench: Bench, crm: ReplicableSource) -> None:
    """Everything has just been read: no sweep, no columns, and the account of deletions is asked from then on."""
    run(bench, crm)
    crm.delete("1")
    report = run(bench, crm)

    assert [] == [selection for selection, _ in crm.reads if type(selection).__name__ != "Window"]
    assert (1, 1) == (report.rows_deleted, report.rows_checked)


def test_a_deletion_in_the_account_is_evidence_once(bench: Bench, crm: ReplicableSource) -> None:
    """A hard deletion becomes one tombstone, however often the source repeats it; earlier versions stay in bronze."""
    run(bench, crm)
    crm.delete("1")
    first = run(bench, crm)
    again = [run(bench, crm) for _ in range(3)]

    assert {"0", "2"} == alive(bench)
    assert [1, 0, 0, 0] == [report.rows_deleted for report in (first, *again)]
    assert 4 == len(bench.rows("_record_id"))


def test_a_record_that_changed_after_its_deletion_is_alive(bench: Bench, crm: ReplicableSource) -> None:
    """An account that still lists a record which was restored and changed since does not bury it."""
    run(bench, crm)
    crm.deleted_at["1"] = crm.clock
    crm.put(record(1, bench.now + timedelta(minutes=10), Name="restored", Total="1"))

    run(bench, crm)

    assert {"0", "1", "2"} == alive(bench)


def test_a_gap_in_the_account_forces_a_sweep(bench: Bench, crm: ReplicableSource) -> None:
    """Where the source does not remember far enough back, all keys are compared: what vanished is found."""
    run(bench, crm)
    crm.purge("1")
    crm.account_from = NOON + timedelta(days=30)

    report = run(bench, crm)

    assert {"0", "2"} == alive(bench)
    assert (1, 2) == (report.rows_deleted, report.rows_checked)


def test_a_sweep_is_due_once_a_day(bench: Bench, crm: ReplicableSource) -> None:
    """Hard deletions without any account are found by the daily sweep, and not before."""
    crm.account_from = None
    run(bench, crm)
    crm.purge("1")
    run(bench, crm)
    assert {"0", "1", "2"} == alive(bench)

    run(bench, crm, hours=24)

    assert {"0", "2"} == alive(bench)


def test_a_sweep_finds_what_was_missed(bench: Bench, crm: ReplicableSource) -> None:
    """A record older than all that was read, and unknown to bronze, is read whole."""
    run(bench, crm)
    run(bench, crm)
    crm.put(record("late", NOON - timedelta(days=3), Name="missed", Total="1"))
    run(bench, crm)
    assert "late" not in alive(bench)

    run(bench, crm, hours=24)

    assert "missed" == current(bench)["late"]["Name"]


def test_a_record_that_comes_back_is_alive_again(bench: Bench, crm: ReplicableSource) -> None:
    """Seen again after a sweep had missed it, unchanged, a record is alive as of then, and later changes count."""
    run(bench, crm)
    gone = crm.records["1"]
    crm.purge("1")
    run(bench, crm, hours=24)
    assert {"0", "2"} == alive(bench)

    crm.put(gone)  # type: ignore[arg-type]  # a record is a record
    run(bench, crm, hours=24)
    assert {"0", "1", "2"} == alive(bench)

    crm.put(record(1, crm.clock + timedelta(minutes=1), Name="changed", Total="1"))
    run(bench, crm)
    assert "changed" == current(bench)["1"]["Name"]


def test_many_records_gone_at_once_are_not_believed(bench: Bench, crm: ReplicableSource) -> None:
    """A user who has lost access sees few records; nothing is buried until somebody raises the limit."""
    crm.page_rows = 100
    crm.put(*(record(f"x{number}", NOON - HOUR, Name="x", Total="1") for number in range(300)))
    run(bench, crm)
    for number in range(150):
        crm.purge(f"x{number}")

    with pytest.raises(VanishedRecordsError, match="150 of 303 records"):
        run(bench, crm, hours=24)
    assert 303 == len(alive(bench))

    bench.item = bench.item.model_copy(update={"max_vanished_fraction": 1.0})
    assert 150 == run(bench, crm).rows_deleted
    assert 153 == len(alive(bench))


def test_a_short_sweep_buries_nobody(bench: Bench, crm: ReplicableSource) -> None:
    """Fewer keys than the source declares are an error, not evidence."""
    run(bench, crm)
    crm.total_change = 1
    crm.reads.clear()

    with pytest.raises(CountMismatchError):
        run(bench, crm, hours=24)

    assert {"0", "1", "2"} == alive(bench)


def test_calculated_fields_are_refreshed_though_nothing_moved(bench: Bench, crm: ReplicableSource) -> None:
    """A formula's new value arrives within its hours; rows whose value is the same get no new version."""
    run(bench, crm)
    crm.records["1"][CALCULATED] = "99"
    run(bench, crm)
    assert "1" == current(bench)["1"]["Total"]

    report = run(bench, crm, hours=7)

    assert {"0": "1", "1": "99", "2": "1"} == {key: row["Total"] for key, row in current(bench).items()}
    assert {"0": "n0", "1": "n1", "2": "n2"} == {key: row["Name"] for key, row in current(bench).items()}
    assert (1, 3) == (report.rows_new, report.rows_checked)
    assert 0 == run(bench, crm, hours=7).rows_new


def test_a_refreshed_row_is_what_a_full_reading_would_bring(bench: Bench, crm: ReplicableSource) -> None:
    """Reading everything again after a refresh brings no new row: the hashes agree."""
    run(bench, crm)
    crm.records["1"][CALCULATED] = "99"
    run(bench, crm, hours=7)
    rows = len(bench.rows("_record_id"))

    report = bench.run(crm, days=Days(first=(NOON - timedelta(days=2)).date(), last=bench.now.date()))

    assert (3, 0) == (report.rows_read, report.rows_new)
    assert rows == len(bench.rows("_record_id"))


def test_a_new_field_is_read_alone_for_older_records(bench: Bench, crm: ReplicableSource) -> None:
    """A field that appears is in bronze for all records after one more run, and only that field was read for it."""
    run(bench, crm)
    for key, one in crm.records.items():
        one["Level"] = f"level {key}"
    crm.reads.clear()

    report = run(bench, crm)

    (columns,) = [selection for selection, _ in crm.reads if type(selection).__name__ == "Columns"]
    assert ("Level",) == columns.names  # type: ignore[union-attr]  # it is Columns
    assert {"added": ("Level",)} == report.schema
    assert {"level 0", "level 1", "level 2"} <= {row["Level"] for row in bench.rows("_record_id", "Level")}
    crm.reads.clear()
    run(bench, crm)
    assert 1 == len(crm.reads)


def test_a_removed_field_is_kept_and_a_hidden_one_told_apart(bench: Bench, crm: ReplicableSource) -> None:
    """Neither stops the reading; what bronze holds of them stays; the schema history says which is which."""
    run(bench, crm)
    for one in crm.records.values():
        del one["Total"]
    crm.not_described.add("Name")
    crm.put(record(3, bench.now, Name="unseen"))

    report = run(bench, crm)

    assert {"removed": ("Total",), "hidden": ("Name",)} == report.schema
    assert {"n0", "n1", "n2"} <= {row["Name"] for row in bench.rows("_record_id", "Name")}
    version = bench.schemas.current("crm__contact", "core")
    assert version is not None
    assert ({"Total": "removed", "Name": "hidden"}, 2) == (version.gone, version.version)


def test_a_field_that_is_shown_again_is_read_for_all(bench: Bench, crm: ReplicableSource) -> None:
    """What changed while a field was hidden has its value after the field is back."""
    run(bench, crm)
    crm.not_described.add("Name")
    crm.put(record(0, bench.now, Name="changed unseen", Total="1"))
    run(bench, crm)
    assert current(bench)["0"]["Name"] is None

    crm.not_described.clear()
    run(bench, crm)

    assert {"0": "changed unseen", "1": "n1", "2": "n2"} == {key: row["Name"] for key, row in current(bench).items()}


def test_what_is_not_settled_is_read_again(bench: Bench, crm: ReplicableSource) -> None:
    """A change that becomes visible hours after its time is not lost while the source holds back what is settled."""
    run(bench, crm)
    crm.held_back = timedelta(hours=3)
    run(bench, crm, hours=1)
    run(bench, crm, hours=1)
    crm.put(record("late", bench.now - timedelta(hours=1, minutes=30), Name="late", Total="1"))

    run(bench, crm)

    assert "late" in alive(bench)


@pytest.mark.parametrize("skew", [timedelta(minutes=30), -timedelta(minutes=30)])
def test_a_skewed_clock_loses_nothing(bench: Bench, crm: ReplicableSource, skew: timedelta) -> None:
    """Changes are stamped by the source's clock, which is half an hour ahead of ours or behind."""
    for number in range(12):
        bench.later(minutes=10)
        crm.clock = bench.now + skew
        crm.put(record(f"x{number}", crm.clock - timedelta(seconds=1), Name="x", Total="1"))
        bench.run(crm)

    assert {f"x{number}" for number in range(12)} <= alive(bench)
    assert LAG < abs(skew)
