"""Published tables: replaced in one commit, nothing of their values in the log, memory for a batch."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from contact_sync.errors import LakeError, StorageError
from contact_sync.lake.location import LakeLocation
from contact_sync.lake.published import is_published, publish, read_published, remove_replaced

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEOPLE = pa.table(
    {
        "person_key": ["per_1", "per_2"],
        "email": ["ann@adams.example", None],
        "amount": pa.array([Decimal("1.20"), None], pa.decimal128(18, 2)),
        "updated_at": pa.array([NOON, None], pa.timestamp("ns", "Europe/Berlin")),
        "fax": pa.nulls(2),
    }
)


@pytest.fixture
def location(tmp_path: Path) -> LakeLocation:
    """An empty lake."""
    return LakeLocation(root=str(tmp_path / "lake"))


def test_what_is_published_is_read(location: LakeLocation) -> None:
    """Values and times as they were; a column of which nothing is known is text."""
    assert not is_published(location, "gold", "contact")
    publish(location, "gold", "contact", PEOPLE)

    found = read_published(location, "gold", "contact")

    assert PEOPLE.to_pylist() == found.to_pylist()
    assert pa.string() == found.schema.field("fax").type


def test_a_publication_replaces_rows_and_columns_in_one_commit(location: LakeLocation) -> None:
    """Also when there are none any more; whoever had opened the table before goes on reading what it was."""
    publish(location, "gold", "contact", PEOPLE)
    opened = DeltaTable(location.table_url("gold", "contact"))
    publish(location, "gold", "contact", pa.table({"person_key": pa.array([], pa.string()), "age": [1][:0]}))

    now = DeltaTable(location.table_url("gold", "contact"))

    assert (0, 1) == (opened.version(), now.version())
    assert (0, ["person_key", "age"]) == (now.count(), read_published(location, "gold", "contact").column_names)
    assert 2 == opened.to_pyarrow_table().num_rows


def test_no_value_is_in_the_log(location: LakeLocation) -> None:
    """Neither as a statistic nor in a name, after the first and after later publications."""
    for _ in range(2):
        publish(location, "gold", "contact", PEOPLE)

    logs = [path.read_text() for path in Path(location.root).rglob("_delta_log/*.json")]

    assert 2 == len(logs)
    assert [] == [text for text in logs if "adams" in text or "per_1" in text]


def test_files_of_replaced_tables_go_after_a_day(location: LakeLocation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, for somebody may be reading them; nothing else goes, and a lake without tables is no error."""
    assert 0 == remove_replaced(location)
    for _ in range(3):
        publish(location, "gold", "contact", PEOPLE)
    publish(location, "activation", "plan", PEOPLE)
    assert 0 == remove_replaced(location)
    monkeypatch.setattr("contact_sync.lake.published.RETENTION_HOURS", 0)

    assert 2 == remove_replaced(location)
    for layer, name in (("gold", "contact"), ("activation", "plan")):
        assert PEOPLE.to_pylist() == read_published(location, layer, name).to_pylist()


def test_what_was_never_published_is_an_error_with_a_remedy(location: LakeLocation) -> None:
    """And a lake that cannot be written names the table."""
    with pytest.raises(LakeError, match="gold/contact was not published yet"):
        read_published(location, "gold", "contact")
    Path(location.root).parent.joinpath("lake").write_text("a file where the lake should be")
    with pytest.raises(StorageError, match="table gold/contact"):
        publish(location, "gold", "contact", PEOPLE)


def test_memory_is_that_of_a_batch(tmp_path: Path) -> None:
    """Publishing 200,000 rows of 15 columns, 150 MB, takes less than 70 MB more than the program itself."""
    program = """
import resource, sys
import pyarrow as pa
from pathlib import Path
from contact_sync.lake.location import LakeLocation
from contact_sync.lake.published import publish_file, spool

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

schema = pa.schema([(f"c{number}", pa.string()) for number in range(15)])
def batches():
    for number in range(20):
        column = pa.array([f"{number:08}{row:042}" for row in range(10_000)])
        yield pa.record_batch([column] * 15, schema=schema)

home = Path(sys.argv[1])
next(batches())
before = peak()
spool(pa.RecordBatchReader.from_batches(schema, batches()), home / "wide.parquet")
publish_file(LakeLocation(root=str(home / "lake")), "gold", "wide", home / "wide.parquet")
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert 200_000 == DeltaTable(str(tmp_path / "lake/gold/wide")).count()
    assert float(done.stdout) < 70
