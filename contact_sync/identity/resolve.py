"""Resolves one entity: evidence from the warehouse, clusters, keys from the ledger, links back into the warehouse.

Does not belong here: how evidence is made (dbt) or how keys are chosen (assign.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity.assign import assign
from contact_sync.identity.cluster import cluster
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session

_CARRIED: Final = """
    select min({record_key}) as record_key, external_id as key
    from silver.{records}
    where left(external_id, {prefix_length}) = '{prefix}'
    group by external_id
"""
_STAMPED: Final = """
    with stamped as (
        select records.record_key, stamp_key.current_key, stamp_key.anchor_record_key
        from silver.{records} as records
        inner join pipeline.{entity}_stamp_key as stamp_key on stamp_key.key = records.external_id
    )
    select record_key, 'stamp:' || current_key as match_key from stamped
    union
    select anchor_record_key, 'stamp:' || current_key from stamped
"""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """How many records were resolved to how many keys, and what changed. `largest` is the biggest cluster's size."""

    entity: str
    records: int
    keys: int
    largest: int
    events: dict[str, int]


def link_table(entity: Entity) -> str:
    """The warehouse table of an entity's links: `identity.person_link` for the key `person_key`."""
    return f"identity.{entity.key.removesuffix('_key')}_link"


def resolve(session: Session, ledger: IdentityLedger, entity: Entity) -> Resolution:
    """Give every live record of the entity its key, and note each change of a key as an event."""
    subject = entity.key.removesuffix("_key")
    records = session.query(f"select record_key from silver.{entity.records} order by record_key")  # noqa: S608 -- catalog
    evidence = session.query(
        f"select record_key, rule || ':' || match_key as match_key from identity.{subject}_match_key"  # noqa: S608 -- as above
    )
    prefix = f"{subject[:3]}_"
    in_order = session.dialect.in_byte_order("record_key")
    carried = _CARRIED.format(records=entity.records, record_key=in_order, prefix=prefix, prefix_length=len(prefix))
    ledger.adopt(entity.name, session.query(carried).sort_by("key"))
    keys = ledger.keys(entity.name)
    stamp_table = f"pipeline.{entity.name}_stamp_key"
    session.replace(stamp_table, ledger.resolved_keys(entity.name))
    stamps = session.query(_STAMPED.format(records=entity.records, entity=entity.name))
    clusters = cluster(records.column("record_key"), pa.concat_tables([evidence, stamps]))
    assignment = assign(clusters, ledger.members(entity.name), keys, prefix=prefix)
    ledger.record(entity.name, assignment)
    session.replace(stamp_table, ledger.resolved_keys(entity.name))
    session.replace(link_table(entity), assignment.links.rename_columns(["record_key", entity.key]))
    sizes = Counter(assignment.links.column("key").to_pylist())
    return Resolution(
        entity=entity.name,
        records=records.num_rows,
        keys=len(sizes),
        largest=max(sizes.values(), default=0),
        events=dict(Counter(str(kind) for kind in assignment.events.column("kind").to_pylist())),
    )
