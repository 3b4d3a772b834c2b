"""Names clusters by the ledger, reading of it only what the clusters that have changed can touch.

Between two runs nearly all clusters stay as they are; whoever has a cluster of the same records as before keeps the key
without anybody looking. Does not belong here: how keys are chosen (assign.py), storing them (state/identities.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import duckdb
import pyarrow as pa

from contact_sync.identity.arrow_sql import database_over, rows_of
from contact_sync.identity.assign import KEY_SCHEMA, MEMBER_SCHEMA, Assignment, assign, derived_key
from contact_sync.state.identities import IdentityLedger

# A cluster is as before if its records had one key, and nobody else had it.
_CHANGED: Final = """
    with sized as (
        select key, count(*) as record_count from before group by key
    ),

    state as (
        select
            clusters.cluster,
            count(*) as record_count,
            count(before.key) as known_count,
            min(before.key) as lesser_key,
            max(before.key) as greater_key
        from clusters
        left join before on before.record_key = clusters.record_key
        group by clusters.cluster
    )

    select state.cluster
    from state
    left join sized
        on sized.key = state.lesser_key
        and sized.key = state.greater_key
        and sized.record_count = state.record_count
    where sized.key is null or state.known_count <> state.record_count
"""
_TOUCHED: Final = """
    select key from members
    union
    select before.key
    from before
    inner join clusters on clusters.record_key = before.record_key
    where clusters.cluster in (select cluster from changed)
"""
_REACHED: Final = """
    select record_key, cluster
    from clusters
    where cluster in (
        select cluster from changed
        union all
        select clusters.cluster
        from clusters
        inner join before on before.record_key = clusters.record_key
        inner join touched on touched.key = before.key
    )
"""
# Who was there before has in the ledger what he had before.
_MEMBERS: Final = """
    select record_key, key from members
    union
    select before.record_key, before.key
    from before
    inner join reached on reached.record_key = before.record_key
"""
_KEPT: Final = """
    select before.record_key, before.key
    from before
    inner join clusters on clusters.record_key = before.record_key
    anti join reached on reached.record_key = before.record_key
"""


def reassign(
    clusters: pa.Table, before: pa.Table, ledger: IdentityLedger, entity: str, *, prefix: str, key_count: int
) -> Assignment:
    """Assign keys to clusters (record_key, cluster), as `assign` would from the whole ledger.

    before: (record_key, key) of the records of these clusters, and of all that had a key of theirs, as the ledger has
    it. key_count: how many keys it had given by then.
    """
    if not key_count:
        return assign(clusters, MEMBER_SCHEMA.empty_table(), KEY_SCHEMA.empty_table(), prefix=prefix)
    with database_over({"clusters": clusters, "before": before}) as database:
        _find_reached(database, ledger, entity)
        reached, members = rows_of(database, "select * from reached"), rows_of(database, _MEMBERS)
        records = _texts(reached, "record_key")
        names = [*set(_texts(members, "key")), *(derived_key(record, prefix) for record in records)]
        keys = ledger.keys_about(entity, names, records)
        assignment = assign(reached, members, keys, prefix=prefix, key_count=key_count)
        kept = rows_of(database, _KEPT).cast(MEMBER_SCHEMA)
    return replace(assignment, links=pa.concat_tables([kept, assignment.links]))


def _find_reached(database: duckdb.DuckDBPyConnection, ledger: IdentityLedger, entity: str) -> None:
    """Make `reached`, the changed clusters and all that share a key with them, and `members` of the changed ones."""
    database.execute(f"create temporary table changed as {_CHANGED}")
    changed = rows_of(database, "select record_key from clusters where cluster in (select cluster from changed)")
    # Of records that were away the ledger alone knows the key.
    database.register("members", ledger.members_among(entity, _texts(changed, "record_key")))
    database.execute(f"create temporary table touched as {_TOUCHED}")
    database.execute(f"create temporary table reached as {_REACHED}")


def _texts(rows: pa.Table, column: str) -> list[str]:
    return [str(value) for value in rows.column(column).to_pylist()]
