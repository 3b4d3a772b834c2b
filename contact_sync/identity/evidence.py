"""What speaks for and against records being one: the tables that clustering reads, as one value.

Does not belong here: how evidence is found (dbt_project/models/identity, the scorer) and what follows (cluster.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

MATCH_KEY_SCHEMA: Final = pa.schema([("record_key", pa.string()), ("rule", pa.string()), ("match_key", pa.string())])
_PAIR_TYPES: Final[dict[str, pa.DataType]] = {
    "record_key_1": pa.string(),
    "record_key_2": pa.string(),
    "rule": pa.string(),
    "score": pa.float64(),
    "evidence": pa.string(),
}
PAIR_SCHEMA: Final = pa.schema(_PAIR_TYPES)
DECIDED_SCHEMA: Final = pa.schema([("record_key_1", pa.string()), ("record_key_2", pa.string())])
STAMP_SCHEMA: Final = pa.schema([("record_key", pa.string()), ("place", pa.string()), ("key", pa.string())])

SAID_BY_SYSTEMS: Final = ("salesforce_merge", "lead_conversion")
"""Rules of match keys by which a source system itself says that records are one; nothing but the system parts them."""
STAMP: Final = "stamp"
"""The rule by which the External ID on a record leads to its person."""
CARRIED_STAMP: Final = "external_id"
"""The rule of a match key that is the External ID of a record that lives on in another one."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """match_keys: MATCH_KEY_SCHEMA, records that share a rule's key are one, in SAID_BY_SYSTEMS without doubt.

    pairs: PAIR_SCHEMA, scored by the model (probability 0..1). same, different: DECIDED_SCHEMA, what stewards decided.
    stamps: STAMP_SCHEMA, the key in use that a record carries in a place (an object of an instance). anchors:
    (record_key, key), the records that stamps lead together: those that carry a key, and the one it was derived from.
    """

    match_keys: pa.Table
    pairs: pa.Table = field(default_factory=PAIR_SCHEMA.empty_table)
    same: pa.Table = field(default_factory=DECIDED_SCHEMA.empty_table)
    different: pa.Table = field(default_factory=DECIDED_SCHEMA.empty_table)
    stamps: pa.Table = field(default_factory=STAMP_SCHEMA.empty_table)
    anchors: pa.Table = field(default_factory=STAMP_SCHEMA.remove(1).empty_table)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When evidence is not enough. join: the model's score from which a pair is one without asking.

    believe: the score below which a pair is not one though it shares the key of a rule. review: the score from which it
    is worth a steward's look.
    bridge: the score below which a single pair does not join two groups. largest: records that a cluster may have
    without a person having said so.
    """

    join: float = 0.95
    believe: float = 0.6
    review: float = 0.3
    bridge: float = 0.99
    largest: int = 50
