"""What a row is stamped with, and when it counts as known."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import reduce
from operator import xor

import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.extraction.lineage import BatchLineage, NewRows
from contact_sync.lake.bronze import LINEAGE
from contact_sync_tests.unit.extraction.memory_source import CONTACT, NOON, record

LINEAGE_OF_BATCH = BatchLineage(
    batch_id="batch",
    sequence=3,
    extracted_at=NOON,
    partition_date=date(2026, 11, 20),
    window_start=None,
    window_end=NOON,
    watermark="{}",
)


def texts(*rows: dict[str, str | None]) -> pa.Table:
    """Rows with the first one's columns, as sources give them."""
    return pa.Table.from_pylist(list(rows), pa.schema([(name, pa.string()) for name in rows[0]]))


def stamped(*rows: dict[str, str | None], known: pa.Table | None = None, **origin: str) -> list[dict[str, object]]:
    """Rows as they are staged."""
    batches = known.to_batches() if known is not None else []
    with closing(NewRows(CONTACT, LINEAGE_OF_BATCH, batches)) as new_rows:
        return new_rows.of_page(texts(*rows), origin).to_pylist()


@pytest.fixture
def far_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine far from Greenwich."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_lineage_is_complete_and_typed() -> None:
    """Every lineage column has its type; the row keeps its own columns and gets those of its origin."""
    with closing(NewRows(CONTACT, LINEAGE_OF_BATCH, [])) as new_rows:
        rows = new_rows.of_page(texts(record(1, NOON, Name="a")), {"_file": "key@etag"})

    assert {"Id", "ModifiedAt", "IsDeleted", "Name", "_file", *LINEAGE.names} == set(rows.column_names)
    assert [LINEAGE.field(name).type for name in LINEAGE.names] == [
        rows.schema.field(name).type for name in LINEAGE.names
    ]
    assert ("1", NOON, False) == tuple(
        rows.to_pylist()[0][name] for name in ("_record_id", "_version_at", "_is_deleted")
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T12:00:00.000Z", NOON),
        ("2026-11-20 10:11:12.123456+00", datetime(2026, 11, 20, 10, 11, 12, 123456, tzinfo=UTC)),
        ("2026-11-20 14:00:00+02", NOON),
        ("2026-11-20 12:00:00", NOON),
        ("yesterday", None),
        (None, None),
    ],
)
def test_source_times(far_zone: None, text: str | None, expected: datetime | None) -> None:
    """Times of every source are understood; one without a zone is UTC, wherever this machine is."""
    assert "Asia/Tokyo" == os.environ["TZ"]
    (row,) = stamped({"Id": "1", "ModifiedAt": text, "IsDeleted": None})

    assert expected == row["_version_at"]


def test_row_hash_depends_on_source_values_only() -> None:
    """Order of columns, empty ones and origin do not change the hash; a value or its column do."""
    base = stamped(record(1, NOON, Name="a", Email="b"))[0]["_row_hash"]
    same = [
        stamped({"Email": "b", **record(1, NOON, Name="a")})[0],
        stamped(record(1, NOON, Name="a", Email="b", Phone=None))[0],
        stamped(record(1, NOON, Name="a", Email="b"), _file="key@etag")[0],
    ]
    others = [
        stamped(record(1, NOON, Name="b", Email="a"))[0],
        stamped(record(1, NOON, Name="ab", Email=""))[0],
        stamped(record(1, NOON, Name="a"))[0],
    ]

    assert {base} == {row["_row_hash"] for row in same}
    assert 4 == len({base, *(row["_row_hash"] for row in others)})


def expected_hash(row: dict[str, str | None]) -> str:
    """The hash as its definition says, written down once more."""
    values = {name: value for name, value in sorted(row.items()) if value is not None}
    presence = reduce(xor, (xxhash.xxh3_64(name.encode()).intdigest() for name in values), 0)
    return xxhash.xxh3_128(b"".join(b"\xff" + value.encode() for value in values.values()), presence).hexdigest()


TEXT = st.none() | st.sampled_from(["", "\x1f", "ÿ", "NULL", "0"]) | st.text(max_size=5)


@given(st.lists(st.fixed_dictionaries({"Id": st.text("12", min_size=1), "A": TEXT, "B": TEXT, "C": TEXT}), min_size=1))
def test_row_hash_is_what_its_definition_says(rows: list[dict[str, str | None]]) -> None:
    """The hash is made of presence and values, so that any other program can make the same one."""
    with closing(NewRows(CONTACT, LINEAGE_OF_BATCH, [])) as new_rows:
        found = new_rows.of_page(texts(*rows), {}).column("_row_hash").to_pylist()

    assert [expected_hash(row) for row in rows] == found
    values = {tuple(sorted(row.items())) for row in rows}
    assert len(values) == len(set(found))


def test_rows_may_have_as_many_columns_as_objects_have_fields() -> None:
    """A row of 1,500 columns, some of them empty, has its hash."""
    rows = [{"Id": "1", **{f"c{number}": None if number % 3 else "x" for number in range(1_500)}}, {"Id": "2"}]

    assert [expected_hash(row) for row in rows] == [row["_row_hash"] for row in stamped(*rows)]


@pytest.mark.parametrize("is_ordered", [True, False])
def test_pages_are_compared_with_the_stretches_they_lie_in(is_ordered: bool) -> None:
    """Known rows are found wherever they are, in whatever order a source sends them."""
    rows = [record(f"{number:03}", NOON, Name="a") for number in range(60)]
    known = pa.Table.from_pylist(stamped(*rows[::2])).select(["_record_id", "_version_at", "_row_hash"])
    batches = known.to_batches(max_chunksize=4)
    pages = [rows[first : first + 10] for first in range(0, 60, 10)] if is_ordered else [rows[n::6] for n in range(6)]

    with closing(NewRows(CONTACT, LINEAGE_OF_BATCH, batches)) as new_rows:
        found = [new_rows.of_page(texts(*page), {})["_record_id"].to_pylist() for page in pages]

    assert [[row["Id"] for row in page if int(str(row["Id"])) % 2] for page in pages] == found


def test_known_rows_are_dropped() -> None:
    """A row is known by record id, time and hash together; a null time is a time like any other."""
    columns = ["_record_id", "_version_at", "_row_hash"]
    rows = [record(1, NOON), record(2, NOON), {**record(3, NOON), "ModifiedAt": None}]
    known = pa.Table.from_pylist(stamped(*rows), schema=None).select(columns)

    assert [] == stamped(*rows, known=known)
    assert ["1", "4"] == [
        row["_record_id"] for row in stamped(record(1, NOON, Name="new"), rows[1], record(4, NOON), known=known)
    ]


def test_rows_without_an_id_are_known_too() -> None:
    """A row whose record id is missing is compared with everything, and everything with it."""
    rows: list[dict[str, str | None]] = [record("5", NOON), {**record("x", NOON), "Id": None}]
    known = pa.Table.from_pylist(stamped(*rows)).select(["_record_id", "_version_at", "_row_hash"])

    assert [] == stamped(rows[1], known=known)
    assert [] == stamped(rows[0], known=known)
    assert ["9"] == [row["_record_id"] for row in stamped(record("9", NOON), rows[1], known=known)]


def test_deleted_flag() -> None:
    """`true` in any case is deleted, everything else is not."""
    rows = [{**record(number, NOON), "IsDeleted": text} for number, text in enumerate(["true", "TRUE", "false", None])]

    assert [True, True, False, False] == [row["_is_deleted"] for row in stamped(*rows)]


def test_objects_without_cursor_have_no_version() -> None:
    """A file's rows have no source time."""
    item = CONTACT.model_copy(update={"cursor": None, "deleted": None})
    with closing(NewRows(item, replace(LINEAGE_OF_BATCH, window_end=None), [])) as new_rows:
        (row,) = new_rows.of_page(texts(record(1, NOON)), {}).to_pylist()

    assert (None, False, None) == (row["_version_at"], row["_is_deleted"], row["_window_end"])
