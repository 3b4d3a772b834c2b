"""Which records a resolution has to look at: those of which something changed, and whoever can be one with them.

Whoever was connected stays so while nothing about them changes, so that whole components are looked at: those of the
records that changed, and those that evidence now connects with one of these. Does not belong here: what has changed
(news.py), and what follows from the evidence (cluster.py).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from contact_sync.identity.assign import MEMBER_SCHEMA
from contact_sync.identity.collect import carried_query
from contact_sync.identity.evidence import SAID_BY_SYSTEMS, Limits
from contact_sync.identity.last_resolution import last_links, stamp_table
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import joining_table, link_table, pair_table, subject_of
from contact_sync.identity.work_tables import work_tables
from contact_sync.sql_text import sql_texts
from contact_sync.state.identities import IdentityLedger

_STAMPED: Final = """
    select current_key from ({carried}) as carried where record_key in (select record_key from {begun})
    union
    select current_key from {stamp_key} where anchor_record_key in (select record_key from {begun})
"""
_KEYS: Final = """
    select distinct match_key.rule, match_key.match_key
    from identity.{subject}_match_key as match_key
    left join identity.{subject}_common_key as common
        on common.rule = match_key.rule
        and common.match_key = match_key.match_key
    where match_key.record_key in (select record_key from {begun}) and common.rule is null
"""
# The key of a record that lives on in another one is that other record.
_TOUCHED: Final = """
    select record_key from {begun}
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
    where rule in ({said}) and match_key in (select record_key from {begun})
    union
    select record_key_2 from {pairs} where score >= {join} and record_key_1 in (select record_key from {begun})
    union
    select record_key_1 from {pairs} where score >= {join} and record_key_2 in (select record_key from {begun})
    union
    select record_key_2 from {decided_now} where record_key_1 in (select record_key from {begun})
    union
    select record_key_1 from {decided_now} where record_key_2 in (select record_key from {begun})
    union
    select record_key from ({carried}) as carried where current_key in (select current_key from {stamped})
    union
    select anchor_record_key from {stamp_key} where current_key in (select current_key from {stamped})
"""
_GROUPS: Final = """
    select coalesce(split.component, linked.key) as key
    from ({linked}) as linked
    left join {split} as split on split.key = linked.key
    where linked.record_key in (select record_key from {touched})
    union
    select coalesce(split.component, returned.key) as key
    from {returned} as returned
    left join {split} as split on split.key = returned.key
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
    select present.record_key
    from {present} as present
    left join ({linked}) as linked on linked.record_key = present.record_key
    where linked.record_key is null
"""
# Whoever lives on in somebody who is not there yet, or no more, has no link: with him nobody live was one.
_UNLINKED: Final = """
    with said as (
        select record_key, match_key from identity.{subject}_match_key where rule in ({said})
    ),

    named as (
        select record_key from said
        union
        select match_key from said
    )

    select named.record_key
    from named
    left join silver.{records} as live on live.record_key = named.record_key
    left join ({linked}) as linked on linked.record_key = named.record_key
    where live.record_key is null and linked.record_key is null
"""
_TIED: Final = """
    with carried as ({carried}),

    tie as (
        select mine.record_key, theirs.record_key as other_record_key
        from {unlinked} as unlinked
        inner join identity.{subject}_joining_key as mine on mine.record_key = unlinked.record_key
        inner join identity.{subject}_joining_key as theirs
            on theirs.rule = mine.rule
            and theirs.match_key = mine.match_key
        union all
        select mine.record_key, theirs.record_key
        from {unlinked} as unlinked
        inner join carried as mine on mine.record_key = unlinked.record_key
        inner join carried as theirs on theirs.current_key = mine.current_key
        union all
        select record_key, anchor_record_key from carried
        union all
        select anchor_record_key, record_key from carried
        union all
        select record_key_1, record_key_2 from {joining_pairs}
        union all
        select record_key_2, record_key_1 from {joining_pairs}
    )

    select record_key
    from tie
    where record_key in (select record_key from {unlinked}) and other_record_key in (select record_key from {affected})
"""
# Of whom there is no link the evidence is followed as of news.
_UNKNOWN: Final = "select record_key from ({unknown}) as unknown except select record_key from {begun}"


def find_affected(everything: Scope, ledger: IdentityLedger, limits: Limits) -> Scope:
    """Whoever can be one with the news that `news.find_news` has found."""
    session, entity = everything.session, everything.entity
    tables = work_tables(entity.name)
    names = {
        **vars(tables),
        "subject": subject_of(entity),
        "records": entity.records,
        "pairs": pair_table(entity),
        "joining_pairs": joining_table(entity),
        "carried": carried_query(entity),
        "stamp_key": stamp_table(entity.name),
        "linked": last_links(entity.name, link_table(entity), entity.key),
        "said": sql_texts(SAID_BY_SYSTEMS),
        "join": limits.join,
    }
    unknown = _AWAY.format(present=tables.touched, linked=names["linked"])
    session.create(tables.unlinked, _UNLINKED.format(**names))
    if session.scalar(f"select count(*) from {tables.unlinked}"):  # noqa: S608 -- ours
        unknown = f"{unknown} union select record_key from ({_TIED.format(**names)}) as tied"  # noqa: S608 -- ours
    session.create(tables.begun, f"select record_key from {tables.news}")  # noqa: S608 -- ours
    while True:
        session.create(tables.keys, _KEYS.format(**names))
        session.create(tables.stamped, _STAMPED.format(**names))
        session.create(tables.touched, _TOUCHED.format(**names))
        find_returned(everything, ledger, tables.touched)
        session.create(tables.groups, _GROUPS.format(**names))
        session.create(tables.affected, _AFFECTED.format(**names))
        session.create(tables.unknown, _UNKNOWN.format(unknown=unknown, begun=tables.begun))
        if not session.scalar(f"select count(*) from {tables.unknown}"):  # noqa: S608 -- ours
            return Scope(session=session, entity=entity, among=tables.affected)
        session.execute(f"insert into {tables.begun} select record_key from {tables.unknown}")  # noqa: S608 -- ours


def find_returned(scope: Scope, ledger: IdentityLedger, present: str) -> None:
    """Find the keys of those records of a table that were away: the ledger alone knows them."""
    session, entity = scope.session, scope.entity
    tables = work_tables(entity.name)
    session.replace(tables.returned, MEMBER_SCHEMA.empty_table())
    if not ledger.key_count(entity.name):
        return
    linked = last_links(entity.name, link_table(entity), entity.key)
    session.create(tables.away, _AWAY.format(present=present, linked=linked))
    names = ([str(name) for name in batch.column("record_key").to_pylist()] for batch in session.stream(tables.away))
    found = [MEMBER_SCHEMA.empty_table(), *(ledger.members_among(entity.name, some) for some in names)]
    session.replace(tables.returned, pa.concat_tables(found))
