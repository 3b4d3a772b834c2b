"""What has changed about an entity's records since the last resolution, so that they have to be looked at again.

Does not belong here: whom else that concerns (affected.py).
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity.collect import Decided, carried_query
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import subject_of
from contact_sync.identity.work_tables import JUDGED_SCHEMA, RECORD_SCHEMA, work_tables
from contact_sync.warehouse.base import Session

# A key that has become common, or is so no longer, is news of all that have it; an e-mail address guards two rules.
_NEWS: Final = """
    with common_now as (
        select rule, match_key from identity.{subject}_common_key
    ),

    common_news as (
        (select rule, match_key from common_now except select rule, match_key from {common})
        union all
        (select rule, match_key from {common} except select rule, match_key from common_now)
    ),

    decided_news as (
        (select {pair} from {decided_now} except select {pair} from {decided})
        union all
        (select {pair} from {decided} except select {pair} from {decided_now})
    )

    select record_key from silver.{records}_change where changed_in > {seen}
    union
    select record_key from {unresolved}
    union
    select record_key_1 from decided_news
    union
    select record_key_2 from decided_news
    union
    select match_key.record_key
    from identity.{subject}_match_key as match_key
    inner join common_news on common_news.rule = match_key.rule and common_news.match_key = match_key.match_key
    union
    select match_key.record_key
    from identity.{subject}_match_key as match_key
    inner join common_news
        on common_news.rule = 'email'
        and common_news.match_key = split_part(match_key.match_key, '|', 1)
    where match_key.rule in ('email_last_name', 'email_first_name')
"""


def mark_unresolved(session: Session, entity: str, records: str) -> None:
    """Have the next resolution of an entity look at the records of a query (record_key)."""
    table = work_tables(entity).unresolved
    session.append(table, RECORD_SCHEMA.empty_table())
    session.execute(f"insert into {table} {records}")


def note_decided(session: Session, entity: Entity, decided: Decided) -> None:
    """Note what stewards have decided, for what is found in the warehouse."""
    session.replace(work_tables(entity.name).decided_now, _decided(decided))


def find_news(scope: Scope, seen: int) -> int:
    """Find the records of which something has changed since a refresh that was seen, or that are gone; how many."""
    session, entity = scope.session, scope.entity
    tables = work_tables(entity.name)
    names = {
        **vars(tables),
        "subject": subject_of(entity),
        "records": entity.records,
        "pair": ", ".join(JUDGED_SCHEMA.names),
        "seen": seen,
    }
    session.create(tables.news, _NEWS.format(**names))
    return int(session.scalar(f"select count(*) from {tables.news}"))  # noqa: S608 -- ours


def read_news(scope: Scope) -> pa.ChunkedArray[Any]:
    """Those of the records that `find_news` has found that are in a scope."""
    news = work_tables(scope.entity.name).news
    query = f"select record_key from {news} where {scope.condition('record_key')}"  # noqa: S608 -- ours
    return scope.session.query(query).column("record_key").cast(pa.string())


def note_seen(session: Session, entity: Entity, decided: Decided) -> None:
    """Note what this resolution knew, and what it leaves to the next; what others had asked for is done."""
    tables = work_tables(entity.name)
    session.replace(tables.decided, _decided(decided))
    session.create(tables.common, f"select rule, match_key from identity.{subject_of(entity)}_common_key")  # noqa: S608 -- ours
    session.replace(tables.unresolved, RECORD_SCHEMA.empty_table())
    # Records that carry keys of which one stands for another now have a key in common.
    carriers = f"select record_key from ({carried_query(entity)}) as carried"  # noqa: S608 -- ours
    others = f"select key from {tables.other_key}"  # noqa: S608 -- ours
    mark_unresolved(session, entity.name, f"{carriers} where current_key in ({others})")


def _decided(decided: Decided) -> pa.Table:
    parts = [
        table.append_column("verdict", pa.array([verdict] * table.num_rows, pa.string()))
        for verdict, table in (("same", decided.same), ("different", decided.different))
    ]
    return pa.concat_tables(parts).cast(JUDGED_SCHEMA)
