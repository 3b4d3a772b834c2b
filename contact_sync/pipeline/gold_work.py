"""What a build of gold has to do, found out in the warehouse before dbt is started.

Golden records follow the resolutions of identities: while none has touched a key, they are left as they are. Does not
belong here: building and publishing (steps.py), and how definitions are kept (warehouse/definitions.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contact_sync.identity.changes import last_change
from contact_sync.pipeline.build_work import BuildWork, ancestors, due_of
from contact_sync.pipeline.installation import Installation
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen, definitions, outdated

GOLD: Final = ("group:gold",)
_RULES: Final = ("entity", "field", "field_group", "source_object", "is_owner", "rule", "trust", "null_policy")


@dataclass(frozen=True, kw_only=True)
class GoldWork(BuildWork):
    """What a build of gold has to do. last_change: the newest resolution that has touched anything.

    before: what is missing, or filled by another definition, and the fields of golden records.
    """

    last_change: int


def gold_work(session: Session, installation: Installation, selection: Sequence[str]) -> GoldWork:
    """Find out what there is to do."""
    dbt = installation.dbt
    entities = installation.catalog.entities
    parents = dbt.parents()
    newest, seen = last_change(session, entities.values()), changes_seen(session)
    defined = _definitions(session, installation)
    fresh = {*outdated(session, defined), *_lost(session, dbt.tables(), defined, seen, newest)}
    # What remembers something says otherwise after it was filled anew, and who reads it has to say the same.
    rebuild = {name for name in defined if name in fresh or not ancestors([name], parents).isdisjoint(fresh)}
    changes = {name: one.changes for name, one in dbt.followers().items()}
    kept = {name: changes[name] for name in defined if name in changes and name not in rebuild}
    quiet = defined.keys() - rebuild - _with_news(session, kept, seen)
    selected = dbt.names_of(selection)
    read = ancestors(selected, parents).difference(selected)
    fields = {f"{name}_field" for name in entities if name in selected}
    # A single model would read what is missing or old, and golden records of today the fields of yesterday.
    before = [name for name in dbt.names_of(sorted(read & {*rebuild, *fields})) if name not in quiet]
    due = [name for name in due_of([*before, *selected], quiet, parents) if name not in before]
    return GoldWork(
        definitions=defined,
        rebuild=sorted(rebuild),
        last_change=newest,
        changes_seen={name: number for name, number in seen.items() if name not in rebuild},
        before=before,
        due=due,
        unchanged=[name for name in selected if name not in due],
    )


def _definitions(session: Session, installation: Installation) -> dict[str, str]:
    """Definitions of what gold keeps between builds. The rules of golden records are data, but data that say how."""
    dbt = installation.dbt
    known = definitions(dbt.manifest(), dbt.directory, is_masked=installation.settings.masking)
    defined = {name: known[name] for name in dbt.names_of(GOLD) if name in known}
    columns = [f"cast({name} as varchar)" for name in _RULES]
    rules = session.scalar(f"select {session.dialect.fingerprint(columns)} from pipeline.golden_rule")  # noqa: S608 -- ours
    return defined | {name: f"{defined[name]}, {rules}" for name in dbt.followers().keys() & defined}


def _lost(
    session: Session, tables: Mapping[str, str], names: Iterable[str], seen: Mapping[str, int], newest: int
) -> Iterator[str]:
    """Tables that are gone, and those that have seen what was lost: numbers begin again, and would be taken for old."""
    for name in names:
        if seen.get(name, newest) > newest or not session.exists(tables[name]):
            yield name


def _with_news(session: Session, changes: Mapping[str, str], seen: Mapping[str, int]) -> set[str]:
    """Of the models that follow changes (model -> their table), those that have not seen the last one."""
    last = {table: session.scalar(f"select max(changed_in) from {table}") for table in set(changes.values())}  # noqa: S608 -- ours
    return {name for name, table in changes.items() if (last[table] or 0) > seen[name]}
