"""Keys stay with their people: who keeps a key, who loses it, what it then stands for, and how it comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contact_sync_tests.unit.identity.history import History


@pytest.fixture
def history() -> Iterator[History]:
    """A ledger in which nothing is noted yet."""
    history = History()
    yield history
    history.close()


def test_the_same_clusters_keep_their_keys_without_an_event(history: History) -> None:
    """A second resolution of the same records changes nothing and notes nothing."""
    first = history.resolve("ab", "c")
    noted = history.events()

    assert first == history.resolve("c", "ba")
    assert noted == history.events()
    assert {"create"} == {kind for kind, *_ in noted}


def test_a_record_that_joins_gets_the_key_of_its_cluster(history: History) -> None:
    """The key is that of those who were there, even if the newcomer's record key comes first."""
    key = history.resolve("b")["b"]

    assert {"a": key, "b": key} == history.resolve("ab")
    assert ("join", key, None, 1) == history.events()[-1]


def test_joined_clusters_keep_the_oldest_key_and_the_other_resolves_to_it(history: History) -> None:
    """The younger key is superseded, by an event that says how many records it cost."""
    old = history.resolve("c")["c"]
    young = history.resolve("c", "ab")["a"]

    assert {"a": old, "b": old, "c": old} == history.resolve("abc")
    assert ("merge", old, young, 2) == history.events()[-1]
    assert {old: old, young: old} == history.resolved()


def test_superseded_keys_resolve_through_chains(history: History) -> None:
    """However often a key's successor is superseded itself, it stands for the key in use."""
    first = history.resolve("a")["a"]
    second = history.resolve("a", "b")["b"]
    third = history.resolve("a", "b", "c")["c"]
    history.resolve("a", "bc")
    history.resolve("abc")

    assert {first: first, second: first, third: first} == history.resolved()


def test_a_split_leaves_the_key_with_the_majority(history: History) -> None:
    """The part with most of the records keeps the key, the other gets a new one."""
    key = history.resolve("abcd")["a"]
    after = history.resolve("a", "bcd")

    assert {"b": key, "c": key, "d": key} == {record: after[record] for record in "bcd"}
    assert key != after["a"]
    assert ("split", after["a"], key, 1) == history.events()[-1]


def test_a_cut_edge_gives_the_earlier_key_back(history: History) -> None:
    """What was joined by mistake is as before once it is parted again."""
    before = history.resolve("ab", "cd", "e")
    history.resolve("abcd", "e")

    assert before == history.resolve("ab", "cd", "e")
    assert set(before.values()) == {key for key, current in history.resolved().items() if key == current}


def test_the_earlier_key_comes_back_to_a_cluster_that_has_grown(history: History) -> None:
    """A record that joined later and comes first by name does not keep the cluster from its key."""
    old = history.resolve("x")["x"]
    young = history.resolve("x", "b")["b"]
    history.resolve("x", "ab")
    history.resolve("xab")

    assert {"x": old, "a": young, "b": young} == history.resolve("x", "ab")
    assert ("split", young, old, 2) == history.events()[-1]


def test_parts_of_a_superseded_key_that_went_elsewhere_were_split_not_merged(history: History) -> None:
    """A merge is noted only for the key that took over."""
    old = history.resolve("x")["x"]
    young = history.resolve("x", "abc")["a"]
    after = history.resolve("xab", "c")

    assert [("merge", old, young, 2), ("split", after["c"], young, 1)] == sorted(history.events()[-2:])


def test_a_new_key_is_never_one_that_was_given_before(history: History) -> None:
    """If the key derived from a record stays with others, the record gets another one."""
    key = history.resolve("abc")["a"]
    after = history.resolve("a", "bc")

    assert {"b": key, "c": key} == {record: after[record] for record in "bc"}
    assert key != after["a"]
    assert after == history.resolve("a", "bc")


def test_records_that_vanish_and_come_back_keep_their_key(history: History) -> None:
    """An outage of a source costs nobody its key."""
    before = history.resolve("ab", "c")
    during = history.resolve("c")

    assert before["c"] == during["c"]
    assert before == history.resolve("ab", "c")


def test_a_record_that_was_away_during_a_merge_comes_back_to_its_successor(history: History) -> None:
    """Its key is superseded meanwhile; with its people again it has theirs, and alone it changes only by an event."""
    old = history.resolve("x")["x"]
    young = history.resolve("x", "ab")["a"]
    history.resolve("xa")

    assert {"x": old, "a": old, "b": old} == history.resolve("xab")
    history.resolve("xa")
    noted = len(history.events())
    after = history.resolve("xa", "b")
    assert old == after["x"]
    assert [("split", after["b"], old, 1)] == history.events()[noted:]
    assert old == history.resolved()[young]


def test_an_assignment_is_the_same_whatever_the_numbers_of_the_clusters(history: History) -> None:
    """Keys depend on records and the ledger, never on the order of the input."""
    history.resolve("ab", "cd", "e")
    one, other = history.assignment("abc", "d", "ef"), history.assignment("fe", "d", "cba")

    assert sorted(map(str, one.links.to_pylist())) == sorted(map(str, other.links.to_pylist()))
    assert one.events.to_pylist() == other.events.to_pylist()
