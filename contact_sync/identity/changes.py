"""Which golden keys a resolution has touched, and in which one that was last: what golden records follow.

Numbers grow over all entities, so that one number says up to where a table is filled. Does not belong here: what
touches a key (outcome.py), and how models follow (dbt_project/macros/changes.sql).
"""

from __future__ import annotations

from collections.abc import Iterable

from contact_sync.catalog import Entity
from contact_sync.identity.tables import change_table, link_table
from contact_sync.warehouse.base import Session


def prepare(session: Session, entity: Entity) -> None:
    """Make the table of changes, empty, before the first resolution."""
    session.execute(f"create table if not exists {change_table(entity)} ({entity.key} varchar, changed_in bigint)")


def last_change(session: Session, entities: Iterable[Entity]) -> int:
    """The number of the last resolution that changed anything; 0 before the first one."""
    tables = [change_table(entity) for entity in entities]
    newest = (session.scalar(f"select max(changed_in) from {table}") for table in tables if session.exists(table))  # noqa: S608 -- catalog
    return max((int(number) for number in newest if number is not None), default=0)


def stamp(session: Session, entity: Entity, keys: str, *, number: int) -> None:
    """Note the keys that a query returns as touched in a resolution. Those without records keep their row."""
    prepare(session, entity)
    table = change_table(entity)
    session.execute(f"update {table} set changed_in = {number} where {entity.key} in ({keys})")  # noqa: S608 -- ours
    session.execute(
        f"insert into {table} select {entity.key}, {number} from "  # noqa: S608 -- ours
        f"(select {entity.key} from ({keys}) as touched except select {entity.key} from {table}) as new"
    )


def every_key(entity: Entity) -> str:
    """A query of all keys of an entity, also of those that have no records any more."""
    links, changes = link_table(entity), change_table(entity)
    return f"select {entity.key} from {links} union select {entity.key} from {changes}"  # noqa: S608 -- catalog
