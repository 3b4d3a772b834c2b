"""Whatever happens to a source between readings, in whatever order days are read: bronze holds every version once."""

from __future__ import annotations

import tempfile
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from contact_sync.connectors.base import Files, Window
from contact_sync.extraction import select
from contact_sync.extraction.watermark import safe_up_to, saved_watermark, window_start
from contact_sync.state.batches import Reading
from contact_sync_tests.unit.extraction.memory_source import LAG, NOON, Bench, MemorySource, record

KEYS = st.integers(min_value=0, max_value=4)
# A change of a record: how many seconds later it happens, and how many seconds before that it claims to have happened.
CHANGES = st.tuples(KEYS, st.integers(min_value=0, max_value=600), st.integers(min_value=0, max_value=290))
STEPS = st.lists(st.one_of(CHANGES, st.none()), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, page_rows=st.integers(min_value=1, max_value=3))
@example(steps=[(0, 0, 0), None, (1, 1, 290), None], page_rows=1)
def test_every_version_that_could_be_seen_is_in_bronze_once(
    steps: list[tuple[int, int, int] | None], page_rows: int
) -> None:
    """Changes become visible up to the safety lag late; readings (None) happen at any moment; nothing is lost."""
    crm = MemorySource(page_rows=page_rows)
    seen: set[tuple[str, datetime]] = set()
    with tempfile.TemporaryDirectory() as home, closing(Bench(Path(home))) as bench:
        for number, step in enumerate([*steps, None]):
            if step is None:
                bench.later(seconds=1)
                report = bench.run(crm)
                assert report.rows_read == report.rows_new + report.rows_known == report.declared_rows
                seen |= {(key, datetime.fromisoformat(str(one["ModifiedAt"]))) for key, one in crm.records.items()}
            else:
                key, seconds, lateness = step
                bench.later(seconds=seconds)
                crm.put(record(key, bench.now - timedelta(seconds=lateness), Name=str(number)))

        versions = bench.versions()
        assert len(versions) == len({*versions, *seen}) or has_equal_times(bench)
        assert seen <= set(versions)


def has_equal_times(bench: Bench) -> bool:
    """Whether some record has two versions of one time; then their hashes differ."""
    rows = [tuple(row.values()) for row in bench.rows("_record_id", "_version_at", "_row_hash")]
    return len(rows) == len(set(rows)) > len({row[:2] for row in rows})


DAYS = [date(2026, 11, day) for day in range(16, 20)]


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(DAYS), repeated=st.sampled_from(DAYS))
def test_any_order_of_days_gives_the_same_versions(order: list[date], repeated: date) -> None:
    """Days read in any order, one of them twice, give what one reading of all gives; the watermark stands still."""
    crm = MemorySource()
    times = [NOON - timedelta(days=1, hours=7 * number) for number in range(12)]
    crm.put(*(record(number, time) for number, time in enumerate(times)))
    expected = sorted((str(number), time) for number, time in enumerate(times) if time.date() in DAYS)
    with tempfile.TemporaryDirectory() as home, closing(Bench(Path(home))) as bench:
        for day in [*order, repeated]:
            bench.run(crm, days=select.Days(first=day, last=day))
            assert bench.table.position("core").watermark is None
            bench.later(minutes=1)

        assert expected == bench.versions()


TIMES = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)).map(  # noqa: DTZ001 -- made UTC
    lambda time: time.replace(tzinfo=NOON.tzinfo)
)


@given(start=st.none() | TIMES, end=TIMES)
def test_a_window_survives_the_ledger(start: datetime | None, end: datetime) -> None:
    """What is written to the ledger is what a resumed run reads, to the microsecond."""
    window = Window(start=start, end=end)

    assert window == select.from_json(select.to_json(window))


@given(versions=st.dictionaries(st.text(), st.text(), max_size=3))
def test_files_survive_the_ledger(versions: dict[str, str]) -> None:
    """Names and versions of files come back as they were."""
    assert Files(versions=versions) == select.from_json(select.to_json(Files(versions=versions)))


WINDOWS = st.builds(Window, start=st.none(), end=TIMES, settled=st.none() | TIMES)


@given(current=st.none() | TIMES, window=st.none() | WINDOWS)
def test_the_saved_watermark_is_held_back_and_never_moves_backwards(
    current: datetime | None, window: Window | None
) -> None:
    """It is at least the old one, and passes neither the safety lag before what was read nor what is settled."""
    text = saved_watermark(current, window, LAG)
    moved = None if window is None else min(window.end - LAG, window.settled or window.end)
    known = [time.isoformat() for time in (current, moved) if time is not None]

    assert (f'{{"time": "{max(known)}"}}' if known else "{}") == text


@given(watermark=st.none() | TIMES, window=st.none() | WINDOWS)
def test_the_next_window_leaves_no_gap(watermark: datetime | None, window: Window | None) -> None:
    """It starts at the watermark or later, but no later than what an empty window in between has safely read."""
    safe = safe_up_to(window, LAG) if window else None
    start = window_start(watermark, Reading(read_up_to=window and window.end, safe_up_to=safe))

    if watermark is None:
        assert start is None
    else:
        assert start is not None
        assert watermark <= start
        assert start in {watermark, safe}
