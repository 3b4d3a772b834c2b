"""Which records a resolution has to look at: those of which something changed, and whoever can be one with them.

Whoever was connected stays so while nothing about them changes, so that whole components are looked at: those of the
records that changed, and those that evidence now connects with one of these. Does not belong here: what follows from
the evidence (cluster.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity.collect import Decided, stamps_query
from contact_sync.identity.evidence import SAID_BY_SYSTEMS, Limits
from contact_sync.identity.last_resolution import last_links, stamp_table
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import link_table, pair_table, subject_of
from contact_sync.sql_text import sql_texts
from contact_sync.state.identities import IdentityLedger
from contact_sync.warehouse.base import Session

_RECORD: Final = pa.schema([("record_key", pa.string())])
_KEY: Final = pa.schema([("key", pa.string())])
_DECIDED: Final = pa.schema([("record_key_1", pa.string()), ("record_key_2", pa.string()), ("verdict", pa.string())])
_COMMON: Final = pa.schema([("rule", pa.string()), ("match_key", pa.string())])
_SPLIT: Final = pa.schema([("key", pa.string()), ("component", pa.string())])

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
_STAMPED: Final = """
    select stamp_key.current_key
    from ({stamps}) as stamp
    inner join {stamp_key} as stamp_key on stamp_key.key = stamp.key
    where stamp.record_key in (select record_key from {news})
    union
    select current_key from {stamp_key} where anchor_record_key in (select record_key from {news})
"""
_KEYS: Final = """
    select distinct match_key.rule, match_key.match_key
    from identity.{subject}_match_key as match_key
    left join identity.{subject}_common_key as common
        on common.rule = match_key.rule
        and common.match_key = match_key.match_key
    where match_key.record_key in (select record_key from {news}) and common.rule is null
"""
# The key of a record that lives on in another one is that other record.
_TOUCHED: Final = """
    select record_key from {news}
    union
    select match_key.record_key
    from identity.{subject}_match_key as match_key
    inner join {keys} as shared
        on shared.rule = match_key.rule
        and shared.match_key = match_key.match_key
    union
    select match_key from {keys} where rule in ({said})
    union
    select record_key
    from identity.{subject}_match_key
    where rule in ({said}) and match_key in (select record_key from {news})
    union
    select record_key_2 from {pairs} where score >= {join} and record_key_1 in (select record_key from {news})
    union
    select record_key_1 from {pairs} where score >= {join} and record_key_2 in (select record_key from {news})
    union
    select record_key_2 from {decided_now} where record_key_1 in (select record_key from {news})
    union
    select record_key_1 from {decided_now} where record_key_2 in (select record_key from {news})
    union
    select record_key
    from ({stamps}) as stamp
    where key in (select key from {stamp_key} where current_key in (select current_key from {stamped}))
    union
    select anchor_record_key from {stamp_key} where current_key in (select current_key from {stamped})
"""
_GROUPS: Final = """
    select coalesce(split.component, linked.key) as key
    from ({linked}) as linked
    left join {split} as split on split.key = linked.key
    where linked.record_key in (select record_key from {touched})
    union
    select coalesce(split.component, known.key) as key
    from {known} as known
    left join {split} as split on split.key = known.key
"""
_AFFECTED: Final = """
    select record_key from {touched}
    union
    select linked.record_key
    from ({linked}) as linked
    left join {split} as split on split.key = linked.key
    where coalesce(split.component, linked.key) in (select key from {groups})
"""
_AWAY: Final = """
    select touched.record_key
    from {touched} as touched
    left join ({linked}) as linked on linked.record_key = touched.record_key
    where linked.record_key is null
"""


@dataclass(frozen=True, kw_only=True)
class WorkTables:
    """The warehouse tables of an entity's resolution that nobody else reads.

    unresolved: records whose evidence others changed (mark_unresolved). decided, common: what the last resolution
    knew. split: keys that guards keep apart, with the component that evidence connects (its least key). The others hold
    what one resolution finds out.
    """

    unresolved: str
    decided: str
    decided_now: str
    common: str
    split: str
    news: str
    keys: str
    stamped: str
    touched: str
    known: str
    groups: str
    affected: str


def work_tables(entity: str) -> WorkTables:
    """Their names."""
    return WorkTables(**{name: f"pipeline.{entity}_{name}" for name in WorkTables.__dataclass_fields__})


def prepare_work(session: Session, entity: Entity) -> None:
    """Make the tables that are kept between resolutions, empty."""
    tables = work_tables(entity.name)
    for table, schema in (
        (tables.unresolved, _RECORD),
        (tables.decided, _DECIDED),
        (tables.common, _COMMON),
        (tables.split, _SPLIT),
    ):
        session.append(table, schema.empty_table())


def mark_unresolved(session: Session, entity: str, records: str) -> None:
    """Have the next resolution of an entity look at the records of a query (record_key)."""
    table = work_tables(entity).unresolved
    session.append(table, _RECORD.empty_table())
    session.execute(f"insert into {table} {records}")


def find_news(scope: Scope, decided: Decided, seen: int) -> pa.ChunkedArray[Any]:
    """The records of which something has changed since a refresh that was seen, or that are gone since."""
    session, entity = scope.session, scope.entity
    tables = work_tables(entity.name)
    names = {
        **vars(tables),
        "subject": subject_of(entity),
        "records": entity.records,
        "pair": ", ".join(_DECIDED.names),
        "seen": seen,
    }
    session.replace(tables.decided_now, _decided(decided))
    session.create(tables.news, _NEWS.format(**names))
    return session.read(tables.news).column("record_key").cast(pa.string())


def find_affected(everything: Scope, ledger: IdentityLedger, limits: Limits) -> Scope:
    """Whoever can be one with the news that `find_news` has found."""
    session, entity = everything.session, everything.entity
    tables = work_tables(entity.name)
    names = {
        **vars(tables),
        "subject": subject_of(entity),
        "pairs": pair_table(entity),
        "stamps": stamps_query(entity),
        "stamp_key": stamp_table(entity.name),
        "linked": last_links(entity.name, link_table(entity), entity.key),
        "said": sql_texts(SAID_BY_SYSTEMS),
        "join": limits.join,
    }
    session.create(tables.keys, _KEYS.format(**names))
    session.create(tables.stamped, _STAMPED.format(**names))
    session.create(tables.touched, _TOUCHED.format(**names))
    # Of records that were away the ledger alone knows the key.
    away = [str(name) for name in session.query(_AWAY.format(**names)).column("record_key").to_pylist()]
    session.replace(tables.known, ledger.members_among(entity.name, away).select(["key"]).cast(_KEY))
    session.create(tables.groups, _GROUPS.format(**names))
    session.create(tables.affected, _AFFECTED.format(**names))
    return Scope(session=session, entity=entity, among=tables.affected)


def note_seen(session: Session, entity: Entity, decided: Decided) -> None:
    """Note what this resolution knew; what others had asked for is done."""
    tables = work_tables(entity.name)
    session.replace(tables.decided, _decided(decided))
    session.create(tables.common, f"select rule, match_key from identity.{subject_of(entity)}_common_key")  # noqa: S608 -- ours
    session.replace(tables.unresolved, _RECORD.empty_table())


def _decided(decided: Decided) -> pa.Table:
    parts = [
        table.append_column("verdict", pa.array([verdict] * table.num_rows, pa.string()))
        for verdict, table in (("same", decided.same), ("different", decided.different))
    ]
    return pa.concat_tables(parts).cast(_DECIDED)
