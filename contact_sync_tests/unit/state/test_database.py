"""The operational database opens or says why not, and a ledger's time only moves forwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from contact_sync.errors import SettingsError, StorageError
from contact_sync.state.batches import BatchLedger, Reading
from contact_sync.state.database import BATCH, StateDatabase

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_times_come_back_as_utc(tmp_path: Path) -> None:
    """A time in any zone comes back as the same moment, in UTC and to the microsecond."""
    given = datetime(2026, 11, 20, 14, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with closing(StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")) as database:
        ledger = BatchLedger(database)
        ledger.note_reading("crm__contact", "core", Reading(read_up_to=given))
        found = ledger.reading("crm__contact", "core").read_up_to

    assert (given, "UTC") == (found, found.tzname() if found else None)


def test_readings_move_forwards_only(tmp_path: Path) -> None:
    """An older reading changes nothing; each of the two times moves alone."""
    with closing(StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")) as database:
        ledger = BatchLedger(database)
        for reading in (
            Reading(read_up_to=NOON),
            Reading(read_up_to=NOON - timedelta(hours=1), newest_version_at=NOON),
            Reading(newest_version_at=NOON - timedelta(hours=1)),
        ):
            ledger.note_reading("crm__contact", "core", reading)

        assert {("crm__contact", "core"): Reading(read_up_to=NOON, newest_version_at=NOON)} == ledger.readings()
        assert Reading() == ledger.reading("crm__contact", "emea")


def test_refused_files_are_kept_with_their_newest_reason(tmp_path: Path) -> None:
    """A file version has one reason; other objects have their own files."""
    with closing(StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")) as database:
        ledger = BatchLedger(database)
        ledger.refuse_file("drops__trade_show", "a.csv@1", "old")
        ledger.refuse_file("drops__trade_show", "a.csv@1", "new")

        assert {"a.csv@1": "new"} == ledger.refused_files("drops__trade_show")
        assert {} == ledger.refused_files("drops__other")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A damaged database is a StorageError that names the setting."""
    (tmp_path / "state.sqlite").write_bytes(b"this is no database at all" * 100)

    with pytest.raises(StorageError, match="CONTACT_SYNC_STATE"):
        StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A directory that cannot be made is named."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(StorageError, match=f"{tmp_path / 'file'}"):
        StateDatabase(f"sqlite:///{tmp_path / 'file/state.sqlite'}")


@pytest.mark.parametrize("url", ["nothing", "oracle://writer:secret@host/x", "unheard://writer:secret@host/x"])
def test_urls_that_cannot_be_used(url: str) -> None:
    """A URL that is none, or without a driver, names the setting and no password."""
    with pytest.raises(SettingsError, match="CONTACT_SYNC_STATE") as failure:
        StateDatabase(url)

    assert "secret" not in str(failure.value)


def test_a_full_database(tmp_path: Path) -> None:
    """SQLite's own limit is reached: a StorageError, and what was written before is still there."""
    with closing(StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")) as database:
        ledger = BatchLedger(database)
        ledger.refuse_file("drops__trade_show", "a.csv@1", "short")
        with sqlite3.connect(tmp_path / "state.sqlite") as connection:
            pages = connection.execute("pragma page_count").fetchone()[0]
        connection.close()
        sa.event.listen(
            database.engine, "begin", lambda opened: opened.exec_driver_sql(f"pragma max_page_count = {pages}")
        )

        with pytest.raises(StorageError, match="full"):
            ledger.refuse_file("drops__trade_show", "b.csv@1", "long" * 100_000)
        assert ["a.csv@1"] == list(ledger.refused_files("drops__trade_show"))


def test_a_wrong_statement_is_no_storage_error(tmp_path: Path) -> None:
    """A mistake of ours is not blamed on the disk."""
    with (
        closing(StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")) as database,
        pytest.raises(sa.exc.IntegrityError),
        database.transaction() as connection,
    ):
        connection.execute(sa.insert(BATCH).values(batch_id="b", object_name=None))


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    """A database whose tables were made by another version is refused with what to do, not used by halves."""
    path = tmp_path / "state.sqlite"
    StateDatabase(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update schema_version set fingerprint = 'older'")

    with pytest.raises(StorageError, match="another version") as refused:
        StateDatabase(f"sqlite:///{path}")

    assert "CONTACT_SYNC_STATE" in refused.value.remedy
