"""Persons and companies who are not created in a target because a record there may be the same: candidates to decide.

They are found when a steward asks, by the very comparison that holds the create, so that a refresh pays nothing for it.
Does not belong here: the comparison (sync/changes.py) and what is decided (decisions.py).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity.tables import REVIEW_SCHEMA
from contact_sync.sync import changes
from contact_sync.sync.proposal import find_target_records
from contact_sync.warehouse.base import Session

HELD: Final = "held"
"""The reason of such a candidate."""

_Pair = tuple[str, str]


def held_creates(session: Session, entity: Entity, known: pa.Table) -> pa.Table:
    """What would release held creates (REVIEW_SCHEMA, without a score), besides the candidates known already.

    One row per two keys: the two records with the most weak keys in common, which are the evidence.
    """
    if not session.exists(f"pipeline.{entity.name}_stamp_key"):
        return REVIEW_SCHEMA.empty_table()
    shared = _shared_keys(session, entity)
    waiting = {frozenset(keys) for keys in zip(*(known[name].to_pylist() for name in ("key_1", "key_2")), strict=True)}
    rows = [
        _row(keys, *max(pairs.items(), key=lambda pair: (len(pair[1]), pair[0])))
        for keys, pairs in sorted(shared.items())
        if frozenset(keys) not in waiting
    ]
    return pa.Table.from_pylist(rows, schema=REVIEW_SCHEMA)


def _shared_keys(session: Session, entity: Entity) -> dict[_Pair, dict[_Pair, set[str]]]:
    """(held key, key of the target's record) -> (its record, the target's) -> rules of the weak keys they share."""
    find_target_records(session, entity, changes.silver_records(entity))
    found = session.query(
        f"with {changes.possible_pairs(entity)} "  # noqa: S608 -- names come from the validated catalog
        "select golden_key, other_key, record_key, other_record_key, rule from possible_pair "
        "where other_key is not null"
    )
    shared: dict[_Pair, dict[_Pair, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in found.to_pylist():
        keys, records = (row["golden_key"], row["other_key"]), (row["record_key"], row["other_record_key"])
        shared[keys][records].add(row["rule"])
    return shared


def _row(keys: _Pair, records: _Pair, rules: set[str]) -> dict[str, object]:
    """A candidate, with the lesser record first, as the others have it."""
    (lesser, key_1), (greater, key_2) = sorted(zip(records, keys, strict=True))
    name = hashlib.md5(f"{lesser}|{greater}".encode(), usedforsecurity=False).hexdigest()
    return {
        "candidate_id": f"c{name[:10]}",
        "record_key_1": lesser,
        "record_key_2": greater,
        "key_1": key_1,
        "key_2": key_2,
        "score": None,
        "reason": HELD,
        "evidence": json.dumps([[rule, "shared"] for rule in sorted(rules)]),
    }
