"""The names of identity's tables in the warehouse, and the shape of what waits for stewards.

Apart from everything that computes, so that whoever only reads them loads no engine. Does not belong here: reading.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from contact_sync.catalog import Entity

_REVIEW_TYPES: Final[dict[str, pa.DataType]] = {
    "candidate_id": pa.string(),
    "record_key_1": pa.string(),
    "record_key_2": pa.string(),
    "key_1": pa.string(),
    "key_2": pa.string(),
    "score": pa.float64(),
    "reason": pa.string(),
    "evidence": pa.string(),
}
REVIEW_SCHEMA: Final = pa.schema(_REVIEW_TYPES)

KEY_LENGTH: Final = 24
"""Characters of every golden key: `per_` or `com_`, and 20 hexadecimal digits."""


def subject_of(entity: Entity) -> str:
    """What an entity's keys name: `person` for `person_key`."""
    return entity.key.removesuffix("_key")


def link_table(entity: Entity) -> str:
    """The links of live records: `identity.person_link` for the key `person_key`."""
    return f"identity.{subject_of(entity)}_link"


def change_table(entity: Entity) -> str:
    """In which resolution each key was touched last: `identity.person_change`."""
    return f"identity.{subject_of(entity)}_change"


def pair_table(entity: Entity) -> str:
    """The pairs of records that the model has scored: `identity.person_pair`."""
    return f"identity.{subject_of(entity)}_pair"


def review_table(entity: Entity) -> str:
    """What stewards have to decide: `identity.person_review`."""
    return f"identity.{subject_of(entity)}_review"


def joining_table(entity: Entity) -> str:
    """The pairs that are one by themselves, by a score or a steward: evidence.PAIR_SCHEMA."""
    return f"pipeline.{entity.name}_joining_pair"
