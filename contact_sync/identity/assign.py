"""Gives clusters their persistent keys, as changes to what the ledger holds; pure, in SQL on Arrow tables.

A key stays with the cluster that holds most of its records; a cluster keeps the oldest key it holds; a key that loses
is superseded and resolves to the winner. A cluster without a key gets the superseded one back that was derived from
one of its records, and otherwise a new one derived from its first record: what was joined and is parted again has
the keys from before, whichever part is bigger. Each change is an event: create, join, merge,
split or move. Does not belong here: storing anything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from contact_sync.identity.arrow_sql import database_over, rows_of

KEY_SCHEMA: Final = pa.schema(
    [
        ("key", pa.string()),
        ("anchor_record_key", pa.string()),
        ("created_at", pa.string()),
        ("superseded_by", pa.string()),
    ]
)
MEMBER_SCHEMA: Final = pa.schema([("record_key", pa.string()), ("key", pa.string())])


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """links: (record_key, key) of all records; the rest are changes to the ledger.

    moved: (record_key, key) that differ from before. created: (key, anchor_record_key).
    reinstated: (key), superseded ones that are in use again. superseded: (key, superseded_by).
    events: (kind, key, other_key, record_count). keys: (key, anchor_record_key, superseded_by), all of them afterwards.
    """

    links: pa.Table
    moved: pa.Table
    created: pa.Table
    reinstated: pa.Table
    superseded: pa.Table
    events: pa.Table
    keys: pa.Table


_DIGITS: Final = 20
_ASSIGN: Final = """
create temporary table held as
    select members.key, clusters.cluster, count(*) as record_count, min(clusters.record_key) as first_record
    from clusters
    inner join members on members.record_key = clusters.record_key
    group by all;

create temporary table lineage as
    with recursive step as (
        select key as earlier_key, superseded_by as key from keys where superseded_by is not null
        union all
        select step.earlier_key, keys.superseded_by
        from step
        inner join keys on keys.key = step.key
        where keys.superseded_by is not null
    )
    select * from step;

-- Clusters parted again from the one that holds the anchor of their key, and that had a key of their own before.
create temporary table parted as
    select distinct held.key, earlier.cluster
    from held
    inner join keys on keys.key = held.key and keys.superseded_by is null
    inner join clusters as anchor on anchor.record_key = keys.anchor_record_key and anchor.cluster = held.cluster
    inner join lineage on lineage.key = held.key
    inner join keys as earlier_key on earlier_key.key = lineage.earlier_key
    inner join clusters as earlier on earlier.record_key = earlier_key.anchor_record_key
    where earlier.cluster <> held.cluster;

create temporary table home as
    select held.key, held.cluster, keys.created_at
    from held
    inner join keys on keys.key = held.key and keys.superseded_by is null
    anti join parted on parted.key = held.key and parted.cluster = held.cluster
    qualify row_number() over (partition by held.key order by record_count desc, first_record) = 1;

create temporary table winner as
    select cluster, key from home
    qualify row_number() over (partition by cluster order by created_at, key) = 1;

create temporary table reinstated as
    select clusters.cluster, keys.key
    from keys
    inner join clusters on clusters.record_key = keys.anchor_record_key
    where keys.superseded_by is not null and clusters.cluster not in (select cluster from winner)
    qualify row_number() over (partition by clusters.cluster order by keys.created_at, keys.key) = 1;

create temporary table newcomer as
    select cluster, min(record_key) as anchor_record_key
    from clusters
    where cluster not in (select cluster from winner union all select cluster from reinstated)
    group by cluster;

create temporary table named as
    with candidate as (
        select cluster, anchor_record_key, $prefix || substr(md5(anchor_record_key), 1, $digits) as key
        from newcomer
    )
    select
        candidate.cluster,
        candidate.anchor_record_key,
        case
            when taken.key is null then candidate.key
            else $prefix || substr(md5(candidate.anchor_record_key || '/' || $key_count), 1, $digits)
        end as key
    from candidate
    left join keys as taken on taken.key = candidate.key;

create temporary table chosen as
    select cluster, key from winner
    union all
    select cluster, key from reinstated
    union all
    select cluster, key from named;

create temporary table links as
    select clusters.record_key, chosen.key
    from clusters
    inner join chosen on chosen.cluster = clusters.cluster;

create temporary table superseded as
    select home.key, winner.key as superseded_by
    from home
    inner join winner on winner.cluster = home.cluster
    where home.key <> winner.key;

create temporary table keys_afterwards as
    select
        keys.key,
        keys.anchor_record_key,
        case
            when superseded.key is not null then superseded.superseded_by
            when reinstated.key is null then keys.superseded_by
        end as superseded_by
    from keys
    left join superseded on superseded.key = keys.key
    left join reinstated on reinstated.key = keys.key
    union all
    select key, anchor_record_key, null from named;

create temporary table events as
    with changed as (
        select
            links.key,
            members.key as other_key,
            count(*) as record_count
        from links
        left join members on members.record_key = links.record_key
        where members.key is distinct from links.key
        group by all
    ),
    fresh as (select key from named union all select key from reinstated)
    select
        case
            when superseded.key is not null then 'merge'
            when fresh.key is not null and changed.other_key is not null then 'split'
            when fresh.key is not null then 'create'
            when changed.other_key is null then 'join'
            else 'move'
        end as kind,
        changed.key,
        changed.other_key,
        changed.record_count
    from changed
    left join superseded on superseded.key = changed.other_key and superseded.superseded_by = changed.key
    left join fresh on fresh.key = changed.key
    order by all;
"""


def derived_key(record_key: str, prefix: str) -> str:
    """The key that a new cluster gets whose first record this is, unless it was given before."""
    return f"{prefix}{hashlib.md5(record_key.encode(), usedforsecurity=False).hexdigest()[:_DIGITS]}"


def assign(
    clusters: pa.Table, members: pa.Table, keys: pa.Table, *, prefix: str, key_count: int | None = None
) -> Assignment:
    """Assign keys to clusters.

    clusters: (record_key, cluster). members: (record_key, key), the ledger's last word. keys: KEY_SCHEMA, all keys ever
    given, or all that these clusters can touch. prefix: begins each new key, for example `per_`. key_count: how many
    keys were ever given, if `keys` are not all of them.
    """
    values = {"$prefix": f"'{prefix}'", "$digits": str(_DIGITS)}
    values["$key_count"] = str(keys.num_rows if key_count is None else key_count)
    statements = _ASSIGN
    for name, value in values.items():
        statements = statements.replace(name, value)
    with database_over({"clusters": clusters, "members": members, "keys": keys}) as database:
        for statement in statements.split(";\n"):
            if statement.strip():
                database.execute(statement)
        return Assignment(
            links=rows_of(database, "select record_key, key from links"),
            moved=rows_of(
                database,
                "select links.record_key, links.key from links "
                "left join members on members.record_key = links.record_key "
                "where members.key is distinct from links.key",
            ),
            created=rows_of(database, "select key, anchor_record_key from named"),
            reinstated=rows_of(database, "select key from reinstated"),
            superseded=rows_of(database, "select key, superseded_by from superseded"),
            events=rows_of(database, "select kind, key, other_key, record_count from events"),
            keys=rows_of(database, "select key, anchor_record_key, superseded_by from keys_afterwards"),
        )
