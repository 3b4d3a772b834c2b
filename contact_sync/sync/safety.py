"""Refuses plans that are too big to be meant: the limits of golden.yaml, with the numbers in the message; pure.

Does not belong here: making or applying plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from contact_sync.catalog import Entity
from contact_sync.errors import ActivationError, UnsafePlanError
from contact_sync.settings import Environment, TargetKind
from contact_sync.sync.plan import StageCount
from contact_sync.sync.plan_table import Stage


def raise_if_unsafe(counts: Iterable[StageCount], entities: Mapping[str, Entity]) -> None:
    """Raise UnsafePlanError when a stage creates more records than its entity's cap allows."""
    for count in counts:
        if count.stage == Stage.CREATE:
            _check_creates(count, entities[count.entity])


def creates_allowed(entity: Entity, target_records: int) -> int:
    """How many records one plan may create, given how many the target has."""
    return max(entity.target.min_creates_allowed, int(target_records * entity.target.max_creates_fraction))


def outside_hours(counts: Iterable[StageCount], entities: Mapping[str, Entity], now: datetime) -> list[str]:
    """What is planned to be written, but not at this time: `Contact is written 22:00-06:00 Europe/Berlin`."""
    planned = {count.entity for count in counts if count.planned}
    targets = [entity.target for name, entity in entities.items() if name in planned]
    return [
        f"{target.object} in {target.instance} is written {target.hours} only"
        for target in targets
        if target.hours is not None and not target.hours.include(now)
    ]


def raise_if_not_in_hours(counts: Iterable[StageCount], entities: Mapping[str, Entity], now: datetime) -> None:
    """Raise ActivationError when something of a plan has to wait for its hours; the plan is applied as a whole."""
    if waiting := outside_hours(counts, entities, now):
        raise ActivationError(
            f"{'; '.join(waiting)}, and it is {now:%H:%M} UTC. Nothing was written.",
            remedy="Apply in these hours, or change target.hours in golden.yaml.",
        )


def raise_if_not_writable(instance: str, kind: TargetKind, environment: Environment) -> None:
    """Outside production only sandboxes and simulators are written to."""
    if environment is Environment.BRANCH:
        raise ActivationError("Branch deployments plan but never write.", remedy="Apply from staging or production.")
    if environment is not Environment.PRODUCTION and kind is TargetKind.PRODUCTION:
        raise ActivationError(
            f"Instance {instance} is a production org, and this is the {environment.value} environment.",
            remedy=f"Set CONTACT_SYNC_SALESFORCE__{instance.upper()}__KIND to sandbox, or CONTACT_SYNC_ENVIRONMENT "
            "to production.",
        )


def _check_creates(count: StageCount, entity: Entity) -> None:
    allowed = creates_allowed(entity, count.target_records)
    if count.planned > allowed:
        raise UnsafePlanError(
            f"The plan creates {count.planned} records of {entity.target.object} in {entity.target.instance}, which "
            f"has {count.target_records}; at most {allowed} are allowed. Nothing was written.",
            remedy=f"Look at the plan; if it is right, raise {entity.name}.target.max_creates_fraction in golden.yaml.",
        )
