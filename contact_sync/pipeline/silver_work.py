"""What a build of silver has to do, found out in the warehouse before dbt is started.

A refresh may come every few seconds and most of its objects have nothing new: only what has news is built. Does not
belong here: building (steps.py), and how windows and definitions are kept (warehouse/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contact_sync.identity.resolve import prepare as prepare_identity
from contact_sync.normalisation.country import CountryNames
from contact_sync.normalisation.kinds import all_kinds
from contact_sync.normalisation.remembered import (
    NormalizedCount,
    normalize_new_values,
    state_of_answers,
    value_columns,
)
from contact_sync.pipeline.build_work import BuildWork, ancestors, due_of, views_over
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import held_instances
from contact_sync.pipeline.quality import prepare as prepare_quality
from contact_sync.warehouse.base import BronzeWindow, Session
from contact_sync.warehouse.definitions import changes_seen, definitions, outdated
from contact_sync.warehouse.windows import (
    models_with_news,
    open_windows,
    write_golden_rules,
    write_refresh,
    write_schema_fields,
)


@dataclass(frozen=True, kw_only=True)
class SilverWork(BuildWork):
    """What a build of silver has to do. refresh: the number of this one.

    before: what is missing, or filled by another definition. after: views over what is built that nobody has selected.
    """

    refresh: int
    windows: Sequence[BronzeWindow]
    after: Sequence[str]
    normalized: Sequence[NormalizedCount]


def silver_work(session: Session, installation: Installation, selection: Sequence[str]) -> SilverWork:
    """Bring in what dbt reads, and find out what there is to do."""
    dbt = installation.dbt
    windows, refresh = _bring_in(session, installation)
    normalized = _normalize(session, installation)
    masking = installation.settings.masking
    followers = dbt.followers().keys()
    defined = definitions(dbt.manifest(), dbt.directory, is_masked=masking)
    made_with = _made_with(session)
    defined |= {name: f"{defined[name]}, {made_with}" for name in followers}
    rebuild = outdated(session, defined)
    parents, tables = dbt.parents(), dbt.tables()
    selected = dbt.names_of(selection)
    read = ancestors(selected, parents).intersection(defined).difference(selected)
    kept = defined.keys() & {*selected, *read}
    current = {name for name in kept.difference(rebuild) if session.exists(tables[name])}
    due = due_of(selected, current - models_with_news(dbt.readers(), windows) - followers, parents)
    # Before the first whole refresh, or after a change, a single model would read what is missing or old.
    before = sorted(read - current)
    views = dbt.views().difference(before, due)
    return SilverWork(
        refresh=refresh,
        changes_seen=changes_seen(session),
        windows=windows,
        definitions=defined,
        rebuild=rebuild,
        before=before,
        due=due,
        after=views_over([*before, *due], {view for view in views if session.exists(tables[view])}, parents),
        unchanged=[name for name in selected if name not in due],
        normalized=normalized,
    )


def _bring_in(session: Session, installation: Installation) -> tuple[list[BronzeWindow], int]:
    """Bronze, and the tables of this pipeline that models read; the windows, and the number of this refresh."""
    histories = installation.schemas.histories()
    columns = installation.dbt.bronze_columns()
    tables = [installation.bronze(name) for name in columns]
    held = held_instances(installation, histories)
    windows = open_windows(session, installation.warehouse, tables, columns, held=held)
    refresh = write_refresh(session, installation.now())
    write_golden_rules(session, installation.catalog.entities.values())
    write_schema_fields(session, {key: versions[-1] for key, versions in histories.items()})
    _prepare_links(session, installation)
    prepare_quality(session, installation)
    return windows, refresh


def _normalize(session: Session, installation: Installation) -> list[NormalizedCount]:
    """Ask the libraries about the new values that SQL cannot normalise, before the models read the answers."""
    countries = CountryNames.read(installation.dbt.directory / "seeds" / "country.csv")
    columns = value_columns(installation.dbt.bronze_meta())
    return normalize_new_values(session, columns, all_kinds(countries), now=installation.now())


def _made_with(session: Session) -> str:
    """What forms depend on besides code and values: those that came of another engine or other answers are not kept."""
    engine = session.scalar(f"select {session.dialect.engine_version()}")
    return f"{engine}, {state_of_answers(session)}"


def _prepare_links(session: Session, installation: Installation) -> None:
    """dbt reads the link tables as sources; before the first resolution they are empty."""
    for entity in installation.catalog.entities.values():
        prepare_identity(session, entity)
