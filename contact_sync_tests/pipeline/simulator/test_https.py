"""An org by https: clients that trust its authority are served, others refuse it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from contact_sync.connectors.retry import Clock
from contact_sync.connectors.salesforce import SalesforceClient
from contact_sync.connectors.salesforce.http import DATA_PATH
from contact_sync.errors import SourceUnreachableError
from contact_sync.simulator.certificates import Certificates, make_certificates
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.faults.trouble_matrix import settings_of


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Of an authority that nobody knows."""
    return make_certificates(tmp_path / "certificates", ["login.salesforce.com"])


@pytest.fixture
def instance(certificates: Certificates, tmp_path: Path) -> Iterator[SalesforceInstance]:
    """An org by https."""
    made = SalesforceInstance("core", tmp_path / "org", clock=lambda: datetime.now(UTC), certificates=certificates)
    made.start()
    yield made
    made.stop()


def test_only_who_trusts_the_authority_is_served(instance: SalesforceInstance, certificates: Certificates) -> None:
    """The certificate is valid for 127.0.0.1 and localhost, and is worth nothing without its authority."""
    trust = ssl.create_default_context(cafile=str(certificates.authority))
    address = f"{instance.url}/services/data"

    statuses = [
        httpx.get(url, verify=trust).status_code for url in (address, address.replace("127.0.0.1", "localhost"))
    ]

    assert ("https", [200, 200]) == (httpx.URL(instance.url).scheme, statuses)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(address)


def test_our_client_refuses_whom_nobody_trusts(instance: SalesforceInstance) -> None:
    """A certificate of an authority of its own is no proof of being Salesforce."""
    with (
        closing(SalesforceClient("core", settings_of(instance), clock=Clock(sleep=lambda _: None))) as client,
        pytest.raises(SourceUnreachableError, match="ConnectError"),
    ):
        client.get(f"{DATA_PATH}/limits", subject="limits")

    assert not instance.requests


def test_the_key_is_its_owners_only(tmp_path: Path) -> None:
    """Nobody else on the machine can read the key of the server."""
    assert 0o600 == make_certificates(tmp_path).key.stat().st_mode & 0o777
