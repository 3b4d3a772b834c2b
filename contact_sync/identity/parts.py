"""Parts a resolution into smaller ones that have nothing to do with each other, so that its memory is bounded.

Whatever can make records one, or lets one's key depend on another's, keeps them in the same part. The warehouse finds
what is connected, in numbers; that two names have one number joins two parts in one, no more. Does not belong here:
which records are looked at at all (affected.py), and what becomes of a part (part.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from contact_sync.identity.affected import find_returned
from contact_sync.identity.collect import carried_query
from contact_sync.identity.evidence import SAID_BY_SYSTEMS, Limits
from contact_sync.identity.last_resolution import last_links, retired_table
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import joining_table, link_table, pair_table, subject_of
from contact_sync.identity.work_tables import KEY_NAME_SCHEMA, work_tables
from contact_sync.sql_text import sql_texts
from contact_sync.state.identities import IdentityLedger

PART_RECORDS: Final = 2_000_000
"""So many records, about, are resolved at a time: each takes about half a kilobyte, besides the engine."""

# Who carries a key is connected with whom it was derived from.
_TIES: Final = """
    with group_of as (
        select linked.record_key, coalesce(split.component, linked.key) as component
        from (
            select record_key, key from ({linked}) as last_link
            union all
            select record_key, key from {returned}
        ) as linked
        left join {split} as split on split.key = linked.key
    ),

    carried as ({carried}),

    joined as (
        select record_key_1, record_key_2 from {pairs} where score >= {join}
        union all
        select record_key_1, record_key_2 from {joining_pairs}
        union all
        select record_key_1, record_key_2 from {decided_now}
    ),

    tie as (
        select record_key, rule || '|' || match_key as tie from identity.{subject}_joining_key
        union all
        select record_key, 'key|' || component from group_of
        union all
        select record_key, 'key|' || current_key from carried
        union all
        select anchor_record_key, 'key|' || current_key from carried
        union all
        select record_key_1, 'pair|' || record_key_1 || '|' || record_key_2 from joined
        union all
        select record_key_2, 'pair|' || record_key_1 || '|' || record_key_2 from joined
    )

    select {record} as record, {tie} as tie from tie where {condition}
"""
_RECORDS: Final = """
    select record_key from silver.{records}
    union
    select record_key from ({linked}) as linked
    union
    select record_key from identity.{subject}_joining_key where rule in ({said})
    union
    select record_key_1 from {joining_pairs}
    union
    select record_key_2 from {joining_pairs}
"""
_OF_SEVERAL: Final = """
    select distinct tied.record, tied.tie
    from {ties} as tied
    inner join (
        select tie from {ties} group by tie having min(record) < max(record)
    ) as several on several.tie = tied.tie
"""
# Each takes the least number that a tie leads to; who has the same number then is one, with the ties of all of them.
_LEAST: Final = """
    select tied.record, min(least_of.record) as label
    from {ties} as tied
    inner join (
        select tie, min(record) as record from {ties} group by tie
    ) as least_of on least_of.tie = tied.tie
    group by tied.record
"""
_AS_ONE: Final = """
    select least_of.label as record, tied.tie
    from {ties} as tied
    inner join {least} as least_of on least_of.record = tied.record
"""
_RELABELLED: Final = """
    select labelled.record, coalesce(least_of.label, labelled.label) as label
    from {labels} as labelled
    left join {least} as least_of on least_of.record = labelled.label
"""
_PARTED: Final = """
    select looked_at.record_key, abs(mod(coalesce(labelled.label, {record}), {parts})) as part
    from ({records}) as looked_at
    left join {labels} as labelled on labelled.record = {record}
"""


def parts_of(
    scope: Scope, ledger: IdentityLedger, limits: Limits, *, most_records: int = PART_RECORDS
) -> Iterator[Scope]:
    """The scope in parts of about so many records, each to be resolved before the next one is asked for.

    What stewards decided has to be noted before (news.note_decided).
    """
    session, entity = scope.session, scope.entity
    tables = work_tables(entity.name)
    for table in (tables.resolved_key, tables.other_key):
        session.replace(table, KEY_NAME_SCHEMA.empty_table())
    parts = -(-_count(scope) // most_records)
    if parts <= 1:
        yield scope
        return
    records = _records(scope)
    if scope.is_everything:
        find_returned(scope, ledger, f"({records})")
    labels = _find_labels(scope, limits)
    number = session.dialect.number_of("looked_at.record_key")
    session.create(tables.parted, _PARTED.format(record=number, records=records, labels=labels, parts=parts))
    for part in range(parts):
        session.create(tables.part, f"select record_key from {tables.parted} where part = {part}")  # noqa: S608 -- ours
        yield Scope(session=session, entity=entity, among=tables.part)


def _count(scope: Scope) -> int:
    """How many records are looked at, at most; whoever was restored from the ledger may be live as well."""
    entity = scope.entity
    tables = [f"silver.{entity.records}", retired_table(entity.name)] if scope.is_everything else [scope.among]
    return sum(int(scope.session.scalar(f"select count(*) from {table}")) for table in tables)  # noqa: S608 -- ours


def _records(scope: Scope) -> str:
    """Query of the records that are looked at."""
    entity = scope.entity
    if not scope.is_everything:
        return f"select record_key from {scope.among}"  # noqa: S608 -- ours
    return _RECORDS.format(
        records=entity.records,
        subject=subject_of(entity),
        linked=last_links(entity.name, link_table(entity), entity.key),
        said=sql_texts(SAID_BY_SYSTEMS),
        joining_pairs=joining_table(entity),
    )


def _find_labels(scope: Scope, limits: Limits) -> str:
    """Make a table of (record, label): the number of its component. Who is tied to nobody is left out."""
    session, entity = scope.session, scope.entity
    tables = work_tables(entity.name)
    ties, labels, others = tables.ties, tables.labels, tables.other_labels
    query = _TIES.format(
        linked=last_links(entity.name, link_table(entity), entity.key),
        returned=tables.returned,
        split=tables.split,
        carried=carried_query(entity),
        pairs=pair_table(entity),
        joining_pairs=joining_table(entity),
        decided_now=tables.decided_now,
        join=limits.join,
        subject=subject_of(entity),
        record=session.dialect.number_of("record_key"),
        tie=session.dialect.number_of("tie"),
        condition=scope.condition("record_key"),
    )
    session.create(tables.all_ties, query)
    session.create(ties, _OF_SEVERAL.format(ties=tables.all_ties))
    session.create(labels, f"select distinct record, record as label from {ties}")  # noqa: S608 -- ours
    while session.scalar(f"select count(*) from {ties}"):  # noqa: S608 -- ours
        session.create(tables.least, _LEAST.format(ties=ties))
        session.create(others, _RELABELLED.format(labels=labels, least=tables.least))
        session.create(tables.all_ties, _AS_ONE.format(ties=ties, least=tables.least))
        session.create(ties, _OF_SEVERAL.format(ties=tables.all_ties))
        labels, others = others, labels
    return labels
