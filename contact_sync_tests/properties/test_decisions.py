"""Guards, decisions and keys for any evidence and any history of both."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from contact_sync.identity.cluster import Clustering
from contact_sync.identity.evidence import Evidence, Limits
from contact_sync_tests.unit.identity.evidence_tables import clustered, evidence_of, groups_of
from contact_sync_tests.unit.identity.history import History

RECORDS = "abcdefgh"
LIMITS = Limits(join=0.5, bridge=0.9, largest=5)
PAIR = st.sampled_from(["".join(pair) for pair in combinations(RECORDS, 2)])
KEYS = st.lists(
    st.tuples(st.sampled_from(RECORDS), st.sampled_from(["mail", "phone"]), st.sampled_from("12")), max_size=8
)
SCORES = st.dictionaries(PAIR, st.sampled_from([0.4, 0.6, 0.8, 0.95]), max_size=8)
DECISIONS = st.dictionaries(PAIR, st.sampled_from(["same", "different"]), max_size=4)
STAMPS = st.dictionaries(st.sampled_from(RECORDS), st.sampled_from(["per_1", "per_2"]), max_size=3)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Keys, scores, decisions and stamps about a few records."""
    decided = draw(DECISIONS)
    return evidence_of(
        keys=draw(KEYS),
        scored=draw(SCORES).items(),
        same=[pair for pair, verdict in decided.items() if verdict == "same"],
        different=[pair for pair, verdict in decided.items() if verdict == "different"],
        stamps=draw(STAMPS).items(),
    )


def pairs(table: pa.Table) -> list[tuple[str, str]]:
    """The two records of each row."""
    return [(row["record_key_1"], row["record_key_2"]) for row in table.to_pylist()]


def cluster_of(clustering: Clustering) -> dict[str, int]:
    """record -> number of its cluster."""
    return {row["record_key"]: row["cluster"] for row in clustering.clusters.to_pylist()}


@given(evidence=evidences())
def test_guards_hold_whatever_the_evidence(evidence: Evidence) -> None:
    """Every record is in one cluster; the same are together; the different are apart or told as a contradiction;
    a cluster larger than the limit was made by decisions; what is cut lies between two clusters.
    """
    clustering = clustered(RECORDS, evidence, LIMITS)
    cluster = cluster_of(clustering)
    contradictions = {
        (row["record_key_1"], row["record_key_2"])
        for row in clustering.cuts.to_pylist()
        if row["reason"] == "contradiction"
    }
    decided = groups_of(clustered(RECORDS, Evidence(match_keys=evidence.match_keys.slice(0, 0), same=evidence.same)))
    largest_decided = max(map(len, decided))

    assert list(RECORDS) == sorted(cluster)
    assert [] == [pair for pair in pairs(evidence.same) if cluster[pair[0]] != cluster[pair[1]]]
    together = {pair for pair in pairs(evidence.different) if cluster[pair[0]] == cluster[pair[1]]}
    assert together == contradictions
    assert max(map(len, groups_of(clustering))) <= max(LIMITS.largest, largest_decided)
    assert contradictions == {pair for pair in pairs(clustering.cuts) if cluster[pair[0]] == cluster[pair[1]]}


@given(evidence=evidences(), order=st.permutations(range(8)))
def test_clusters_depend_on_the_evidence_alone(evidence: Evidence, order: list[int]) -> None:
    """Another order of the rows of every table gives the same clusters and cuts."""
    shuffled = Evidence(
        **{
            name: table.take(pa.array([number for number in order if number < table.num_rows], pa.int64()))
            for name, table in vars(evidence).items()
        }
    )
    one, other = clustered(RECORDS, evidence, LIMITS), clustered(RECORDS, shuffled, LIMITS)

    assert groups_of(one) == groups_of(other)
    assert one.cuts.to_pylist() == other.cuts.to_pylist()


@settings(max_examples=settings.default.max_examples // 5, deadline=None)
@given(states=st.lists(evidences(), min_size=1, max_size=5))
def test_no_key_changes_without_an_event_whatever_is_decided(states: list[Evidence]) -> None:
    """Through any sequence of evidence and decisions: one key per cluster and one cluster per key, every change counted
    by an event, and every key ever given resolves to one in use.
    """
    history = History()
    try:
        had: dict[str, str] = {}
        for evidence in states:
            noted = len(history.events())
            groups = groups_of(clustered(RECORDS, evidence, LIMITS))
            now = history.resolve(*groups)
            members: dict[str, set[str]] = defaultdict(set)
            for record, key in now.items():
                members[key].add(record)

            assert groups == {"".join(sorted(group)) for group in members.values()}
            changed = sum(had.get(record) != key for record, key in now.items())
            assert changed == sum(count for _, _, _, count in history.events()[noted:])
            assert set(history.resolved().values()) == set(now.values())
            had = now
    finally:
        history.close()


def test_ten_increments_and_an_unmerge_replay_without_a_loss() -> None:
    """Records arrive in ten parts, with a wrong match on the way that a steward takes back: no key changes without an
    event, and after the unmerge everybody has the key from before, and the superseded one is in use again.
    """
    history = History()
    try:
        persons = {f"{person}{copy}": person for person in range(40) for copy in range(3)}
        records = sorted(persons, key=lambda record: (record[-1], record))
        keys: dict[str, str] = {}
        for part in range(10):
            live = records[: 12 * (part + 1)]
            groups = [[record for record in live if persons[record] == person] for person in range(40)]
            before, noted = keys, len(history.events())
            keys = history.resolve(*filter(None, groups))
            changes = sum(before.get(record) != key for record, key in keys.items())
            assert changes == sum(count for *_, count in history.events()[noted:])
            assert {} == {record: key for record, key in before.items() if keys[record] != key}

        groups = [[record for record in records if persons[record] == person] for person in range(40)]
        history.resolve([*groups[0], *groups[1]], *groups[2:])
        superseded = {key for key, current in history.resolved().items() if key != current}
        again = history.resolve(*groups)

        assert keys == again
        assert superseded <= set(again.values())
        assert set(again.values()) == set(history.resolved().values())
    finally:
        history.close()
