"""What a build of silver has to do, found out in the warehouse before dbt is started.

A refresh may come every few seconds and most of its objects have nothing new: only what has news is built. Does not
belong here: building (steps.py), and how windows and definitions are kept (warehouse/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contact_sync.normalisation.country import CountryNames
from contact_sync.normalisation.kinds import all_kinds
from contact_sync.normalisation.remembered import NormalizedCount, normalize_new_values, value_columns
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.quality import held_instances
from contact_sync.pipeline.quality import prepare as prepare_quality
from contact_sync.warehouse.base import BronzeWindow, Session
from contact_sync.warehouse.definitions import definitions, outdated
from contact_sync.warehouse.windows import (
    models_without_news,
    open_windows,
    write_golden_rules,
    write_refresh,
    write_schema_fields,
)


@dataclass(frozen=True, kw_only=True)
class SilverWork:
    """What a build of silver has to do. due: nodes to build, unchanged: those that hold all there is.

    missing: what the due ones read, and nobody has built or selected yet.
    definitions: what each table that is kept between builds is filled by; rebuild: those filled by another one so far.
    """

    windows: Sequence[BronzeWindow]
    definitions: Mapping[str, str]
    rebuild: Sequence[str]
    due: Sequence[str]
    unchanged: Sequence[str]
    missing: Sequence[str]
    normalized: Sequence[NormalizedCount]


def silver_work(session: Session, installation: Installation, selection: Sequence[str]) -> SilverWork:
    """Bring in what dbt reads, and find out what there is to do."""
    histories = installation.schemas.histories()
    dbt, warehouse = installation.dbt, installation.warehouse
    columns = dbt.bronze_columns()
    tables = [installation.bronze(name) for name in columns]
    held = held_instances(installation, histories)
    windows = open_windows(session, warehouse, tables, columns, held=held)
    write_refresh(session, installation.now())
    write_golden_rules(session, installation.catalog.entities.values())
    write_schema_fields(session, {key: versions[-1] for key, versions in histories.items()})
    _prepare_links(session, installation)
    prepare_quality(session, installation)
    normalized = _normalize(session, installation)
    defined = definitions(dbt.manifest())
    rebuild = outdated(session, defined)
    selected = dbt.names_of(selection)
    quiet = {*models_without_news(dbt.readers(), windows), *dbt.seeds()}.difference(rebuild)
    unchanged = [name for name in selected if name in quiet and session.exists(f"silver.{name}")]
    return SilverWork(
        windows=windows,
        definitions=defined,
        rebuild=rebuild,
        due=[name for name in selected if name not in unchanged],
        unchanged=unchanged,
        # Before the first whole refresh a single model would miss them, and nobody knows to select them.
        missing=[name for name in dbt.kept_parents_of(selected) if not session.exists(f"silver.{name}")],
        normalized=normalized,
    )


def _normalize(session: Session, installation: Installation) -> list[NormalizedCount]:
    """Ask the libraries about the new values that SQL cannot normalise, before the models read the answers."""
    countries = CountryNames.read(installation.dbt.directory / "seeds" / "country.csv")
    columns = value_columns(installation.dbt.bronze_meta())
    return normalize_new_values(session, columns, all_kinds(countries), now=installation.now())


def _prepare_links(session: Session, installation: Installation) -> None:
    """dbt reads the link tables as sources; before the first resolution they are empty."""
    for entity in installation.catalog.entities.values():
        subject = entity.key.removesuffix("_key")
        session.execute(
            f"create table if not exists identity.{subject}_link (record_key varchar, {entity.key} varchar)"
        )
