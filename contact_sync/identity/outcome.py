"""Writes what a resolution of a scope came to: links, keys in use, parts kept apart, what waits for stewards.

Rows about other records stay. Does not belong here: how it came to that (resolve.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.identity.affected import work_tables
from contact_sync.identity.assign import Assignment
from contact_sync.identity.changes import every_key, stamp
from contact_sync.identity.cluster import Clustering
from contact_sync.identity.current_keys import CURRENT_KEY_SCHEMA, carried_forward
from contact_sync.identity.evidence import Evidence, Limits
from contact_sync.identity.last_resolution import retired_table, stamp_table
from contact_sync.identity.review import candidates, settled_keys
from contact_sync.identity.scope import Scope
from contact_sync.identity.tables import REVIEW_SCHEMA, link_table, review_table
from contact_sync.state.identities import IdentityLedger

_LINKS: Final = ["record_key", "key"]
_PARTS: Final = """
    with part as (
        select distinct links.key, parts.component
        from parts
        inner join clusters on clusters.cluster = parts.cluster
        inner join links on links.record_key = clusters.record_key
    )

    select key, min(key) over (partition by component) as component from part
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a scope. links_before: (record_key, key) of its records so far, if the warehouse knew them."""

    scope: Scope
    clustering: Clustering
    assignment: Assignment
    links_before: pa.Table | None


def stamp_touched(outcome: Outcome, news: pa.ChunkedArray[Any] | None, *, number: int) -> None:
    """Note whose golden record may be another one: whoever has or had a record that changed, moved or is gone.

    news: the records that changed, if it is known which.
    """
    scope, links_before = outcome.scope, outcome.links_before
    if news is None or links_before is None:
        keys = f"{every_key(scope.entity)} union select name from {_named(scope, _keys(outcome))} as given"  # noqa: S608 -- ours
    else:
        moved = outcome.assignment.moved.column("record_key").cast(pa.string())
        known, linked = links_before.column("record_key"), outcome.assignment.links.column("record_key")
        gone = known.filter(pc.invert(pc.is_in(known, value_set=linked)))
        records = pa.chunked_array([*news.chunks, *moved.chunks, *gone.chunks], pa.string())
        touched = [
            table.filter(pc.is_in(table.column("record_key"), value_set=records)).column("key").cast(pa.string())
            for table in (links_before, outcome.assignment.links)
        ]
        names = pa.chunked_array([chunk for column in touched for chunk in column.chunks], pa.string())
        named = _named(scope, names.combine_chunks().unique())
        keys = f"select name as {scope.entity.key} from {named} as given"  # noqa: S608 -- ours
    stamp(scope.session, scope.entity, keys, number=number)


def write_links(outcome: Outcome) -> pa.Table:
    """Write and return the links of live records; those that live on in others are kept apart."""
    scope, found = outcome.scope, outcome.assignment.links.select(_LINKS)
    is_retired = pc.is_in(found.column("record_key"), value_set=outcome.clustering.retired)
    links, retired = found.filter(pc.invert(is_retired)), found.filter(is_retired)
    scope.write(link_table(scope.entity), links.rename_columns(["record_key", scope.entity.key]), "record_key")
    scope.write(retired_table(scope.entity.name), retired, "record_key")
    return links


def write_parts(outcome: Outcome) -> None:
    """Write which keys guards keep apart though evidence connects them."""
    clustering, table = outcome.clustering, work_tables(outcome.scope.entity.name).split
    database = duckdb.connect(":memory:", config={"threads": 2})
    try:
        for name, rows in (
            ("parts", clustering.parts),
            ("clusters", clustering.clusters),
            ("links", outcome.assignment.links),
        ):
            database.register(name, rows)
        parts: pa.Table = database.sql(_PARTS).to_arrow_table()
    finally:
        database.close()
    if outcome.scope.is_everything:
        outcome.scope.session.replace(table, parts)
    else:
        _replace_keys(outcome.scope, table, parts, _keys(outcome))


def write_current_keys(outcome: Outcome, ledger: IdentityLedger, current_keys: pa.Table) -> None:
    """Write which key stands for each key ever given. current_keys: what was known, if all keys are meant."""
    scope, assignment = outcome.scope, outcome.assignment
    table = stamp_table(scope.entity.name)
    if outcome.links_before is None:
        scope.session.replace(table, ledger.resolved_keys(scope.entity.name))
        return
    reinstated = [str(key) for key in assignment.reinstated.column("key").to_pylist()]
    back = {
        name: key
        for key in reinstated
        for name in (key, *(row["key"] for row in ledger.superseded_by(scope.entity.name, key)))
    }
    if not scope.is_everything:
        current_keys = _concerned(scope, assignment, back)
    carried = carried_forward(current_keys, assignment, back)
    if carried is current_keys:
        return
    if scope.is_everything:
        scope.session.replace(table, carried)
    else:
        _replace_keys(scope, table, carried, carried.column("key").combine_chunks())


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
    outcome: Outcome, evidence: Evidence, links: pa.Table, limits: Limits, explained: Callable[[str], str]
) -> bool:
    """Write what waits for a steward, if it is not there already; True if it was written.

    links: those of the scope. explained: makes JSON for people of a pair's `evidence`.
    """
    scope = outcome.scope
    settled = settled_keys(evidence.different, _links_of(scope, links, evidence.different))
    scope.session.replace(f"pipeline.{scope.entity.name}_different", settled)
    linked = _links_of(scope, links, evidence.pairs)
    waiting = candidates(evidence, outcome.clustering.cuts, linked, limits, settled)
    texts = pa.array([explained(str(text)) for text in waiting.column("evidence").to_pylist()], pa.string())
    waiting = waiting.set_column(waiting.schema.get_field_index("evidence"), "evidence", texts)
    return _replace_candidates(outcome, waiting)


def _links_of(scope: Scope, links: pa.Table, pairs: pa.Table) -> pa.Table:
    """The links of the scope, and those of other records that pairs name."""
    if scope.is_everything or not pairs.num_rows:
        return links
    named = pa.concat_arrays([pairs.column(side).combine_chunks() for side in ("record_key_1", "record_key_2")])
    chosen, others = _named(scope, named), f"not {scope.condition('record_key')}"
    key, table = scope.entity.key, link_table(scope.entity)
    query = f"select record_key, {key} as key from {table} where record_key in {chosen} and {others}"  # noqa: S608 -- ours
    return pa.concat_tables([links, scope.session.query(query).cast(links.schema)])


def _replace_candidates(outcome: Outcome, waiting: pa.Table) -> bool:
    scope, table = outcome.scope, review_table(outcome.scope.entity)
    scope.session.append(table, REVIEW_SCHEMA.empty_table())
    chosen = "1 = 1"
    if not scope.is_everything:
        keys = _named(scope, _keys(outcome))
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
    tables = [outcome.assignment.links] + ([outcome.links_before] if outcome.links_before is not None else [])
    return pa.concat_arrays([table.column("key").combine_chunks().cast(pa.string()) for table in tables]).unique()


def _replace_keys(scope: Scope, table: str, rows: pa.Table, keys: pa.Array[Any]) -> None:
    """Let rows take the place of those about these keys."""
    scope.session.execute(f"delete from {table} where key in {_named(scope, keys)}")  # noqa: S608 -- ours
    scope.session.append(table, rows)


def _named(scope: Scope, names: pa.Array[Any]) -> str:
    """A subquery of these names."""
    table = f"pipeline.{scope.entity.name}_named"
    scope.session.replace(table, pa.table({"name": names}))
    return f"(select name from {table})"  # noqa: S608 -- ours
