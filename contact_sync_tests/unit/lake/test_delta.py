"""What is Delta Lake's own: what it cannot hold is an error that names the object."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contact_sync.errors import LakeError
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record


def test_columns_that_differ_in_case_only_are_refused(delta_bench: Bench) -> None:
    """At once, or when the second one comes later; nothing is published of them."""
    crm = MemorySource()
    crm.put(record("1", NOON - timedelta(minutes=2), name="a", Name="b"))
    with pytest.raises(LakeError, match="crm__contact: columns Name and name differ in case only"):
        delta_bench.run(crm)
    assert [] == delta_bench.rows()

    crm.records.clear()
    crm.put(record("1", NOON - timedelta(minutes=2), name="a"))
    delta_bench.later(minutes=1)
    delta_bench.run(crm)
    crm.put(record("2", NOON, NAME="b"))
    delta_bench.later(minutes=1)
    with pytest.raises(LakeError, match="differ in case only"):
        delta_bench.run(crm)
    assert [("a",)] == [(row["name"],) for row in delta_bench.rows("name")]
