"""The steps in the order records flow: extract, silver, identities, gold; what follows is in activation.py.

Each takes an installation, does one thing and returns a report of counts. The warehouse is held only for short
transactions, never while a network is waited for. Does not belong here: Dagster, and how reports are shown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.identity.changes import last_change
from contact_sync.identity.collect import Decided
from contact_sync.identity.news import mark_unresolved
from contact_sync.identity.parts import PART_RECORDS
from contact_sync.identity.resolve import Resolution, resolve
from contact_sync.identity.tables import review_table
from contact_sync.lake.published import is_published, publish, publish_file, spool
from contact_sync.pipeline.build_work import BuildWork, seen_by
from contact_sync.pipeline.consent import write_consent_decisions
from contact_sync.pipeline.gold_work import GOLD, gold_work
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.scored_pairs import DIFFERENCES
from contact_sync.pipeline.scoring import Scoring, score_people
from contact_sync.pipeline.silver_work import silver_work
from contact_sync.state.decisions import Verdict
from contact_sync.sync.plan import in_order
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import forget, remember
from contact_sync.warehouse.lock import exclusive
from contact_sync.warehouse.refusals import refused_values
from contact_sync.warehouse.transform import DbtProject, EventListener, NodeOutcome, raise_for_failures
from contact_sync.warehouse.windows import close_windows

SILVER: Final = ("group:silver", "group:identity")


@dataclass(frozen=True, kw_only=True)
class TransformReport:
    """One dbt invocation: its outcomes, and model -> rows afterwards.

    unchanged: models that were left as they are, because bronze has nothing new for them.
    figures: model -> name -> what else was counted.
    refused: how many values silver refuses, by `object_name`, `field` and `rule`.
    """

    outcomes: tuple[NodeOutcome, ...]
    row_counts: dict[str, int]
    unchanged: tuple[str, ...] = ()
    figures: dict[str, dict[str, int]] = field(default_factory=dict)
    refused: tuple[Mapping[str, Any], ...] = ()


def build_silver(
    installation: Installation, *, selection: Sequence[str] = SILVER, listener: EventListener | None = None
) -> TransformReport:
    """Merge the unprocessed bronze batches into silver and make match keys; pointers move only after success.

    A model that merges batches is left as it is when there are none for it and its definition is the same, a seed when
    its file is the same.
    """
    # One at a time: what a refresh writes has its number, and nobody may have seen a later one before.
    with exclusive(installation.settings.root / "silver.lock", purpose="silver", what="Silver"):
        return _build_silver(installation, selection, listener)


def _build_silver(
    installation: Installation, selection: Sequence[str], listener: EventListener | None
) -> TransformReport:
    warehouse, dbt = installation.warehouse, installation.dbt
    with warehouse.session("bring bronze in") as session:
        work = silver_work(session, installation, selection)
        forget(session, set(work.rebuild).intersection(work.nodes))
    with warehouse.exclusive("dbt silver"):
        outcomes = _built(installation, work, work.nodes, listener=listener)
        # Also after a failure: what is built has replaced what views showed.
        outcomes += _built(installation, work, work.after)
    raise_for_failures(outcomes)
    with warehouse.session("advance pointers") as session:
        tables = dbt.tables()
        current = [name for name in tables if tables[name] in _tables(outcomes, "model", "seed")]
        current += work.unchanged
        # To count a view would be to make all that it shows.
        counts = _row_counts(session, dbt, current)
        # A run of some models leaves to the others the batches that they have not merged.
        readers = dbt.readers()
        merged = [one for one in work.windows if one.has_news and readers.get(one.object_name, set()) <= set(counts)]
        close_windows(session, merged)
        filled = {name: work.definitions[name] for name in current if name in work.definitions}
        # What follows nothing has nothing to see.
        followers = dbt.followers()
        followed = {name: seen for name, seen in work.changes_seen.items() if name in followers}
        remember(session, filled, seen=seen_by(filled, work.refresh, followed, dbt.parents()))
        return TransformReport(
            outcomes=tuple(outcomes),
            row_counts=counts,
            unchanged=tuple(work.unchanged),
            figures={"contact_record": {f"{of.kind}_{name}": n for of in work.normalized for name, n in of.figures()}},
            refused=refused_values(session),
        )


def score_pairs(installation: Installation, *, is_full: bool = False) -> Scoring:
    """Score the new pairs of people's records, or all of them; a full run publishes what it found otherwise."""
    path = installation.settings.root / "identity" / "person.duckdb"
    with installation.warehouse.session("score pairs") as session:
        scoring = score_people(
            session,
            installation.person_model,
            path,
            is_full=is_full,
            memory_limit_mb=installation.settings.warehouse_memory_mb,
        )
        differences = session.read(DIFFERENCES) if scoring.is_full else None
    if differences is not None:
        layer, name = DIFFERENCES.split(".")
        publish(installation.location, layer, name, differences)
    return scoring


def resolve_identities(installation: Installation, *, part_records: int = PART_RECORDS) -> list[Resolution]:
    """Give every live record its person or company key, and decisions about consent the key their person has now.

    Publishes what waits for stewards, where that has changed. part_records: about so many are resolved at a time.
    """
    entities = in_order(installation.catalog)
    with installation.warehouse.session("identity") as session:
        number = last_change(session, entities) + 1
        resolutions = [
            resolve(
                session,
                installation.identities,
                entity,
                decided=_decided(installation, entity),
                number=number,
                limits=installation.person_model.limits,
                explained=installation.person_model.explained,
                on_moved=partial(_mark_people_of, session) if entity.name == "account" else _nobody,
                part_records=part_records,
            )
            for entity in entities
        ]
        write_consent_decisions(session, installation, number=number)
        waiting = {
            review_table(entity): session.read(review_table(entity))
            for entity, resolution in zip(entities, resolutions, strict=True)
            if resolution.has_other_candidates
        }
    for table, rows in waiting.items():
        layer, name = table.split(".")
        publish(installation.location, layer, name, rows)
    return resolutions


def _mark_people_of(session: Session, moved: pa.Table) -> None:
    """The company of a person is that of a record's account: who has one that moved is resolved again."""
    session.replace("pipeline.moved_account", moved.select(["record_key"]))
    if moved.num_rows and session.exists("silver.contact_record"):
        people = "select record_key from silver.contact_record"
        accounts = "select record_key from pipeline.moved_account"
        mark_unresolved(session, "contact", f"{people} where account_record_key in ({accounts})")


def _nobody(_moved: pa.Table) -> None:
    """No records of others depend on these."""


def _decided(installation: Installation, entity: Entity) -> Decided:
    """What stewards have decided about an entity's records, and not taken back."""
    standing = installation.decisions.standing(entity.name)
    return Decided(same=standing[Verdict.SAME], different=standing[Verdict.DIFFERENT])


def build_gold(
    installation: Installation, *, selection: Sequence[str] = GOLD, listener: EventListener | None = None
) -> TransformReport:
    """Build the golden records and publish them for readers.

    What no resolution has touched since is left as it is. Golden records are never built without their fields, of which
    an older table knows other persons and companies.
    """
    warehouse, dbt = installation.warehouse, installation.dbt
    with warehouse.session("look for changes") as session:
        work = gold_work(session, installation, selection)
        forget(session, work.rebuild)
    with warehouse.exclusive("dbt gold"):
        outcomes = _built(installation, work, work.nodes, listener=listener)
    raise_for_failures(outcomes)
    tables = dbt.tables()
    built = [name for name in tables if tables[name] in _tables(outcomes, "model", "seed")]
    _publish_gold(installation, built, unchanged=work.unchanged)
    with warehouse.session("remember gold") as session:
        filled = {name: work.definitions[name] for name in built if name in work.definitions}
        remember(session, filled, seen=dict.fromkeys(filled, work.last_change))
        counts = _row_counts(session, dbt, [*built, *work.unchanged])
    return TransformReport(outcomes=tuple(outcomes), row_counts=counts, unchanged=tuple(work.unchanged))


def _publish_gold(installation: Installation, built: Sequence[str], *, unchanged: Sequence[str]) -> None:
    """Publish what was built, and of what is unchanged that which readers do not have: the lake is another one."""
    dbt, location = installation.dbt, installation.location
    tables = dbt.tables_of_models()
    names = [name for name in built if name in tables]
    names += [name for name in unchanged if name in tables and not is_published(location, "gold", name)]
    with tempfile.TemporaryDirectory(prefix="gold-", dir=installation.settings.root) as directory:
        files = {name: Path(directory) / f"{name}.parquet" for name in names}
        # Two steps, because the lake may be behind a network, and the warehouse is not held while one is waited for.
        with installation.warehouse.session("publish gold") as session:
            for name, file in files.items():
                spool(session.stream(tables[name]), file)
        for name, file in files.items():
            publish_file(location, "gold", name, file)


def _built(
    installation: Installation,
    work: BuildWork,
    names: Sequence[str],
    *,
    listener: EventListener | None = None,
) -> list[NodeOutcome]:
    if not names:
        return []
    return installation.dbt.build(names, rebuild=work.rebuild, changes_seen=work.changes_seen, listener=listener)


def _tables(outcomes: Iterable[NodeOutcome], *kinds: str) -> list[str]:
    """`schema.table` of the nodes of these kinds that were built."""
    return [outcome.table for outcome in outcomes if outcome.unique_id.partition(".")[0] in kinds]


def _row_counts(session: Session, dbt: DbtProject, names: Iterable[str]) -> dict[str, int]:
    """Model or seed -> rows; none for a view."""
    tables, views = dbt.tables(), dbt.views()
    return {name: session.scalar(f"select count(*) from {tables[name]}") for name in names if name not in views}  # noqa: S608 -- dbt's names
