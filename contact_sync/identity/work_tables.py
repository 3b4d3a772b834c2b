"""The warehouse tables of a resolution that nobody else reads. Does not belong here: what is in them and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.warehouse.base import Session

RECORD_SCHEMA: Final = pa.schema([("record_key", pa.string())])
KEY_NAME_SCHEMA: Final = pa.schema([("key", pa.string())])
JUDGED_SCHEMA: Final = pa.schema(
    [("record_key_1", pa.string()), ("record_key_2", pa.string()), ("verdict", pa.string())]
)
_COMMON: Final = pa.schema([("rule", pa.string()), ("match_key", pa.string())])
SPLIT_SCHEMA: Final = pa.schema([("key", pa.string()), ("component", pa.string())])


@dataclass(frozen=True, kw_only=True)
class WorkTables:
    """Their names for one entity.

    Kept between resolutions are unresolved: records whose evidence others changed (news.mark_unresolved); decided,
    common: what the last resolution knew; split: keys that guards keep apart, with the component that evidence connects
    (its least key). The others hold what one resolution finds out: decided_now; news to affected: whom it looks at
    (affected.py); returned: (record_key, key) of who was away; all_ties to part: how they are parted (parts.py);
    resolved_key: the keys that they have or had; other_key: those that stand for others than before; carried_key,
    given_key: what is read of the ledger (restore.py).
    """

    unresolved: str
    decided: str
    decided_now: str
    common: str
    split: str
    news: str
    begun: str
    keys: str
    stamped: str
    touched: str
    unlinked: str
    unknown: str
    away: str
    returned: str
    groups: str
    affected: str
    all_ties: str
    ties: str
    least: str
    labels: str
    other_labels: str
    parted: str
    part: str
    resolved_key: str
    other_key: str
    carried_key: str
    given_key: str


def work_tables(entity: str) -> WorkTables:
    """Their names."""
    return WorkTables(**{name: f"pipeline.{entity}_{name}" for name in WorkTables.__dataclass_fields__})


def prepare_work(session: Session, entity: Entity) -> None:
    """Make the tables that are kept between resolutions, empty."""
    tables = work_tables(entity.name)
    for table, schema in (
        (tables.unresolved, RECORD_SCHEMA),
        (tables.decided, JUDGED_SCHEMA),
        (tables.common, _COMMON),
        (tables.split, SPLIT_SCHEMA),
    ):
        session.append(table, schema.empty_table())
