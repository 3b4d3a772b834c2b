"""What every bronze table promises, wherever its rows are kept; the tests of extraction show it from outside."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.errors import LakeError, StaleCommitError
from contact_sync.lake.bronze import LINEAGE, PARTITION_COLUMNS, BronzeTable, StagedRows
from contact_sync_tests.unit.extraction.memory_source import Bench

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAME = "crm__contact"
NUMBERS = itertools.count()


def rows(batch_id: str, sequence: int, *ids: str, watermark: str | None = None, **values: str) -> pa.Table:
    """Rows of a batch as extraction stages them; each is a minute younger than the one before."""
    schema = pa.schema([*((name, pa.string()) for name in values), *LINEAGE])
    common = {"_batch_id": batch_id, "_sequence": sequence, "_extracted_at": NOON, "_watermark": watermark}
    made = [
        {**common, **values, "_record_id": one, "_version_at": NOON + timedelta(minutes=number), "_row_hash": f"{one}!"}
        for number, one in enumerate(ids)
    ]
    return pa.Table.from_pylist(made, schema=schema)


def stage(table: BronzeTable, page: pa.Table, instance: str = "core") -> StagedRows:
    """Stage one page."""
    return table.stage({"_instance": instance, "_month": "2026-11"}).write(page, file_name=f"page-{next(NUMBERS)}")


def publish(
    table: BronzeTable, batch_id: str, sequence: int, *ids: str, instance: str = "core", **options: Any
) -> None:
    """Stage and publish a batch of one page."""
    staged = stage(table, rows(batch_id, sequence, *ids, **options), instance)
    table.publish(instance, batch_id, sequence, [staged])


def held(table: BronzeTable, *columns: str, instance: str = "core") -> list[tuple[Any, ...]]:
    """Some columns of the rows of an instance, sorted."""
    found = table.scan(instance, list(columns)).read_all().to_pylist()
    return sorted(tuple(row.values()) for row in found)


@pytest.fixture
def opened(any_bench: Bench) -> Any:
    """A function that opens the same table of an empty lake, each time anew."""
    return lambda: any_bench.open_table(NAME)


def test_a_table_that_nothing_was_published_to(opened: Any) -> None:
    """It has no columns and no rows, and staging alone does not change that."""
    table = opened()
    stage(table, rows("b1", 1, "a"))
    table.refresh()

    assert (False, (), {}) == (table.exists, table.columns, table.sequences())
    assert (0, None) == (table.position("core").sequence, table.position("core").watermark)
    assert ([], set(), 0) == (
        list(table.known_versions("core", None)),
        table.distinct("_file", "core"),
        table.batch_rows("b1"),
    )
    assert not opened().exists


def test_rows_and_position_are_published_together(opened: Any) -> None:
    """Every column with its type, the position of the instance alone, and the watermark of its newest batch."""
    table = opened()
    publish(table, "b1", 1, "a", "b", Name="n", watermark='{"time": "2026-11-20T11:00:00+00:00"}')
    publish(table, "b2", 2, "c", watermark='{"time": "2026-11-20T11:30:00+00:00"}')
    publish(table, "e1", 1, "a", instance="emea")
    again = opened()

    assert {"core": 2, "emea": 1} == table.sequences() == again.sequences()
    assert (2, NOON - timedelta(minutes=30)) == (again.position("core").sequence, again.position("core").watermark)
    assert again.position("emea").watermark is None
    assert {"Name", *LINEAGE.names, *PARTITION_COLUMNS} == set(again.columns)
    assert [("a", "n"), ("b", "n"), ("c", None)] == sorted(held(again, "_record_id", "Name"))
    assert (2, 1, 0) == tuple(again.batch_rows(batch) for batch in ("b1", "b2", "b3"))
    whole = again.scan_after("core", 1).read_all()
    assert [("c", "core", NOON, 2)] == [
        (row["_record_id"], row["_instance"], row["_extracted_at"], row["_sequence"]) for row in whole.to_pylist()
    ]
    assert LINEAGE == whole.select(LINEAGE.names).cast(LINEAGE).schema
    assert [str(kind) for kind in LINEAGE.types] == [
        str(whole.schema.field(field).type).removesuffix("_view") for field in LINEAGE.names
    ]


def test_an_opened_table_keeps_what_it_has_seen(opened: Any) -> None:
    """Until it is refreshed."""
    publish(opened(), "b1", 1, "a")
    table = opened()
    publish(opened(), "b2", 2, "b")

    assert ([("a",)], 1) == (held(table, "_record_id"), table.position("core").sequence)
    table.refresh()
    assert ([("a",), ("b",)], 2) == (held(table, "_record_id"), table.position("core").sequence)


@pytest.mark.parametrize("sequence", [1, 2, 4])
def test_whoever_does_not_follow_the_newest_is_refused(opened: Any, sequence: int) -> None:
    """An equal, an older and a too new sequence of another batch publish nothing."""
    publish(opened(), "b1", 1, "a")
    publish(opened(), "b2", 2, "b")
    table = opened()

    with pytest.raises(StaleCommitError, match="another run published sequence 2"):
        publish(table, "other", sequence, "z")

    assert [("a",), ("b",)] == held(opened(), "_record_id")


def test_a_retry_replaces_its_own_batch_only(opened: Any) -> None:
    """The same batch under the same sequence has its new pages; those of the batches before stay."""
    publish(opened(), "b1", 1, "a")
    publish(opened(), "b2", 2, "b", "c")
    publish(opened(), "b2", 2, "b", "d")

    assert [("b1", "a"), ("b2", "b"), ("b2", "d")] == held(opened(), "_batch_id", "_record_id")
    assert 2 == opened().position("core").sequence
    publish(opened(), "b3", 3, "e")
    with pytest.raises(StaleCommitError):
        publish(opened(), "b2", 2, "b")


def test_only_the_pages_that_are_named_are_published(opened: Any) -> None:
    """What an attempt staged before it died is not, and a page that is lost is found out before anything is."""
    table = opened()
    stage(table, rows("b1", 1, "orphan"))
    pages = [stage(table, rows("b1", 1, "a")), stage(table, rows("b1", 1, "b"))]
    gone = StagedRows(path="no such page", row_count=1, columns=pages[0].columns, partition=pages[0].partition, size=1)
    half = StagedRows(**{**vars(pages[1]), "row_count": 2, "size": pages[1].size + 1})

    assert ["no such page"] == table.lost([*pages, gone])
    assert [pages[1].path] == table.lost([pages[0], half])
    with pytest.raises(LakeError, match="1 staged pages of batch b1 are gone"):
        table.publish("core", "b1", 1, [*pages, gone])
    assert not opened().exists
    table.publish("core", "b1", 1, pages)
    assert [("a",), ("b",)] == held(opened(), "_record_id")


def test_known_versions_are_those_from_a_time_on_and_those_without(opened: Any) -> None:
    """Perhaps more, because files and pages are looked at whole; never less."""
    table = opened()
    publish(table, "b1", 1, "a", "b", "c")
    timeless = rows("b2", 2, "t").to_pylist()[0] | {"_version_at": None}
    table.publish("core", "b2", 2, [stage(table, pa.Table.from_pylist([timeless], schema=rows("b2", 2).schema))])
    publish(table, "e1", 1, "z", instance="emea")

    def known(since: datetime | None) -> set[str]:
        batches = table.known_versions("core", since)
        return {value for batch in batches for value in batch.column("_record_id").to_pylist()}

    assert {"a", "b", "c", "t"} == known(None)
    assert {"b", "c", "t"} <= known(NOON + timedelta(minutes=1)) <= {"a", "b", "c", "t"}
    assert {"t"} == known(NOON + timedelta(hours=1))


def test_distinct_values_of_an_instance(opened: Any) -> None:
    """Without nulls and without those of other instances; a column that is not there has none."""
    table = opened()
    publish(table, "b1", 1, "a", _file="one")
    publish(table, "b2", 2, "b", _file="two")
    publish(table, "b3", 3, "c")
    publish(table, "e1", 1, "a", instance="emea", _file="three")

    assert ({"one", "two"}, set()) == (table.distinct("_file", "core"), table.distinct("_other", "core"))


def test_names_are_whatever_a_source_calls_them(any_bench: Bench) -> None:
    """Quotes, spaces, reserved words and letters of any alphabet."""
    table = any_bench.open_table('crm__select "from"')
    values = {"select": "1", "Ärger": "2", "a b": "3", "It's": "4", "Id": "5", "Zoë 😀": "'quoted'"}
    publish(table, "b'1", 1, "it's", instance="o'hara", **values)

    assert [tuple(values.values())] == held(table, *values, instance="o'hara")
    assert 1 == table.batch_rows("b'1")


def test_of_many_at_the_same_moment_one_is_published_per_instance(any_bench: Bench) -> None:
    """Four runs of each of two instances, on one new table: none is torn, and the others learn that they are late."""
    table = any_bench.open_table(NAME)
    work = [(instance, f"{instance}-{number}") for number in range(4) for instance in ("core", "emea")]
    staged = {batch: stage(table, rows(batch, 1, batch, f"{batch}+"), instance) for instance, batch in work}

    def run(one: tuple[str, str]) -> str:
        instance, batch = one
        try:
            any_bench.open_table(NAME).publish(instance, batch, 1, [staged[batch]])
        except StaleCommitError:
            return "stale"
        return instance

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(run, work))

    assert ["core", "emea", *["stale"] * 6] == outcomes
    for instance in ("core", "emea"):
        found = held(any_bench.open_table(NAME), "_record_id", instance=instance)
        assert 2 == len(found)
        assert f"{found[0][0]}+" == found[1][0]
