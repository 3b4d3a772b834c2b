"""Record ids: checksum, canonical form and order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.simulator.salesforce.ids import canonical_id, make_id, number_of, pod_of


@pytest.mark.parametrize(
    ("short", "whole"),
    [("a0BA0000000L2ZC", "a0BA0000000L2ZCMA0"), ("003000000000001", "003000000000001AAA")],
)
def test_checksum_of_known_ids(short: str, whole: str) -> None:
    """The 18-character form of ids from the documentation comes out as documented."""
    assert whole == canonical_id(short)


@pytest.mark.parametrize("wrong", ["", "003", "003000000000001AAB", "0030000000000-1", "003000000000001AA"])
def test_malformed_ids_have_no_canonical_form(wrong: str) -> None:
    """An id of wrong length, letters or checksum is not an id."""
    assert canonical_id(wrong) is None


@given(st.integers(0, 62**9 - 1), st.integers(0, 62**9 - 1))
def test_ids_sort_like_their_numbers(first: int, second: int) -> None:
    """Ids of one object sort by number, and give the number back."""
    one, two = make_id("003", pod_of("core"), first), make_id("003", pod_of("core"), second)

    assert (first < second) == (one[:15] < two[:15])
    assert first == number_of(one)
    assert one == canonical_id(one)
