"""What is seen during two rounds over a fresh world: one that makes both sides agree, one that has nothing to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contact_sync.catalog.model import WriteHours
from contact_sync.errors import ActivationError, ContactSyncError
from contact_sync.pipeline import activation
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import Environment, TargetKind
from contact_sync.sync.apply import ApplyReport
from contact_sync.sync.plan import Plan
from contact_sync_tests.pipeline.activation.loop import Loop, Records

KEY = "Contact_Sync_Key__c"
OBJECTS = {"salesforce__contact": "Contact", "salesforce__account": "Account"}


def refusal(installation: Installation, plan_id: str | None = None) -> ContactSyncError:
    """Why applying is refused."""
    with pytest.raises(ActivationError) as refused:
        activation.apply(installation, plan_id)
    return refused.value


def with_target_kind(installation: Installation, environment: Environment, kind: TargetKind) -> Installation:
    """The same installation, told that it is elsewhere or that its target is something else."""
    settings = installation.settings
    core = settings.salesforce["core"].model_copy(update={"kind": kind})
    salesforce = {**settings.salesforce, "core": core}
    return Installation(settings.model_copy(update={"environment": environment, "salesforce": salesforce}))


def ruled(installation: Installation, **rules: object) -> Installation:
    """The same installation with a golden.yaml that has other rules for all targets."""
    other = Installation(installation.settings)
    entities = {
        name: entity.model_copy(update={"target": entity.target.model_copy(update=rules)})
        for name, entity in installation.catalog.entities.items()
    }
    other.__dict__["catalog"] = installation.catalog.model_copy(update={"entities": entities})
    return other


def writing_elsewhere(installation: Installation) -> Installation:
    """The same installation with a golden.yaml that writes the phone of a person to another field."""
    other = Installation(installation.settings)
    contact = installation.catalog.entities["contact"]
    fields = tuple(
        field.model_copy(update={"target_field": "HomePhone"}) if field.name == "phone" else field
        for field in contact.fields
    )
    entities = {**installation.catalog.entities, "contact": contact.model_copy(update={"fields": fields})}
    other.__dict__["catalog"] = installation.catalog.model_copy(update={"entities": entities})
    return other


def an_hour_from_now(installation: Installation) -> WriteHours:
    """Hours that begin later."""
    begin, end = (installation.now() + timedelta(hours=hours) for hours in (1, 2))
    return WriteHours(start=begin.time(), end=end.time(), zone=ZoneInfo("UTC"))


@dataclass
class FirstRounds:
    """What was seen during the first round, its application, and a second round."""

    plan: Plan
    written: list[dict[str, Any]]
    plan_again: Plan
    written_again: list[dict[str, Any]]
    waiting: dict[str, int]
    refusals: dict[str, ContactSyncError]
    before: dict[str, Records]
    writes_before: int
    report: ApplyReport
    after: dict[str, Records]
    writes: Counter[str]
    repeated: ApplyReport
    agreed: dict[str, int]
    links: dict[str, str]
    second_plan: Plan
    second_events: dict[str, int]
    second_links: dict[str, str]
    second_report: ApplyReport
    second_differences: dict[str, int]
    writes_in_the_end: Counter[str]


def observe_first_rounds(loop: Loop) -> FirstRounds:
    """Two rounds, observed."""
    org = loop.world.org("core")
    plan = loop.plan()
    written = loop.writes()
    plan_again = activation.plan(loop.installation)
    written_again = loop.writes()
    waiting = loop.reconcile()
    refusals = {
        "branch": refusal(with_target_kind(loop.installation, Environment.BRANCH, TargetKind.SIMULATOR)),
        "production": refusal(with_target_kind(loop.installation, Environment.STAGING, TargetKind.PRODUCTION)),
        "cap": refusal(ruled(loop.installation, max_creates_fraction=0.0, min_creates_allowed=0)),
        "hours": refusal(ruled(loop.installation, hours=an_hour_from_now(loop.installation))),
        "fields": refusal(writing_elsewhere(loop.installation)),
        "another plan": refusal(loop.installation, "0123456789abcdef"),
    }
    before = {name: loop.records(name) for name in OBJECTS.values()}
    writes_before = sum(org.writes.values())
    report = activation.apply(loop.installation, plan.plan_id)
    after = {name: loop.records(name) for name in OBJECTS.values()}
    writes = Counter(org.writes)
    repeated = activation.apply(loop.installation, plan.plan_id)
    agreed = loop.reconcile()
    links = loop.links()
    second_plan = loop.plan()
    events: Counter[str] = Counter()
    for resolution in loop.resolutions:
        events.update(resolution.events)
    second_links = loop.links()
    second_report = activation.apply(loop.installation)
    second_differences = loop.reconcile()
    return FirstRounds(
        plan=plan,
        written=written,
        plan_again=plan_again,
        written_again=written_again,
        waiting=waiting,
        refusals=refusals,
        before=before,
        writes_before=writes_before,
        report=report,
        after=after,
        writes=writes,
        repeated=repeated,
        agreed=agreed,
        links=links,
        second_plan=second_plan,
        second_events=dict(events),
        second_links=second_links,
        second_report=second_report,
        second_differences=second_differences,
        writes_in_the_end=Counter(org.writes),
    )
