"""Writes what a resolution of a scope came to: links, keys in use, parts kept apart, what waits for stewards.

Rows about other records stay. Does not belong here: how it came to that (part.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.identity.arrow_sql import query_over
from contact_sync.identity.assign import MEMBER_SCHEMA, Assignment
from contact_sync.identity.changes import stamp
from contact_sync.identity.cluster import Clustering
from contact_sync.identity.collect import read_doubtful_pairs
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA, carried_forward
from contact_sync.identity.evidence import Limits
from contact_sync.identity.last_resolution import retired_table, stamp_table
from contact_sync.identity.review import candidates, settled_keys
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import REVIEW_SCHEMA, link_table, review_table
from contact_sync.identity.work_tables import work_tables
from contact_sync.state.identities import IdentityLedger

_PARTS: Final = """
    with part as (
        select distinct links.key, parts.component
        from parts
        inner join clusters on clusters.cluster = parts.cluster
        inner join links on links.record_key = clusters.record_key
    )

    select key, min(key) over (partition by component) as component
    from part
    qualify count(*) over (partition by component) > 1
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a scope. links_before: (record_key, key) of its records so far."""

    scope: Scope
    clustering: Clustering
    assignment: Assignment
    links_before: pa.Table


def stamp_touched(outcome: Outcome, news: pa.ChunkedArray[Any] | None, *, number: int) -> None:
    """Note whose golden record may be another one: whoever has or had a record that changed, moved or is gone.

    news: the records that changed, if it is known which; otherwise it may be anybody's.
    """
    scope = outcome.scope
    names = _keys(outcome) if news is None else _keys_about(outcome, news)
    keys = f"select name as {scope.entity.key} from {_named(scope, names)} as given"  # noqa: S608 -- ours
    stamp(scope.session, scope.entity, keys, number=number)


def _keys_about(outcome: Outcome, news: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """The keys that records have or had that changed, moved or are gone."""
    links_before, links = outcome.links_before, outcome.assignment.links
    moved = outcome.assignment.moved.column("record_key").cast(pa.string())
    known = links_before.column("record_key")
    gone = known.filter(pc.invert(pc.is_in(known, value_set=links.column("record_key"))))
    records = pa.chunked_array([*news.chunks, *moved.chunks, *gone.chunks], pa.string())
    touched = (table.filter(pc.is_in(table.column("record_key"), value_set=records)) for table in (links_before, links))
    return _distinct(*(table.column("key") for table in touched))


def write_links(outcome: Outcome) -> None:
    """Write the links of live records; those that live on in others are kept apart."""
    scope, found = outcome.scope, outcome.assignment.links.select(MEMBER_SCHEMA.names)
    is_retired = pc.is_in(found.column("record_key"), value_set=outcome.clustering.retired)
    links, retired = found.filter(pc.invert(is_retired)), found.filter(is_retired)
    scope.write(link_table(scope.entity), links.rename_columns(["record_key", scope.entity.key]), "record_key")
    scope.write(retired_table(scope.entity.name), retired, "record_key")


def note_resolved(outcome: Outcome) -> None:
    """Note whose candidates may be others now (write_candidates), and which keys stand for others than before."""
    session, tables, assignment = outcome.scope.session, work_tables(outcome.scope.entity.name), outcome.assignment
    others = _distinct(assignment.superseded.column("superseded_by"), assignment.reinstated.column("key"))
    session.append(tables.resolved_key, pa.table({"key": _keys(outcome)}))
    session.append(tables.other_key, pa.table({"key": others}))


def write_parts(outcome: Outcome) -> None:
    """Write which keys guards keep apart though evidence connects them."""
    clustering, table = outcome.clustering, work_tables(outcome.scope.entity.name).split
    tables = {"parts": clustering.parts, "clusters": clustering.clusters, "links": outcome.assignment.links}
    parts = query_over(tables, _PARTS)
    if outcome.scope.is_everything:
        outcome.scope.session.replace(table, parts)
    else:
        _replace_keys(outcome.scope, table, parts, _keys(outcome))


def write_current_keys(outcome: Outcome, ledger: IdentityLedger) -> None:
    """Write which key stands for each key that an assignment changes."""
    scope, assignment = outcome.scope, outcome.assignment
    reinstated = [str(key) for key in assignment.reinstated.column("key").to_pylist()]
    back = {
        name: key
        for key in reinstated
        for name in (key, *(row["key"] for row in ledger.superseded_by(scope.entity.name, key)))
    }
    before = _concerned(scope, assignment, back)
    carried = carried_forward(before, assignment, back)
    if carried is not before:
        _replace_keys(scope, stamp_table(scope.entity.name), carried, carried.column("key").combine_chunks())


def _concerned(scope: Scope, assignment: Assignment, back: dict[str, str]) -> pa.Table:
    """The rows of the keys in use that an assignment changes."""
    names = pa.concat_arrays(
        [
            assignment.superseded.column("key").combine_chunks().cast(pa.string()),
            pa.array(back.keys(), pa.string()),
        ]
    )
    chosen = _named(scope, names)
    columns, table = ", ".join(CURRENT_KEY_SCHEMA.names), stamp_table(scope.entity.name)
    query = f"select {columns} from {table} where current_key in {chosen} or key in {chosen}"  # noqa: S608 -- ours
    return scope.session.query(query).cast(CURRENT_KEY_SCHEMA)


def write_candidates(
    scope: Scope, cuts: pa.Table, different: pa.Table, limits: Limits, explained: Callable[[str], str]
) -> bool:
    """Write what waits for a steward, if it is not there already; True if it was written.

    The links have to be there. cuts: cluster.CUT_SCHEMA. different: what was decided. explained: makes JSON for people
    of a pair's `evidence`.
    """
    settled = settled_keys(different, _links_of(scope, different))
    scope.session.replace(f"pipeline.{scope.entity.name}_different", settled)
    pairs = read_doubtful_pairs(scope, cuts, limits)
    waiting = candidates(pairs, cuts, _links_of(scope, pairs, cuts), limits, settled)
    texts = pa.array([explained(str(text)) for text in waiting.column("evidence").to_pylist()], pa.string())
    waiting = waiting.set_column(waiting.schema.get_field_index("evidence"), "evidence", texts)
    return _replace_candidates(scope, waiting)


def _links_of(scope: Scope, *pairs: pa.Table) -> pa.Table:
    """The links (record_key, key) of the records that pairs name."""
    columns = (table.column(f"record_key_{side}") for table in pairs for side in (1, 2))
    chosen, key = _named(scope, _distinct(*columns)), scope.entity.key
    query = f"select record_key, {key} as key from {link_table(scope.entity)} where record_key in {chosen}"  # noqa: S608 -- ours
    return scope.session.query(query).cast(MEMBER_SCHEMA)


def _replace_candidates(scope: Scope, waiting: pa.Table) -> bool:
    table, chosen = review_table(scope.entity), "1 = 1"
    scope.session.append(table, REVIEW_SCHEMA.empty_table())
    if not scope.is_everything:
        keys = f"(select key from {work_tables(scope.entity.name).resolved_key})"  # noqa: S608 -- ours
        chosen = f"(key_1 in {keys} or key_2 in {keys})"
    columns = ", ".join(REVIEW_SCHEMA.names)
    known = scope.session.query(f"select {columns} from {table} where {chosen}").cast(REVIEW_SCHEMA)  # noqa: S608 -- ours
    if known.sort_by("candidate_id").equals(waiting.sort_by("candidate_id")):
        return False
    scope.session.execute(f"delete from {table} where {chosen}")  # noqa: S608 -- ours
    scope.session.append(table, waiting)
    return True


def _keys(outcome: Outcome) -> pa.Array[Any]:
    """The keys that records of the scope have or had."""
    return _distinct(outcome.assignment.links.column("key"), outcome.links_before.column("key"))


def _distinct(*columns: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """Each text of some columns once."""
    return pa.concat_arrays([column.combine_chunks().cast(pa.string()) for column in columns]).unique()


def _replace_keys(scope: Scope, table: str, rows: pa.Table, keys: pa.Array[Any]) -> None:
    """Let rows take the place of those about these keys."""
    scope.session.execute(f"delete from {table} where key in {_named(scope, keys)}")  # noqa: S608 -- ours
    scope.session.append(table, rows)


def _named(scope: Scope, names: pa.Array[Any]) -> str:
    """A subquery of these names."""
    table = f"pipeline.{scope.entity.name}_named"
    scope.session.replace(table, pa.table({"name": names}))
    return f"(select name from {table})"  # noqa: S608 -- ours
