"""Refusals whose reason may have passed are released; all others hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import WriteLedger
from contact_sync.sync.passed_refusals import release_passed

CONTACT = "salesforce__contact"
SECOND = timedelta(seconds=1)


@pytest.fixture
def ledger() -> Iterator[WriteLedger]:
    """A ledger in which nothing is noted."""
    database = StateDatabase("sqlite://")
    yield WriteLedger(database)
    database.close()


def refuse(ledger: WriteLedger, code: str, object_name: str = CONTACT) -> datetime:
    """Keep a refusal with this code; the time after it."""
    row = {"row_key": "a", "value_hash": "hash of a", "code": code, "message": ""}
    refused = pa.Table.from_pylist([row])
    ledger.keep_refusals(stage="update", instance="core", object_name=object_name, refused=refused)
    return datetime.now(UTC)


@pytest.mark.parametrize(
    ("code", "released"), [("DUPLICATES_DETECTED", 1), ("DUPLICATE_VALUE", 1), ("STRING_TOO_LONG", 0)]
)
def test_a_refusal_because_of_another_record_counts_for_a_day(ledger: WriteLedger, code: str, released: int) -> None:
    """The other record may be gone by then: the row is planned again, though its values are the same."""
    refused_at = refuse(ledger, code)

    assert 0 == release_passed(ledger, now=refused_at + timedelta(hours=23), read_up_to={})
    assert released == release_passed(ledger, now=refused_at + timedelta(hours=25), read_up_to={})
    assert 1 - released == ledger.refusals().num_rows


@pytest.mark.parametrize(("code", "released"), [("AMBIGUOUS_OUTCOME", 1), ("PARENT_NOT_FOUND", 1), ("NOT_KEPT", 0)])
def test_what_nobody_knew_counts_until_the_target_has_been_read(ledger: WriteLedger, code: str, released: int) -> None:
    """Only a reading that began after the refusal, of this object and instance, shows the truth."""
    before = datetime.now(UTC) - SECOND
    refused_at = refuse(ledger, code)
    after = refused_at + SECOND
    of_others = {(CONTACT, "emea"): after, ("salesforce__account", "core"): after}

    assert 0 == release_passed(ledger, now=after, read_up_to={**of_others, (CONTACT, "core"): before})
    assert 0 == release_passed(ledger, now=after, read_up_to={(CONTACT, "core"): None})
    assert released == release_passed(ledger, now=after, read_up_to={(CONTACT, "core"): after})
    assert 1 - released == ledger.refusals().num_rows
