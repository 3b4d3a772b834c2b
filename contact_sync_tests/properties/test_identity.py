"""Clusters and keys for any evidence and any history of it."""

from __future__ import annotations

from collections import Counter, defaultdict

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_sync.identity.cluster import cluster
from contact_sync_tests.unit.identity.evidence_tables import evidence_of
from contact_sync_tests.unit.identity.history import History

RECORDS = st.sampled_from("abcdefghij")
EVIDENCE = st.lists(st.tuples(RECORDS, st.sampled_from("12345678")), max_size=30)
# One state of the world: which records are live, and into which of a few groups each of them falls.
GROUPING = st.dictionaries(RECORDS, st.integers(0, 4), max_size=10)


def union_find(records: set[str], evidence: list[tuple[str, str]]) -> dict[str, str]:
    """The textbook algorithm: record -> representative of its component."""
    parent = {record: record for record in records}

    def root(record: str) -> str:
        while parent[record] != record:
            record = parent[record]
        return record

    owner: dict[str, str] = {}
    for record, key in evidence:
        if record in parent:
            parent[root(record)] = root(owner.setdefault(key, record))
    return {record: root(record) for record in records}


def groups_of(labels: dict[str, object]) -> set[frozenset[str]]:
    """The sets of records with the same label."""
    members: dict[object, set[str]] = defaultdict(set)
    for record, label in labels.items():
        members[label].add(record)
    return {frozenset(group) for group in members.values()}


@given(records=st.sets(RECORDS), evidence=EVIDENCE)
def test_clusters_are_the_connected_components(records: set[str], evidence: list[tuple[str, str]]) -> None:
    """Whatever the evidence, the clusters are those of a plain union-find."""
    known = evidence_of(keys=[(record, "rule", key) for record, key in evidence])
    found = cluster(pa.chunked_array([sorted(records)], pa.string()), known)
    labels: dict[str, object] = {row["record_key"]: row["cluster"] for row in found.clusters.to_pylist()}

    assert groups_of(dict(union_find(records, evidence))) == groups_of(labels)


@settings(max_examples=settings.default.max_examples // 5, deadline=None)
@given(states=st.lists(GROUPING, min_size=1, max_size=6))
def test_no_key_changes_without_an_event(states: list[dict[str, int]]) -> None:
    """Through any sequence of states: one key per cluster and one cluster per key; every record whose key is another
    than the one it had is counted by an event that names both; every key ever given resolves to one in use.
    """
    history = History()
    try:
        had: dict[str, str] = {}
        for state in states:
            noted = len(history.events())
            now = history.resolve(*groups_of(dict(state)))
            events = history.events()[noted:]

            assert groups_of(dict(state)) == groups_of(dict(now))
            # A record that was away during a merge is told of it by the merge: its key resolves to the successor.
            assert changed(had, now) == Counter({(key, other): count for _, key, other, count in events})
            resolved = history.resolved()
            assert {} == {key: current for key, current in resolved.items() if resolved[current] != current}
            assert set(now.values()) <= {key for key, current in resolved.items() if key == current}
            merged = {other: key for kind, key, other, _ in events if kind == "merge"}
            had = {record: merged.get(key, key) for record, key in had.items()} | now
    finally:
        history.close()


def changed(had: dict[str, str], now: dict[str, str]) -> Counter[tuple[str, str | None]]:
    """(new key, old key) -> how many records went from one to the other."""
    return Counter((key, had.get(record)) for record, key in now.items() if key != had.get(record))


@settings(max_examples=settings.default.max_examples // 5, deadline=None)
@given(before=GROUPING, joined=st.sets(st.integers(0, 4), min_size=2))
def test_joining_and_parting_again_restores_every_key(before: dict[str, int], joined: set[int]) -> None:
    """Whichever clusters are joined by mistake, all keys are as before when the edge is cut."""
    history = History()
    try:
        keys = history.resolve(*groups_of(dict(before)))
        mistaken = {record: min(joined) if group in joined else group for record, group in before.items()}
        history.resolve(*groups_of(dict(mistaken)))

        assert keys == history.resolve(*groups_of(dict(before)))
    finally:
        history.close()


@settings(max_examples=settings.default.max_examples // 8, deadline=None)
@given(states=st.lists(GROUPING, min_size=1, max_size=3), last=GROUPING)
def test_resolving_a_state_again_changes_nothing(states: list[dict[str, int]], last: dict[str, int]) -> None:
    """After a crash between ledger and warehouse the rerun gives the same links and notes nothing."""
    history = History()
    try:
        for state in [*states, last]:
            history.resolve(*groups_of(dict(state)))
        noted = history.events()
        again = history.assignment(*groups_of(dict(last)))

        assert [0] * 5 == [
            rows.num_rows for rows in (again.moved, again.created, again.reinstated, again.superseded, again.events)
        ]
        assert noted == history.events()
    finally:
        history.close()
