"""Records that share a key, directly or through others, are one cluster; guards part what should not be one."""

from __future__ import annotations

import pytest

from contact_sync_tests.unit.identity.evidence_tables import clustered, cuts_of, evidence_of, groups_of


def test_a_chain_of_keys_is_one_cluster() -> None:
    """a-b share one key, b-c another one: all three belong together, d does not."""
    keys = [("a", "mail", "1"), ("b", "mail", "1"), ("b", "phone", "2"), ("c", "phone", "2"), ("d", "mail", "3")]

    assert {"abc", "d"} == groups_of(clustered("abcd", evidence_of(keys=keys)))


def test_one_text_is_a_key_of_its_own_under_each_rule() -> None:
    """A phone number and a postal code of the same digits join nobody."""
    keys = [("a", "phone", "1"), ("b", "postal_code", "1")]

    assert {"a", "b"} == groups_of(clustered("ab", evidence_of(keys=keys)))


def test_without_evidence_everybody_is_alone() -> None:
    """No keys, no clusters of two; no records, no clusters."""
    assert {"a", "b"} == groups_of(clustered("ab", evidence_of()))
    assert set() == groups_of(clustered("", evidence_of(keys=[("a", "mail", "1")])))


def test_evidence_about_unknown_records_joins_nobody() -> None:
    """A key, a score or a decision about a record that is gone does not join those who had to do with it."""
    keys = [("a", "mail", "1"), ("x", "mail", "1"), ("x", "phone", "2"), ("b", "phone", "2")]
    evidence = evidence_of(keys=keys, scored=[("bx", 1.0), ("cx", 1.0)], same=["dx"], different=["ex"])

    assert {"a", "b", "c", "d", "e"} == groups_of(clustered("abcde", evidence))


def test_evidence_may_be_repeated_any_number_of_times() -> None:
    """The same key 256 times is as good as once: counts of edges do not overflow."""
    keys = [("a", "mail", "1")] * 256 + [("b", "mail", "1")] * 256

    assert {"ab"} == groups_of(clustered("ab", evidence_of(keys=keys)))


def test_a_score_joins_from_the_threshold_upwards() -> None:
    """A pair at the threshold is one, below it is not; no cut is told of the one below."""
    clustering = clustered("abcd", evidence_of(scored=[("ab", 0.9), ("cd", 0.89)]))

    assert ({"ab", "c", "d"}, []) == (groups_of(clustering), cuts_of(clustering))


def test_a_steward_joins_what_nothing_else_does() -> None:
    """A decision needs no other evidence."""
    assert {"ab", "c"} == groups_of(clustered("abc", evidence_of(same=["ab"])))


def test_different_records_are_parted_at_the_weakest_evidence_between_them() -> None:
    """a and d are different: of a = b (two rules), b - c (score), c - d (rule) the score is cut, not the others."""
    keys = [("a", "mail", "1"), ("b", "mail", "1"), ("a", "phone", "2"), ("b", "phone", "2")]
    keys += [("c", "mail", "3"), ("d", "mail", "3")]
    clustering = clustered("abcd", evidence_of(keys=keys, scored=[("bc", 0.999)], different=["ad"]))

    assert ({"ab", "cd"}, [("bc", "decided")]) == (groups_of(clustering), cuts_of(clustering))


def test_a_decision_holds_against_a_key() -> None:
    """Two records that share a key are different persons if a steward says so."""
    keys = [("a", "mail", "1"), ("b", "mail", "1")]
    clustering = clustered("ab", evidence_of(keys=keys, different=["ab"]))

    assert ({"a", "b"}, [("ab", "decided")]) == (groups_of(clustering), cuts_of(clustering))


def test_no_guard_cuts_what_was_said_to_be_one() -> None:
    """The cut between a and c falls on a - b by a key, and never on b - c by a steward, however weak that looks."""
    keys = [("a", "mail", "1"), ("b", "mail", "1"), ("a", "phone", "2"), ("b", "phone", "2")]
    clustering = clustered("abc", evidence_of(keys=keys, same=["bc"], different=["ac"]))

    assert ({"a", "bc"}, [("ab", "decided")]) == (groups_of(clustering), cuts_of(clustering))


def test_a_contradiction_stays_one_and_is_told() -> None:
    """Merged in the source and decided to be different: the records stay one, and somebody has to look."""
    keys = [("x", "salesforce_merge", "a"), ("a", "salesforce_merge", "a"), ("x", "mail", "1"), ("b", "mail", "1")]
    clustering = clustered("ab", evidence_of(keys=keys, same=["ab"], different=["ax"]))

    assert ({"abx"}, [("ax", "contradiction")]) == (groups_of(clustering), cuts_of(clustering))


def test_a_merged_record_brings_its_people_to_its_master() -> None:
    """x was merged into a, and was known to be b: all three are one, though x is live no more."""
    keys = [("x", "salesforce_merge", "a"), ("a", "salesforce_merge", "a"), ("x", "mail", "1"), ("b", "mail", "1")]
    clustering = clustered("abc", evidence_of(keys=keys))

    assert {"abx", "c"} == groups_of(clustering)
    assert ["x"] == clustering.retired.to_pylist()


def test_records_that_are_all_gone_are_no_cluster() -> None:
    """Merged into a record that was deleted later: nobody is left to have a key."""
    keys = [("x", "salesforce_merge", "y"), ("y", "salesforce_merge", "y")]

    assert {"a"} == groups_of(clustered("a", evidence_of(keys=keys)))


def test_a_cluster_is_not_larger_than_people_are() -> None:
    """Six records in two triples, the limit is five: the triples are parted at the weaker link."""
    keys = [(record, "mail", "1") for record in "abc"] + [(record, "phone", "2") for record in "def"]
    clustering = clustered("abcdef", evidence_of(keys=keys, scored=[("cd", 0.999), ("ae", 0.998)]))

    assert ({"abc", "def"}, [("cd", "size")]) == (groups_of(clustering), cuts_of(clustering))


def test_a_steward_may_make_a_cluster_of_any_size() -> None:
    """What was said to be one is not limited."""
    assert {"abcdefg"} == groups_of(clustered("abcdefg", evidence_of(same=["ab", "bc", "cd", "de", "ef", "fg"])))


@pytest.mark.parametrize(
    ("scored", "expected", "cuts"),
    [
        ([("bc", 0.95)], {"ab", "cd"}, [("bc", "bridge")]),
        ([("bc", 0.99)], {"abcd"}, []),
        ([("bc", 0.95), ("ad", 0.94)], {"abcd"}, []),
        ([("be", 0.95)], {"abe", "cd"}, []),
    ],
)
def test_one_moderate_score_does_not_bridge_two_groups(
    scored: list[tuple[str, float]], expected: set[str], cuts: list[tuple[str, str]]
) -> None:
    """Two groups of two need a high score, or two scores; a single record is no group."""
    keys = [("a", "mail", "1"), ("b", "mail", "1"), ("c", "mail", "2"), ("d", "mail", "2")]
    clustering = clustered("abcde", evidence_of(keys=keys, scored=scored))

    assert (expected, cuts) == ({group for group in groups_of(clustering) if len(group) > 1}, cuts_of(clustering))


def test_groups_that_moderate_scores_made_are_groups_too() -> None:
    """a-b and c-d by scores, and b-c by a weaker one: the weakest alone does not make one person of four records."""
    clustering = clustered("abcd", evidence_of(scored=[("ab", 0.97), ("cd", 0.96), ("bc", 0.95)]))

    assert ({"ab", "cd"}, [("bc", "bridge")]) == (groups_of(clustering), cuts_of(clustering))


def test_the_model_alone_does_not_join_records_with_different_stamps() -> None:
    """a and b of one org are two people to it: a score does not change that, a shared key does."""
    stamps = [("a", "per_1"), ("b", "per_2")]
    clustering = clustered("abc", evidence_of(scored=[("ac", 1.0), ("bc", 0.999)], stamps=stamps))

    assert ({"ac", "b"}, [("bc", "stamps")]) == (groups_of(clustering), cuts_of(clustering))
    keys = [("a", "mail", "1"), ("b", "mail", "1")]
    assert {"ab", "c"} == groups_of(clustered("abc", evidence_of(keys=keys, scored=[("ac", 0.5)], stamps=stamps)))


def test_stamps_of_merged_keys_part_nobody() -> None:
    """Both stamps stand for one key: the model may join the records."""
    stamps = [("a", "per_1"), ("b", "per_1")]

    assert {"ab"} == groups_of(clustered("ab", evidence_of(scored=[("ab", 0.95)], stamps=stamps)))


def test_of_many_cuts_between_two_clusters_the_strongest_is_told() -> None:
    """Four keys run between two people that are different: one line for a steward, not four."""
    keys = [(record, "phone", "1") for record in "abcd"] + [(record, "mail", "2") for record in "ab"]
    keys += [(record, "mail", "3") for record in "cd"] + [("b", "name", "4"), ("c", "name", "4")]
    scored = [("ab", 0.99), ("cd", 0.99)]
    clustering = clustered("abcd", evidence_of(keys=keys, scored=scored, different=["ad"]))

    assert ({"ab", "cd"}, [("bc", "decided")]) == (groups_of(clustering), cuts_of(clustering))


def test_what_others_join_after_all_was_not_cut() -> None:
    """A score refused as a bridge, and a doubted key, tell of nothing when other evidence makes the records one."""
    keys = [("a", "mail", "1"), ("b", "mail", "1"), ("c", "mail", "2"), ("d", "mail", "2")]
    bridged = clustered("abcde", evidence_of(keys=keys, scored=[("bc", 0.98), ("be", 0.97), ("ce", 0.96)]))
    doubted = clustered("abc", evidence_of(keys=[(record, "mail", "1") for record in "abc"], scored=[("ab", 0.1)]))

    assert ({"abcde"}, []) == (groups_of(bridged), cuts_of(bridged))
    assert ({"abc"}, []) == (groups_of(doubted), cuts_of(doubted))


def test_the_model_contradicts_rules_but_no_stamp() -> None:
    """A score below the threshold parts two records that share a rule's key, not two that a stamp holds together."""
    for rule, groups in (("name_city", {"a", "b"}), ("stamp", {"ab"})):
        evidence = evidence_of(keys=[("a", rule, "1"), ("b", rule, "1")], scored=[("ab", 0.1)])
        assert groups == groups_of(clustered("ab", evidence))
