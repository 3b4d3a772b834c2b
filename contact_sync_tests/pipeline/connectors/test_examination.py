"""An org is examined over real HTTP: a healthy one has no problem, and what is taken away from it is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from contact_sync.catalog import load_catalog
from contact_sync.connectors.examination import Finding, Need
from contact_sync.connectors.salesforce import SalesforceSource
from contact_sync.pipeline.doctor import needs
from contact_sync.settings import SalesforceInstance
from contact_sync.simulator.salesforce.instance import SalesforceInstance as SimulatedInstance
from contact_sync.simulator.salesforce.objects import CONTACT, EXTERNAL_ID

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedInstance]:
    """An org without records."""
    instance = SimulatedInstance("core", tmp_path, clock=lambda: NOW)
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def source(simulated: SimulatedInstance) -> Iterator[SalesforceSource]:
    """The org as a source."""
    settings = {
        "url": simulated.url,
        "kind": "simulator",
        "client_id": simulated.client_id,
        "client_secret": simulated.client_secret,
    }
    source = SalesforceSource("core", SalesforceInstance.model_validate(settings))
    yield source
    source.close()


@pytest.fixture(scope="module")
def wanted(repository: Path) -> tuple[Need, ...]:
    """What the shipped catalog and the shipped models want of the org."""
    sources = yaml.safe_load((repository / "dbt_project/models/silver/sources.yml").read_text(encoding="utf-8"))
    tables = [table for one in sources["sources"] for table in one["tables"]]
    read = {table["name"]: [column["name"] for column in table["columns"]] for table in tables}
    return needs(load_catalog(repository / "contact_sync" / "catalog"), "salesforce", "core", read)


def problems(found: tuple[Finding, ...]) -> dict[str, str]:
    """Subject -> message of what will not work."""
    return {one.subject: one.message for one in found if one.is_problem}


def test_a_healthy_org_has_no_finding(
    simulated: SimulatedInstance, source: SalesforceSource, wanted: tuple[Need, ...]
) -> None:
    """Everything that is wanted is there, and it costs one call for all objects together."""
    health = source.check()

    assert () == source.examine(wanted)
    assert 1 == simulated.requests["composite"]
    assert (15_000, True) == (health.remaining_batches, (health.remaining_calls or 0) > 99_000)


def test_what_was_taken_away_is_found(
    simulated: SimulatedInstance, source: SalesforceSource, wanted: tuple[Need, ...]
) -> None:
    """Rights to objects and fields, an External ID that is none any more and too short, a new required field."""
    key = CONTACT.find(EXTERNAL_ID)
    assert key is not None
    schema = simulated.store.schema
    schema.forbid("Account", "create", "update")
    schema.forbid("Lead", "read")
    schema.hide_field("Contact", "Department")
    schema.hide_field("Account", EXTERNAL_ID)
    schema.lock_field("Contact", "Phone")
    schema.put_field("Contact", replace(key, external_id=False, length=10))
    schema.put_field("Contact", replace(key, name="Region__c", external_id=False, required=True))

    found = source.examine(wanted)

    assert ["Our user may not edit records.", "Our user may not create records."] == [
        one.message for one in found if one.subject == "Account"
    ]
    assert {
        "Account": "Our user may not create records.",
        "Lead": "The object does not exist, or our user may not see it.",
        "Account.Contact_Sync_Key__c": "The field exists, but our user may not see it.",
        "Contact.Contact_Sync_Key__c": "It holds 10 characters, and a key has 24.",
        "Contact.Department": "The field exists, but our user may not see it.",
        "Contact.Phone": "Our user may not write it in edits or in new records.",
        "Contact.Region__c": "The org wants a value in each new record, and contact_sync writes none: "
        "every create is refused.",
    } == problems(found)
    assert [
        "It is not an External ID, so nothing can be upserted by it.",
        "It is not unique, so two records could get one key.",
        "It holds 10 characters, and a key has 24.",
    ] == [one.message for one in found if one.subject == "Contact.Contact_Sync_Key__c"]
