"""Joins the records of one doubtful component again, the strongest evidence first, and stops where a guard objects.

Strongest first makes the cut fall on the weakest evidence: two records that must not meet are parted at the weakest
edge of the strongest path between them. What a steward or a source system says is one is joined before anything else
and never cut. The order of the input does not matter. Does not belong here: which components are doubtful (cluster.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from contact_sync.identity.evidence import Limits


class Objection(StrEnum):
    """Why evidence did not join two groups of records."""

    CONTRADICTION = "contradiction"
    """Said to be one and decided to be two; they stay one."""
    DECIDED = "decided"
    """A steward decided that records of the two are different."""
    MODEL = "model"
    """They share the key of a rule, and everything else speaks against it."""
    SIZE = "size"
    """The cluster would be larger than people are."""
    STAMPS = "stamps"
    """Each side has a stamped record of one place, with keys that were never merged, and only the model joins them."""
    BRIDGE = "bridge"
    """One pair with a moderate score would join two groups that nothing else connects."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """What joins two records (by number, one < other): names of rules that match, and the model's score, if any.

    is_doubted: the model takes them for two.
    """

    one: int
    other: int
    rules: tuple[str, ...] = ()
    score: float | None = None
    is_doubted: bool = False

    @property
    def strength(self) -> float:
        """A rule counts one, and the score what it is."""
        return len(self.rules) + (self.score or 0.0)


@dataclass(frozen=True, kw_only=True)
class Component:
    """Records that evidence connects. same, different: pairs; stamps: record -> (place, key) of stamped ones."""

    records: Sequence[int]
    edges: Sequence[Edge]
    same: Sequence[tuple[int, int]] = ()
    different: Sequence[tuple[int, int]] = ()
    stamps: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """An edge that joined nothing, and why."""

    edge: Edge
    objection: Objection


@dataclass(slots=True)
class _Group:
    """Records joined so far, those they must not meet, the keys they carry by place, and the edges that leave them."""

    records: set[int]
    foes: set[int] = field(default_factory=set)
    stamps: dict[str, set[str]] = field(default_factory=dict)
    neighbours: list[int] = field(default_factory=list)

    def absorb(self, other: _Group) -> None:
        """Take over everything of another group."""
        self.records |= other.records
        self.foes |= other.foes
        self.neighbours += other.neighbours
        for place, keys in other.stamps.items():
            self.stamps.setdefault(place, set()).update(keys)


def guarded(component: Component, limits: Limits) -> tuple[list[set[int]], list[Cut]]:
    """The groups of records that remain one, and the evidence that was not followed; each record is in one group."""
    groups = _Groups(component)
    for one, other in component.same:
        groups.join(one, other)
    cuts = [
        Cut(edge=Edge(one=min(pair), other=max(pair)), objection=Objection.CONTRADICTION)
        for pair in component.different
        if groups.are_one(*pair)
    ]
    for edge in sorted(component.edges, key=lambda edge: (-edge.strength, edge.one, edge.other)):
        if groups.are_one(edge.one, edge.other):
            continue
        objection = Objection.MODEL if edge.is_doubted else groups.objection(edge, limits)
        if objection is None:
            groups.join(edge.one, edge.other)
        else:
            cuts.append(Cut(edge=edge, objection=objection))
    return groups.all(), cuts


class _Groups:
    """The groups of a component while it is joined."""

    def __init__(self, component: Component) -> None:
        self._group = {record: _Group(records={record}) for record in component.records}
        for one, other in component.different:
            self._group[one].foes.add(other)
            self._group[other].foes.add(one)
        for record, (place, key) in component.stamps.items():
            self._group[record].stamps[place] = {key}
        for edge in component.edges:
            self._group[edge.one].neighbours.append(edge.other)
            self._group[edge.other].neighbours.append(edge.one)

    def all(self) -> list[set[int]]:
        """The groups as they are now."""
        return [group.records for group in {id(group): group for group in self._group.values()}.values()]

    def are_one(self, one: int, other: int) -> bool:
        """Whether two records are in one group."""
        return self._group[one] is self._group[other]

    def join(self, one: int, other: int) -> None:
        """Make the groups of two records one."""
        left, right = self._group[one], self._group[other]
        if left is right:
            return
        larger, smaller = (left, right) if len(left.records) >= len(right.records) else (right, left)
        larger.absorb(smaller)
        for record in smaller.records:
            self._group[record] = larger

    def objection(self, edge: Edge, limits: Limits) -> Objection | None:
        """What speaks against joining two groups by an edge."""
        left, right = self._group[edge.one], self._group[edge.other]
        if not left.foes.isdisjoint(right.records):
            return Objection.DECIDED
        if len(left.records) + len(right.records) > limits.largest:
            return Objection.SIZE
        if edge.rules:
            return None
        if _has_two_keys(left.stamps, right.stamps):
            return Objection.STAMPS
        if (edge.score or 0.0) < limits.bridge and _is_bridge(left, right):
            return Objection.BRIDGE
        return None


def _has_two_keys(left: dict[str, set[str]], right: dict[str, set[str]]) -> bool:
    """Whether the sides carry different keys in one place."""
    return any(keys.isdisjoint(right[place]) for place, keys in left.items() if place in right)


def _is_bridge(left: _Group, right: _Group) -> bool:
    """Whether a single edge joins two groups of at least two records each."""
    smaller, larger = (left, right) if len(left.records) <= len(right.records) else (right, left)
    return len(smaller.records) > 1 and _crossing(smaller.neighbours, larger.records) == 1


def _crossing(neighbours: Iterable[int], records: set[int]) -> int:
    return sum(neighbour in records for neighbour in neighbours)
