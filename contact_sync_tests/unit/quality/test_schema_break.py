"""Which changes of a schema break silver: a field that is read and gone, or of a type that does not fit any more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from contact_sync.quality.schema_break import schema_breaks
from contact_sync.state.schemas import SchemaVersion
from contact_sync.warehouse.types import casts

MODEL = "select {{ as_text('Email') }} as email, {{ as_decimal('Amount') }} as amount, {{ as_date('Day') }} as day"
READ = {"Email", "Amount", "Day"}
AMOUNT = {"type": "currency", "precision": 18, "scale": 2}
WIDE = {"type": "currency", "precision": 38, "scale": 18}


def version(number: int, gone: dict[str, str] | None = None, **fields: dict[str, Any]) -> SchemaVersion:
    """A version with these fields."""
    return SchemaVersion(version=number, noted_at=datetime(2026, 11, 20, tzinfo=UTC), fields=fields, gone=gone or {})


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([], []),
        ([version(1, Amount=AMOUNT)], []),
        ([version(1, Amount=AMOUNT), version(2, Amount={**AMOUNT, "precision": 16})], []),
        ([version(1, Amount=AMOUNT), version(2, {"Amount": "removed"})], ["Amount is removed"]),
        ([version(1, Amount=AMOUNT), version(2, {"Amount": "hidden"})], ["Amount is hidden"]),
        ([version(1, Amount=AMOUNT), version(2, {"Fax": "hidden"}, Amount=AMOUNT)], []),
        ([version(1, Amount=AMOUNT), version(2, {"Amount": "hidden"}), version(3, Amount=AMOUNT)], []),
        ([version(1, Amount=WIDE)], []),
        (
            [version(1, Amount=AMOUNT), version(2, Amount=WIDE)],
            ["Amount is retyped (amount is decimal(18, 2), Amount is described as decimal(38, 18))"],
        ),
        ([version(1, Amount=AMOUNT), version(2, Amount=WIDE), version(3, Amount=AMOUNT)], []),
        ([version(1, Day={"type": "date"}), version(2, Day={"type": "string"})], []),
    ],
)
def test_breaks(history: list[SchemaVersion], expected: list[str]) -> None:
    """Only fields that are read count, only the newest version, and a type that never fitted is the model's choice."""
    assert expected == [str(one) for one in schema_breaks(READ, casts(MODEL), history)]


def test_a_field_that_may_go() -> None:
    """A field that the contract calls optional breaks nothing."""
    history = [version(1, Amount=AMOUNT), version(2, {"Email": "removed"}, Amount=WIDE)]

    assert ["Email"] == [one.field for one in schema_breaks(READ, casts(MODEL), history, {"Amount"})]
