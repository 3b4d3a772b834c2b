"""Which records belong together: connected components of the evidence, the doubtful ones joined again under guards.

Nearly all components raise no doubt, so that they cost what connected components cost; pure, numbers in numpy. Does not
belong here: where evidence comes from, the guards themselves (guards.py), and the name a cluster gets (assign.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contact_sync.identity.evidence import SAID_BY_SYSTEMS, STAMP, Evidence, Limits
from contact_sync.identity.graph import Graph, graph_of
from contact_sync.identity.guards import Component, Cut, Edge, Objection, guarded

_CUT_TYPES: Final[dict[str, pa.DataType]] = {
    "record_key_1": pa.string(),
    "record_key_2": pa.string(),
    "rules": pa.string(),
    "score": pa.float64(),
    "reason": pa.string(),
}
CUT_SCHEMA: Final = pa.schema(_CUT_TYPES)
_PARTS: Final = pa.schema([("cluster", pa.int64()), ("component", pa.int64())])
_TWO_GROUPS: Final = 4
"""Records of two groups of at least two each."""
_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """clusters: (record_key, cluster), one row per record. retired: the records among them that are not live any more.

    cuts: CUT_SCHEMA, evidence that a guard did not follow, the strongest between two clusters; `rules` separated by
    commas, `reason` an Objection. parts: (cluster, component), the clusters that guards keep apart though evidence
    connects them.
    """

    clusters: pa.Table
    retired: pa.Array[Any]
    cuts: pa.Table
    parts: pa.Table


def cluster(record_keys: pa.ChunkedArray[Any], evidence: Evidence, limits: Limits | None = None) -> Clustering:
    """Give each record a cluster number.

    record_keys: all live records, distinct. A record that lives on in another one (SAID_BY_SYSTEMS) belongs to its
    cluster; other evidence about unknown records is ignored. Linear in the rows of both, but for doubtful components.
    """
    limits = limits or Limits()
    graph = graph_of(record_keys, evidence, limits)
    labels = graph.components()
    cuts: list[Cut] = []
    parts: list[tuple[int, int]] = []
    free = int(labels.max(initial=-1)) + 1
    for component in _components(graph, _doubtful(graph, labels, limits), labels):
        groups, cut = guarded(component, limits)
        cuts += cut
        whole = int(labels[component.records[0]])
        for number, group in enumerate(sorted(map(sorted, groups))[1:], start=free):
            labels[group] = number
            parts.append((number, whole))
        if len(groups) > 1:
            parts.append((whole, whole))
        free += len(groups) - 1
    is_alive = np.isin(labels, labels[: graph.live_count])
    return Clustering(
        clusters=pa.table({"record_key": graph.records, "cluster": pa.array(labels, pa.int64())}).filter(
            pa.array(is_alive)
        ),
        retired=graph.records[graph.live_count :],
        cuts=_cut_table(graph, labels, cuts),
        parts=pa.Table.from_pylist([{"cluster": one, "component": of} for one, of in parts], schema=_PARTS),
    )


def _doubtful(graph: Graph, labels: _Numbers, limits: Limits) -> set[int]:
    """The components that a guard has to look at."""
    sizes = np.bincount(labels)
    doubtful = set(np.flatnonzero(sizes > limits.largest).tolist())
    for pairs in (graph.different, graph.doubted):
        one, other = labels[pairs[:, 0]], labels[pairs[:, 1]]
        doubtful |= set(one[one == other].tolist())
    if len(graph.pairs):
        doubtful |= _with_two_keys(graph, labels) | _with_bridges(graph, labels, limits)
    return doubtful


def _with_two_keys(graph: Graph, labels: _Numbers) -> set[int]:
    """Components in which records of one place carry different keys."""
    carried = np.unique(np.stack([labels[graph.stamped], graph.stamp_places, graph.stamp_keys]), axis=1)
    places, counts = np.unique(carried[:2], axis=1, return_counts=True)
    return set(places[0][counts > 1].tolist())


def _with_bridges(graph: Graph, labels: _Numbers, limits: Limits) -> set[int]:
    """Components that a moderate score holds together, and that are large enough to be two groups."""
    is_weak, inside = graph.scores < limits.bridge, labels[graph.pairs[:, 0]]
    sizes = np.bincount(labels)
    is_suspect = np.zeros(len(sizes), dtype=np.bool_)
    is_suspect[inside[is_weak & (sizes[inside] >= _TWO_GROUPS)]] = True
    if not is_suspect.any():
        return set()
    strong = graph.components_without(is_weak, among=is_suspect[labels])
    is_bridge = is_weak & is_suspect[inside] & (strong[graph.pairs[:, 0]] != strong[graph.pairs[:, 1]])
    return set(inside[is_bridge].tolist())


def _components(graph: Graph, doubtful: set[int], labels: _Numbers) -> Iterator[Component]:
    """The doubtful components with everything that is known about their records."""
    if not doubtful:
        return
    chosen = np.isin(labels, np.fromiter(doubtful, dtype=np.int64))
    records: dict[int, list[int]] = defaultdict(list)
    for record in np.flatnonzero(chosen).tolist():
        records[int(labels[record])].append(record)
    edges: dict[int, list[Edge]] = defaultdict(list)
    said: dict[int, list[tuple[int, int]]] = defaultdict(list)
    different: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge in _edges(graph, chosen, said, labels):
        edges[int(labels[edge.one])].append(edge)
    for pairs, found in ((graph.same, said), (graph.different, different)):
        for one, other in pairs[chosen[pairs[:, 0]] & (labels[pairs[:, 0]] == labels[pairs[:, 1]])].tolist():
            found[int(labels[one])].append((one, other))
    stamps = {
        record: (str(place), str(key))
        for record, place, key in zip(
            graph.stamped.tolist(), graph.stamp_places.tolist(), graph.stamp_keys.tolist(), strict=True
        )
        if chosen[record]
    }
    for label in sorted(doubtful):
        yield Component(
            records=records[label],
            edges=edges[label],
            same=said[label],
            different=different[label],
            stamps={record: stamps[record] for record in records[label] if record in stamps},
        )


def _edges(
    graph: Graph, chosen: npt.NDArray[np.bool_], said: dict[int, list[tuple[int, int]]], labels: _Numbers
) -> Iterator[Edge]:
    """One edge for each two chosen records that share keys or were scored; what systems say goes to `said`."""
    rules: dict[tuple[int, int], set[str]] = defaultdict(set)
    scores: dict[tuple[int, int], float] = {}
    sharing: dict[int, list[int]] = defaultdict(list)
    rule_of: dict[int, str] = {}
    is_used = chosen[graph.key_records]
    for record, key, rule in zip(
        graph.key_records[is_used].tolist(),
        graph.keys[is_used].tolist(),
        graph.key_rules[is_used].tolist(),
        strict=True,
    ):
        sharing[key].append(record)
        rule_of[key] = graph.rule_names[rule]
    for key, records in sharing.items():
        if rule_of[key] in SAID_BY_SYSTEMS:
            said[int(labels[records[0]])] += [(records[0], record) for record in records[1:]]
        else:
            for pair in combinations(sorted(set(records)), 2):
                rules[pair].add(rule_of[key])
    is_scored = chosen[graph.pairs[:, 0]]
    for (one, other), score in zip(graph.pairs[is_scored].tolist(), graph.scores[is_scored].tolist(), strict=True):
        pair = (min(one, other), max(one, other))
        scores[pair] = max(score, scores.get(pair, 0.0))
    doubted = {(min(pair), max(pair)) for pair in graph.doubted[chosen[graph.doubted[:, 0]]].tolist()}
    for pair in rules.keys() | scores.keys():
        yield Edge(
            one=pair[0],
            other=pair[1],
            rules=tuple(sorted(rules.get(pair, ()))),
            score=scores.get(pair),
            # A stamp is our own word; what we wrote beside it says nothing against it.
            is_doubted=pair in doubted and STAMP not in rules.get(pair, ()),
        )


def _cut_table(graph: Graph, labels: _Numbers, cuts: list[Cut]) -> pa.Table:
    """The strongest cut between each two clusters; contradictions are within one and all told."""
    strongest: dict[tuple[int, ...], Cut] = {}
    for cut in cuts:
        edge = cut.edge
        one, other = sorted((int(labels[edge.one]), int(labels[edge.other])))
        if one == other and cut.objection is not Objection.CONTRADICTION:
            # Others have joined the two after all.
            continue
        place = (one, other) if one != other else (edge.one, edge.other, -1)
        known = strongest.get(place)
        if known is None or (-edge.strength, edge.one, edge.other) < (
            -known.edge.strength,
            known.edge.one,
            known.edge.other,
        ):
            strongest[place] = cut
    rows = [
        {
            "record_key_1": graph.records[cut.edge.one].as_py(),
            "record_key_2": graph.records[cut.edge.other].as_py(),
            "rules": ",".join(cut.edge.rules),
            "score": cut.edge.score,
            "reason": cut.objection.value,
        }
        for _, cut in sorted(strongest.items())
    ]
    return pa.Table.from_pylist(rows, schema=CUT_SCHEMA)
