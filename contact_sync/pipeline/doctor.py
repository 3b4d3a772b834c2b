"""Examines every configured instance: does it answer, and what keeps it from being read and written as wanted.

Belongs here: what is wanted of each instance. Does not belong here: what a protocol lets one find out (connectors).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from contact_sync.catalog import Catalog, CatalogObject
from contact_sync.connectors.base import Health, Source
from contact_sync.connectors.examination import Examinable, Finding, Need, note, problem
from contact_sync.errors import ContactSyncError, SourceError
from contact_sync.identity.tables import KEY_LENGTH
from contact_sync.pipeline.installation import Installation

FEW_BATCHES: Final = 100
"""With fewer bulk batches left, a large load may stop half-way: one takes 10,000 rows."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One instance: its health, None if it did not answer, and what was found."""

    source: str
    instance: str
    health: Health | None
    objects: int
    findings: tuple[Finding, ...]

    @property
    def is_ok(self) -> bool:
        """Whether nothing has to be done."""
        return not any(finding.is_problem for finding in self.findings)


def examine(installation: Installation) -> list[Examined]:
    """Every instance of every source of the catalog, in catalog order, and targets that are not configured."""
    read, complaints = _fields_read(installation)
    found = []
    for source in dict.fromkeys(item.source for item in installation.catalog.objects.values()):
        for instance in installation.settings.instances(source):
            wanted = needs(installation.catalog, source, instance, read)
            found.append(_examined(installation, source, instance, wanted))
    return [*found, *_unconfigured_targets(installation), *complaints]


def needs(catalog: Catalog, source: str, instance: str, read: Mapping[str, Collection[str]]) -> tuple[Need, ...]:
    """What is wanted of an instance: the objects that are read from it, and those that are written to it.

    read: object -> the fields that silver reads.
    """
    written = {one.target.object: one for one in catalog.entities.values() if one.target.instance == instance}
    return tuple(
        Need(
            item=item,
            fields=frozenset(name for name in read.get(item.name, ()) if not name.startswith("_")),
            entity=written.get(item.name),
            key_length=KEY_LENGTH,
        )
        for item in catalog.of_source(source)
        if item.instances is None or instance in item.instances or item.name in written
    )


def _fields_read(installation: Installation) -> tuple[Mapping[str, Collection[str]], list[Examined]]:
    """Object -> the fields that its silver model reads; models that cannot be read are something to know, no more."""
    try:
        return installation.dbt.bronze_columns(), []
    except ContactSyncError as error:
        finding = problem("models", error.message, error.remedy)
        return {}, [Examined(source="dbt", instance="project", health=None, objects=0, findings=(finding,))]


def _examined(installation: Installation, source: str, instance: str, wanted: Sequence[Need]) -> Examined:
    health: Health | None = None
    findings: tuple[Finding, ...] = ()
    if wanted:
        try:
            with closing(installation.open_source(wanted[0].item, instance)) as opened:
                health = opened.check()
                findings = (*_allowances(health, wanted), *_findings(opened, wanted))
        except ContactSyncError as error:
            findings = (problem(instance, error.message, error.remedy),)
    return Examined(source=source, instance=instance, health=health, objects=len(wanted), findings=findings)


def _findings(opened: Source, wanted: Sequence[Need]) -> tuple[Finding, ...]:
    if isinstance(opened, Examinable):
        return opened.examine(wanted)
    return tuple(finding for need in wanted if (finding := _unreadable(opened, need.item)) is not None)


def _unreadable(opened: Source, item: CatalogObject) -> Finding | None:
    try:
        opened.fields(item)
    except SourceError as error:
        return problem(item.object, error.message, error.remedy)
    return None


def _allowances(health: Health, wanted: Sequence[Need]) -> tuple[Finding, ...]:
    left = health.remaining_batches
    if left is None or left >= FEW_BATCHES or not any(need.entity for need in wanted):
        return ()
    told = problem if left == 0 else note
    return (
        told(
            "limits",
            f"{left} Bulk batches are left of 24 hours.",
            "Wait, or find out who uses them: Bulk Data Load Jobs.",
        ),
    )


def _unconfigured_targets(installation: Installation) -> list[Examined]:
    """golden.yaml writes to an instance that no setting leads to."""
    found = {}
    for entity in installation.catalog.entities.values():
        source, instance = installation.catalog.objects[entity.target.object].source, entity.target.instance
        if instance not in installation.settings.instances(source):
            remedy = f"Configure {instance}, or name another instance in golden.yaml."
            finding = problem(instance, "golden.yaml writes to this instance, and it is not configured.", remedy)
            found[source, instance] = Examined(
                source=source, instance=instance, health=None, objects=0, findings=(finding,)
            )
    return list(found.values())
