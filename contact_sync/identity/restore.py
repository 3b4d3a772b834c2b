"""Brings what the ledger knows of everybody into the warehouse, where a resolution begins with it.

That is what a warehouse that was lost, or fell behind, has to do with the ledger; a ledger that was lost gets its keys
back from the records that carry them. Read in batches, whatever the size. Does not belong here: what is resolved.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from contact_sync.identity.assign import KEY_SCHEMA, MEMBER_SCHEMA
from contact_sync.identity.collect import stamps_query
from contact_sync.identity.last_resolution import retired_table, stamp_table
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import link_table
from contact_sync.identity.work_tables import work_tables
from contact_sync.state.identities import IdentityLedger

_CARRIED: Final = "select min({record_key}) as record_key, key from ({stamps}) as stamp group by key"
# Followed from key to key; what is in use itself is superseded by none.
_CURRENT: Final = """
    with recursive superseded as (
        select key, superseded_by as current_key from {keys} where superseded_by is not null
        union all
        select superseded.key, successor.superseded_by
        from superseded
        inner join {keys} as successor on successor.key = superseded.current_key
        where successor.superseded_by is not null
    ),

    resolved as (
        select key, key as current_key from {keys}
        union all
        select key, current_key from superseded
    )

    select resolved.key, resolved.current_key, in_use.anchor_record_key
    from resolved
    inner join {keys} as in_use on in_use.key = resolved.current_key
    where in_use.superseded_by is null
"""
_UNKNOWN: Final = """
    select count(*)
    from ({stamps}) as stamp
    left join {stamp_key} as stamp_key on stamp_key.key = stamp.key
    where stamp_key.key is null and {condition}
"""


def has_unknown_stamps(scope: Scope) -> bool:
    """Whether records of a scope carry keys that the warehouse does not know."""
    statement = _UNKNOWN.format(
        stamps=stamps_query(scope.entity),
        stamp_key=stamp_table(scope.entity.name),
        condition=scope.condition("stamp.record_key"),
    )
    return bool(scope.session.scalar(statement))


def restore(scope: Scope, ledger: IdentityLedger) -> None:
    """Make links, keys in use and parts what the ledger says, which first takes in keys that it does not know."""
    session, entity = scope.session, scope.entity
    tables = work_tables(entity.name)
    record_key = session.dialect.in_byte_order("record_key")
    session.create(tables.carried_key, _CARRIED.format(record_key=record_key, stamps=stamps_query(entity)))
    order = f"order by {session.dialect.in_byte_order('key')}"
    for carried in session.stream(tables.carried_key, order):
        ledger.adopt(entity.name, pa.Table.from_batches([carried]).cast(MEMBER_SCHEMA))
    for table in (link_table(entity), tables.split):
        session.execute(f"delete from {table}")  # noqa: S608 -- ours
    # Whoever is live gets a link of this resolution instead.
    session.replace(retired_table(entity.name), MEMBER_SCHEMA.empty_table())
    session.append(retired_table(entity.name), ledger.members(entity.name))
    session.replace(tables.given_key, KEY_SCHEMA.empty_table())
    session.append(tables.given_key, ledger.keys(entity.name))
    session.create(stamp_table(entity.name), _CURRENT.format(keys=tables.given_key))
