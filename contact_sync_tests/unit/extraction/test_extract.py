"""What ends up in bronze: everything once, counted, with a position that only moves forwards."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contact_sync.errors import ContactSyncError, CountMismatchError, SettingsError
from contact_sync.extraction.select import Days
from contact_sync_tests.unit.extraction.memory_source import LAG, NOON, Bench, MemorySource, record

HOUR = timedelta(hours=1)


@pytest.fixture
def bench(any_bench: Bench) -> Bench:
    """Whatever the lake is, the same must hold."""
    return any_bench


def source(count: int, **options: int) -> MemorySource:
    """A source with `count` records, one a second, until an hour before noon."""
    made = MemorySource(**options)
    made.put(*(record(number, NOON - HOUR - timedelta(seconds=number), Name=f"n{number}") for number in range(count)))
    return made


def test_rows_read_are_new_or_known(bench: Bench) -> None:
    """The first reading brings everything, a second nothing; what was read is new or known, and declared."""
    crm = source(5)
    first = bench.run(crm)
    again = bench.run(crm, days=Days(first=date(2026, 1, 1), last=NOON.date(), is_first_partition=True))

    assert (5, 5, 0, 5, 3) == (first.rows_read, first.rows_new, first.rows_known, first.declared_rows, first.pages)
    assert (5, 0, 5, 5) == (again.rows_read, again.rows_new, again.rows_known, again.declared_rows)
    assert 5 == len(bench.rows())


def test_report_has_the_promised_names(bench: Bench) -> None:
    """The JSON report names rows, pages, bytes, seconds, peak_rss_mb, watermark and batch_id."""
    report = bench.run(source(3)).as_json()

    assert (3, 2, 300) == (report["rows"], report["pages"], report["bytes"])
    assert (NOON - LAG).isoformat() == report["watermark"]
    assert report["batch_id"]
    assert report["seconds"] > 0
    assert report["peak_rss_mb"] > 0


def test_empty_window_commits_nothing(bench: Bench) -> None:
    """A reading without news leaves the lake alone, and says how far was read."""
    crm = source(2)
    bench.run(crm)
    published = bench.table.position("core")
    bench.later(hours=1)

    report = bench.run(crm)

    assert published == bench.table.position("core")
    assert (0, None) == (report.rows_new, report.sequence)
    assert NOON + HOUR == bench.ledger.reading("crm__contact", "core").read_up_to
    assert ["published", "empty"] == bench.states()


def test_late_commits_are_picked_up(bench: Bench) -> None:
    """A record that becomes visible with an older time, within the safety lag, is read by the next run."""
    crm = source(2)
    bench.run(crm)
    crm.put(record("late", NOON - LAG + timedelta(seconds=1)))
    bench.later(minutes=1)

    assert 1 == bench.run(crm).rows_new
    crm.put(record("later", NOON - LAG + timedelta(seconds=62)))
    bench.later(minutes=1)
    assert 1 == bench.run(crm).rows_new


def test_late_commits_are_picked_up_after_an_empty_window(bench: Bench) -> None:
    """An empty window moves the start of the next one, but never closer to now than the safety lag."""
    crm = source(2)
    bench.run(crm)
    bench.later(hours=1)
    bench.run(crm)
    crm.put(record("late", NOON + HOUR - LAG + timedelta(seconds=1)))
    bench.later(minutes=1)

    assert 1 == bench.run(crm).rows_new
    assert NOON + HOUR - LAG == crm.reads[-1][0].start


def test_many_rows_on_one_timestamp_lose_nothing(bench: Bench) -> None:
    """10,000 rows on one timestamp, over many pages and two readings, arrive once each."""
    crm = MemorySource(page_rows=3_000)
    crm.put(*(record(f"{number:05}", NOON - HOUR) for number in range(10_000)))

    bench.run(crm)
    crm.put(*(record(f"{number:05}", NOON) for number in range(10_000)))
    bench.later(minutes=1)
    bench.run(crm)

    assert [(f"{number:05}", at) for number in range(10_000) for at in (NOON - HOUR, NOON)] == bench.versions()


def test_columns_come_and_stay(bench: Bench) -> None:
    """A new column appears with the first row that has it; a removed one stays, empty for new rows."""
    crm = MemorySource()
    crm.put(record(1, NOON - HOUR, Name="a"))
    bench.run(crm)
    crm.put(record(1, NOON, Email="b"))
    bench.later(minutes=1)
    bench.run(crm)

    assert [
        {"Name": "a", "Email": None, "_record_id": "1"},
        {"Name": None, "Email": "b", "_record_id": "1"},
    ] == sorted(bench.rows("Name", "Email", "_record_id"), key=lambda row: row["Name"] is None)


def test_new_empty_column_is_no_new_version(bench: Bench) -> None:
    """A column that appears without values does not make every record a new version."""
    crm = MemorySource()
    crm.put(record(1, NOON - HOUR))
    bench.run(crm)
    crm.put(record(1, NOON - HOUR, Email=None))

    assert 0 == bench.run(crm, days=Days(first=date(2026, 11, 20), last=date(2026, 11, 21))).rows_new


@pytest.mark.parametrize("options", [{"total_change": 1}, {"total_change": -1}, {"page_change": 1}])
def test_count_mismatch_publishes_nothing(bench: Bench, options: dict[str, int]) -> None:
    """Fewer or more rows than declared, of a page or in total: an error, nothing in the lake, a fresh batch next."""
    with pytest.raises(CountMismatchError, match="crm__contact, instance core"):
        bench.run(source(5, **options))

    assert [] == bench.rows()
    assert 5 == bench.run(source(5)).rows_new
    assert ["abandoned", "published"] == bench.states()


def test_unchanged_time_with_other_values_is_a_new_version(bench: Bench) -> None:
    """A record whose values changed without its time is kept in both versions."""
    crm = MemorySource()
    crm.put(record(1, NOON - timedelta(minutes=1), Name="a"))
    bench.run(crm)
    crm.put(record(1, NOON - timedelta(minutes=1), Name="b"))

    assert 1 == bench.run(crm).rows_new
    assert 2 == len(bench.rows())


def test_backfill_appends_what_is_missing_and_never_moves_the_watermark(bench: Bench) -> None:
    """Reading old days again brings only what bronze lacks; the next refresh starts where it would have."""
    crm = source(3)
    bench.run(crm)
    crm.put(record("forgotten", NOON - timedelta(days=5)))
    days = Days(first=date(2026, 11, 14), last=date(2026, 11, 16))

    report = bench.run(crm, days=days)
    twice = bench.run(crm, days=days)

    assert ("backfill", 1, 0) == (report.purpose, report.rows_new, twice.rows_new)
    assert NOON - LAG == report.watermark == bench.table.position("core").watermark
    assert 2 == report.sequence
    bench.later(minutes=1)
    bench.run(crm)
    assert NOON - LAG == crm.reads[-1][0].start


def test_backfill_before_the_first_refresh_sets_no_watermark(bench: Bench) -> None:
    """Days that are read before anything else do not keep the first refresh from reading everything."""
    crm = source(3)
    crm.put(record("old", NOON - timedelta(days=5)))

    assert 1 == bench.run(crm, days=Days(first=date(2026, 11, 15), last=date(2026, 11, 15))).rows_new
    assert bench.table.position("core").watermark is None
    assert 3 == bench.run(crm).rows_new


def test_days_in_the_future_are_refused(bench: Bench) -> None:
    """Nothing can be read of days that have not come."""
    with pytest.raises(SettingsError, match="in the future"):
        bench.run(source(1), days=Days(first=date(2026, 12, 1), last=date(2026, 12, 2)))


def test_instances_have_their_own_positions(bench: Bench) -> None:
    """Two instances of one object share a table but neither sequence, watermark nor known rows."""
    crm = source(2)
    bench.run(crm, instance="core")
    bench.later(hours=1)

    assert 2 == bench.run(crm, instance="emea").rows_new
    assert {"core": 1, "emea": 1} == bench.table.sequences()
    assert NOON - LAG == bench.table.position("core").watermark
    assert NOON + HOUR - LAG == bench.table.position("emea").watermark


def test_position_survives_checkpoints_and_compaction(delta_bench: Bench) -> None:
    """After more commits than a checkpoint covers, and compaction, sequence, watermark and known rows are there."""
    crm = MemorySource()
    for number in range(25):
        crm.put(record(number, delta_bench.now - timedelta(seconds=1)))
        delta_bench.run(crm)
        delta_bench.later(minutes=10)
    before = delta_bench.table.position("core")

    done = delta_bench.table.maintain()

    assert done is not None
    assert (25, 1) == (done.files_before, done.files_after)
    assert list((delta_bench.home / "lake/bronze/crm__contact/_delta_log").glob("*.checkpoint.parquet"))
    assert (25, before) == (before.sequence, delta_bench.table.position("core"))
    delta_bench.run(crm, days=Days(first=date(2026, 1, 1), last=date(2026, 12, 31), is_first_partition=True))
    assert 25 == len(delta_bench.rows())


def test_published_batch_is_recognised_after_compaction(delta_bench: Bench) -> None:
    """A batch that was published and not closed is settled, even when compaction has merged its file with others."""
    crm = source(2)
    delta_bench.run(crm)
    crm.put(record("new", NOON))
    delta_bench.later(minutes=10)
    report = delta_bench.run(crm)
    with delta_bench.database.transaction() as connection:
        connection.exec_driver_sql("update batch set state = 'open' where batch_id = ?", (report.batch_id,))
    delta_bench.table.maintain()

    settled = delta_bench.run(crm)

    assert (True, 3) == (settled.is_resumed, len(delta_bench.rows()))
    assert ["published", "published", "empty"] == delta_bench.states()


def test_vacuumed_pages_are_read_again(delta_bench: Bench) -> None:
    """An interrupted batch whose staged pages are gone is begun anew, and the lake never names a missing file."""
    crm = source(4, page_rows=2)
    crm.total_change = 1
    original = delta_bench.ledger.finish
    delta_bench.ledger.finish = lambda *_, **__: None  # type: ignore[method-assign]
    with pytest.raises(ContactSyncError):
        delta_bench.run(crm)
    delta_bench.ledger.finish = original  # type: ignore[method-assign]
    for page in (delta_bench.home / "lake").rglob("*.parquet"):
        page.unlink()
    crm.total_change = 0

    assert 4 == delta_bench.run(crm).rows_new
    assert ["abandoned", "published"] == delta_bench.states()
    assert 4 == len(delta_bench.rows())
