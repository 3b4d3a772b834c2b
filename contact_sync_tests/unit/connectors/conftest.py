"""The Salesforce connector and an org as seen from the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.salesforce import SalesforceClient, SalesforceSource, SalesforceTarget
from contact_sync.settings import SalesforceInstance, TargetKind
from contact_sync_tests.unit.connectors.scripted_org import URL, FakeTime, Org, page_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fake_time() -> FakeTime:
    """A time of this test's own."""
    return FakeTime()


@pytest.fixture
def org() -> Org:
    """An org that knows logins only."""
    return Org()


@pytest.fixture
def instance() -> SalesforceInstance:
    """Settings of the org."""
    return SalesforceInstance.model_validate(
        {"url": URL, "kind": TargetKind.SIMULATOR, "client_id": "key", "client_secret": "not-for-messages"}
    )


@pytest.fixture
def client(org: Org, instance: SalesforceInstance, fake_time: FakeTime) -> Iterator[SalesforceClient]:
    """A client of the org."""
    client = SalesforceClient("core", instance, transport=httpx.MockTransport(org.handle), clock=fake_time.clock())
    yield client
    client.close()


@pytest.fixture
def source(client: SalesforceClient, instance: SalesforceInstance) -> SalesforceSource:
    """The org as a source."""
    return SalesforceSource("core", instance, client=client, job_deadline_seconds=100)


@pytest.fixture
def target(client: SalesforceClient, instance: SalesforceInstance) -> SalesforceTarget:
    """The org as a target."""
    return SalesforceTarget("core", instance, client=client, upload_bytes=10_000)


@pytest.fixture
def contact() -> CatalogObject:
    """The catalog's line for contacts."""
    return CatalogObject(
        source="salesforce",
        connector="salesforce",
        object="Contact",
        description="People.",
        owner="team:test",
        key="Id",
        cursor="SystemModstamp",
        deleted="IsDeleted",
    )


@pytest.fixture
def contact_fields(org: Org) -> None:
    """Fields of contacts, two of which cannot be selected."""
    org.describe("Contact", Id="id", Name="string", MailingAddress="address", Photo="base64", SystemModstamp="datetime")


@pytest.fixture
def three_pages(org: Org) -> Org:
    """A job of five records on three pages."""
    org.query_job([page_of("1", "2"), page_of("3", "4"), page_of("5")], [2, 2, 1])
    return org
