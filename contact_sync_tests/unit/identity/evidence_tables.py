"""Evidence and clusters in short form: records are letters, groups are strings of letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pyarrow as pa

from contact_sync.identity.cluster import Clustering, cluster
from contact_sync.identity.evidence import DECIDED_SCHEMA, MATCH_KEY_SCHEMA, PAIR_SCHEMA, STAMP_SCHEMA, Evidence, Limits

LIMITS = Limits(join=0.9, bridge=0.99, largest=5)


def evidence_of(
    *,
    keys: Iterable[tuple[str, str, str]] = (),
    scored: Iterable[tuple[str, float]] = (),
    same: Iterable[str] = (),
    different: Iterable[str] = (),
    stamps: Iterable[tuple[str, str]] = (),
) -> Evidence:
    """Keys are (record, rule, key), scores ("ab", score), decisions "ab"; stamps are (record, key), all in one org."""
    return Evidence(
        match_keys=_table(MATCH_KEY_SCHEMA, keys),
        pairs=_table(PAIR_SCHEMA, [(pair[0], pair[1], "model", score, "[]") for pair, score in scored]),
        same=_table(DECIDED_SCHEMA, [(pair[0], pair[1]) for pair in same]),
        different=_table(DECIDED_SCHEMA, [(pair[0], pair[1]) for pair in different]),
        stamps=_table(STAMP_SCHEMA, [(record, "org", key) for record, key in stamps]),
    )


def clustered(records: str, evidence: Evidence, limits: Limits = LIMITS) -> Clustering:
    """The clusters of live records."""
    return cluster(pa.chunked_array([list(records)], pa.string()), evidence, limits)


def groups_of(clustering: Clustering) -> set[str]:
    """The clusters as strings of their records."""
    members: dict[int, set[str]] = defaultdict(set)
    for row in clustering.clusters.to_pylist():
        members[row["cluster"]].add(row["record_key"])
    return {"".join(sorted(group)) for group in members.values()}


def cuts_of(clustering: Clustering) -> list[tuple[str, str]]:
    """(the two records, reason) of each cut."""
    rows = clustering.cuts.to_pylist()
    return sorted((row["record_key_1"] + row["record_key_2"], row["reason"]) for row in rows)


def _table(schema: pa.Schema, rows: Iterable[tuple[object, ...]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)
