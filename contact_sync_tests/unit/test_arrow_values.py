"""Arrow values that are laid out by hand are what pyarrow itself makes of the same Python values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync import arrow_values


@given(st.lists(st.none() | st.text()))
def test_texts(values: list[str | None]) -> None:
    """Text of every length and script, empty and missing text."""
    made = arrow_values.texts(values)

    made.validate(full=True)
    assert pa.array(values, pa.string()).equals(made)


@given(st.lists(st.text(), min_size=1), st.data())
def test_offsets_of_a_slice(values: list[str], data: st.DataObject) -> None:
    """The offsets of a part of a column cut its own values out of the content."""
    start = data.draw(st.integers(0, len(values)))
    part = arrow_values.texts(values).slice(start)
    ends, content = arrow_values.offsets_of(part).tolist(), part.buffers()[2].to_pybytes()

    assert values[start:] == [content[low:high].decode() for low, high in pairwise(ends)]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (arrow_values.text("ü"), pa.scalar("ü")),
        (arrow_values.text(None), pa.scalar(None, pa.string())),
        (arrow_values.binary(b"\xff"), pa.scalar(b"\xff")),
        (arrow_values.integer(-(2**63)), pa.scalar(-(2**63))),
        (arrow_values.flag(value=True), pa.scalar(True)),
        (arrow_values.flag(value=False), pa.scalar(False)),
        (arrow_values.day(date(1969, 12, 31)), pa.scalar(date(1969, 12, 31))),
        (arrow_values.moment(None), pa.scalar(None, arrow_values.MOMENT)),
        (
            arrow_values.moment(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
            pa.scalar(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), arrow_values.MOMENT),
        ),
    ],
)
def test_single_values(made: pa.Scalar, expected: pa.Scalar) -> None:
    """Single values of every kind, also before 1970."""
    assert expected == made or (not expected.is_valid and not made.is_valid)
    assert expected.type == made.type
