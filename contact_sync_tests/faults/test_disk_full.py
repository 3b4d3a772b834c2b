"""A full disk, at every write there is: an error that says what could not be written, and nothing half."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from deltalake import DeltaTable

from contact_sync.errors import StorageError
from contact_sync.lake import published
from contact_sync.lake.location import LakeLocation
from contact_sync_tests.faults.effects import Effects
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record

SUBJECTS = ("a page of bronze table crm__contact", "the log of bronze table crm__contact", "operational database")


def no_space() -> OSError:
    """What the operating system says."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def source() -> MemorySource:
    """Three records in two pages."""
    made = MemorySource(page_rows=2)
    made.put(*(record(number, NOON - timedelta(minutes=number + 1)) for number in range(3)))
    return made


@contextmanager
def failing_writes(bench: Bench, effects: Effects) -> Iterator[None]:
    """Count every write of an extraction: pages, fsync, the Delta log, statements of the operational database."""

    def statement(cursor: Any, text: str, *_: object) -> None:
        if text.startswith(("INSERT", "UPDATE", "DELETE")):
            try:
                with effects.effect("statement"):
                    pass
            except OSError:
                raise sqlite3.OperationalError("database or disk is full") from None

    with pytest.MonkeyPatch.context() as patch:
        effects.watch(pq, "write_table", patch)
        effects.watch(os, "fsync", patch)
        effects.watch(DeltaTable, "create", patch)
        effects.watch(DeltaTable, "create_write_transaction", patch)
        sa.event.listen(bench.database.engine, "do_execute", statement)
        yield
        sa.event.remove(bench.database.engine, "do_execute", statement)


def test_every_write_of_an_extraction(tmp_path: Path) -> None:
    """The Nth write fails, for every N: StorageError names what, bronze is empty or whole, and a rerun is faultless."""
    with closing(Bench(tmp_path / "faultless")) as bench:
        counted = Effects()
        with failing_writes(bench, counted):
            bench.run(source())
        expected = bench.rows()
    assert {"write_table", "fsync", "create", "create_write_transaction", "statement"} == set(counted.names)

    for fatal, name in enumerate(counted.names, start=1):
        with closing(Bench(tmp_path / str(fatal))) as bench:
            crm = source()
            with failing_writes(bench, Effects(error=no_space, fatal=fatal)), pytest.raises(StorageError) as failure:
                bench.run(crm)

            assert any(subject in str(failure.value) for subject in SUBJECTS), (name, str(failure.value))
            assert bench.rows() in ([], expected)
            bench.run(crm)
            assert expected == bench.rows(), (fatal, name)
            assert "open" not in bench.states()


def test_published_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A publication that finds no space says which table, and readers keep the old one."""
    location = LakeLocation(root=str(tmp_path / "lake"))
    published.publish(location, "gold", "contact", pa.table({"person_key": ["old"]}))
    with monkeypatch.context() as patch:
        Effects(error=no_space, fatal=1).watch(DeltaTable, "create_write_transaction", patch)
        with pytest.raises(StorageError, match="table gold/contact"):
            published.publish(location, "gold", "contact", pa.table({"person_key": ["new"]}))

    assert ["old"] == published.read_published(location, "gold", "contact").column(0).to_pylist()
    published.publish(location, "gold", "contact", pa.table({"person_key": ["new"]}))
    assert ["new"] == published.read_published(location, "gold", "contact").column(0).to_pylist()


def test_a_real_full_disk(tmp_path: Path, small_disk: Path) -> None:
    """With less and less room missing, each run fails as StorageError or ends; what is there is never half."""
    crm = MemorySource(page_rows=100)
    crm.put(*(record(number, NOON - timedelta(hours=1)) for number in range(100)))
    with closing(Bench(tmp_path)) as bench:
        bench.location = LakeLocation(root=str(small_disk))
        bench.extractor = bench.make_extractor(timedelta(0))
        bench.run(crm)
        failures = []
        crm.put(*(record(number, NOON, Name=os.urandom(500).hex()) for number in range(100)))
        bench.later(minutes=1)
        for room in range(0, 1_000_000, 20_000):
            with filled(small_disk, room):
                try:
                    bench.run(crm)
                    break
                except StorageError as error:
                    failures.append(str(error))
            assert 100 == len(bench.rows())

        assert 200 == len(bench.rows())
        assert failures
        assert all("No space left while writing" in text and "crm__contact" in text for text in failures)


@contextmanager
def filled(disk: Path, room: int) -> Iterator[None]:
    """Fill a disk up to some room."""
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    ballast.write_bytes(b"\0" * max(0, free.f_bavail * free.f_frsize - room))
    yield
    ballast.unlink()
