"""Which files of a snapshot are read, and what they give."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contact_sync.errors import LakeError
from contact_sync.lake.files import files_of, read_files
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record

HOUR = timedelta(hours=1)


@pytest.fixture
def two_batches(bench: Bench) -> Bench:
    """Two rows an hour apart in two files, and one of another instance."""
    crm = MemorySource()
    crm.put(record("old", NOON - HOUR))
    bench.run(crm)
    bench.run(crm, instance="emea")
    crm.put(record("new", NOON))
    bench.later(minutes=1)
    bench.run(crm)
    return bench


@pytest.mark.parametrize(
    ("since", "expected"),
    [(None, ["new", "old"]), (NOON - HOUR, ["new", "old"]), (NOON, ["new"]), (NOON + HOUR, [])],
)
def test_files_without_a_wanted_row_are_left_out(two_batches: Bench, since: object, expected: list[str]) -> None:
    """Only files of the instance whose newest row is new enough are read."""
    known = two_batches.table.known_versions("core", since)  # type: ignore[arg-type]

    assert expected == sorted(id_ for batch in known for id_ in batch.column("_record_id").to_pylist())


def test_rows_without_a_time_are_always_read(bench: Bench) -> None:
    """A file with a row that has no source time may hold what is wanted, whatever the others' times are."""
    bench.item = bench.item.model_copy(update={"cursor": None})
    crm = MemorySource()
    crm.put(record("timeless", NOON - HOUR))
    bench.run(crm)

    assert 1 == len(files_of(bench.table.delta, "core", _version_at=2**62))


def test_a_file_that_is_gone_is_an_error_of_ours(two_batches: Bench) -> None:
    """The table that is broken is named."""
    table = two_batches.table
    paths = files_of(table.delta, "core")
    (two_batches.home / "lake/bronze/crm__contact" / paths[0]).unlink()

    with pytest.raises(LakeError, match="crm__contact"):
        list(read_files(two_batches.location, table.url, paths, ["_record_id"]))
