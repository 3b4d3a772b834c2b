"""Records that share a key, directly or through others, are one cluster."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa

from contact_sync.identity.cluster import cluster


def clusters_of(records: list[str], evidence: list[tuple[str, str]]) -> set[frozenset[str]]:
    """The clusters as sets of records."""
    found = cluster(
        pa.chunked_array([records], pa.string()),
        pa.table(
            {
                "record_key": pa.array([record for record, _ in evidence], pa.string()),
                "match_key": pa.array([key for _, key in evidence], pa.string()),
            }
        ),
    )
    members: dict[int, set[str]] = defaultdict(set)
    for row in found.to_pylist():
        members[row["cluster"]].add(row["record_key"])
    assert len(records) == found.num_rows
    return {frozenset(group) for group in members.values()}


def test_a_chain_of_keys_is_one_cluster() -> None:
    """a-b share one key, b-c another one: all three belong together, d does not."""
    evidence = [("a", "1"), ("b", "1"), ("b", "2"), ("c", "2"), ("d", "3")]

    assert {frozenset("abc"), frozenset("d")} == clusters_of(list("abcd"), evidence)


def test_without_evidence_everybody_is_alone() -> None:
    """No keys, no clusters of two; no records, no clusters."""
    assert {frozenset("a"), frozenset("b")} == clusters_of(["a", "b"], [])
    assert set() == clusters_of([], [("a", "1")])


def test_evidence_about_unknown_records_joins_nobody() -> None:
    """A key of a record that is gone does not join those who shared another one with it."""
    assert {frozenset("a"), frozenset("b")} == clusters_of(
        ["a", "b"], [("a", "1"), ("gone", "1"), ("gone", "2"), ("b", "2")]
    )


def test_evidence_may_be_repeated_any_number_of_times() -> None:
    """The same key 256 times is as good as once: counts of edges do not overflow."""
    assert {frozenset("ab")} == clusters_of(["a", "b"], [("a", "1")] * 256 + [("b", "1")] * 256)
