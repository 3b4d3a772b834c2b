"""An org by https: clients that trust its authority are served, others refuse it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from contact_sync.connectors.retry import Clock
from contact_sync.connectors.salesforce import SalesforceClient
from contact_sync.connectors.salesforce.http import DATA_PATH
from contact_sync.errors import SourceUnreachableError
from contact_sync.simulator.certificates import make_certificates
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync_tests.faults.trouble_matrix import settings_of


def test_only_who_trusts_the_authority_is_served(tmp_path: Path) -> None:
    """The certificate is valid for 127.0.0.1 and localhost, and is worth nothing without its authority."""
    certificates = make_certificates(tmp_path / "certificates", ["login.salesforce.com"])
    instance = SalesforceInstance("core", tmp_path / "org", clock=lambda: datetime.now(UTC), certificates=certificates)
    instance.start()
    try:
        trust = ssl.create_default_context(cafile=str(certificates.authority))
        address = f"{instance.url}/services/data"
        statuses = [
            httpx.get(url, verify=trust).status_code for url in (address, address.replace("127.0.0.1", "localhost"))
        ]
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(address)
    finally:
        instance.stop()

    assert ("https", [200, 200]) == (httpx.URL(instance.url).scheme, statuses)


def test_our_client_refuses_whom_nobody_trusts(tmp_path: Path) -> None:
    """A certificate of an authority of its own is no proof of being Salesforce."""
    certificates = make_certificates(tmp_path / "certificates")
    instance = SalesforceInstance("core", tmp_path / "org", clock=lambda: datetime.now(UTC), certificates=certificates)
    instance.start()
    client = SalesforceClient("core", settings_of(instance), clock=Clock(sleep=lambda _: None))
    try:
        with pytest.raises(SourceUnreachableError, match="ConnectError"):
            client.get(f"{DATA_PATH}/limits", subject="limits")
    finally:
        client.close()
        instance.stop()

    assert not instance.requests


def test_the_key_is_its_owners_only(tmp_path: Path) -> None:
    """Nobody else on the machine can read the key of the server."""
    assert 0o600 == make_certificates(tmp_path).key.stat().st_mode & 0o777
