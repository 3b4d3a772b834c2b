"""Orgs for clients of other people, and the environments they run in; `.ci/install-clients` installs the clients."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contact_sync.simulator.certificates import make_certificates
from contact_sync.simulator.salesforce.instance import SalesforceInstance

TEXT = 'a,"b"\nc\r\nNA null \u2028 Zoë 😀'
PEOPLE = 2_100
HERE = Path(__file__).parent
PATIENCE_SECONDS = 60

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[SalesforceInstance]:
    """An https org with 2,100 contacts, more than one page of REST and many pages of Bulk."""
    certificates = make_certificates(tmp_path / "certificates", ["login.salesforce.com", "core.my.salesforce.com"])
    yield from _running(tmp_path, certificates=certificates)


@pytest.fixture
def plain_org(tmp_path: Path) -> Iterator[SalesforceInstance]:
    """The same org by http."""
    yield from _running(tmp_path)


def _running(home: Path, **options: object) -> Iterator[SalesforceInstance]:
    instance = SalesforceInstance("core", home / "org", clock=lambda: datetime.now(UTC), page_size=500, **options)
    instance.start()
    people = [{"LastName": f"Doe {number}", "Description": TEXT} for number in range(PEOPLE)]
    instance.org.writer.insert("Contact", people, user_id=instance.org.user_ids["rep.one"])
    yield instance
    instance.stop()


@pytest.fixture
def client(repository: Path) -> Callable[[str], Path]:
    """Where a client is installed; the test is skipped where it is not."""

    def found(name: str) -> Path:
        home = repository / ".conformance" / name
        if not (home / ".installed").is_file():
            pytest.skip(f"{name} is not installed; run .ci/install-clients")
        return home

    return found


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a client's command with a home of its own, trust in the org's certificate and hosts redirected."""

    def run(
        instance: SalesforceInstance, *command: str | Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        authority = str(tmp_path / "certificates" / "authority.pem")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(HERE / "redirect"),
            "SIMULATED_ORG_PORT": str(urlsplit(instance.url).port),
            "SIMULATED_ORG_URL": instance.url,
            "ACCESS_TOKEN": instance.org.sessions.open(instance.org.user_ids["integration"]),
            "CLIENT_ID": instance.client_id,
            "CLIENT_SECRET": instance.client_secret,
            "REQUESTS_CA_BUNDLE": authority,
            "NODE_EXTRA_CA_CERTS": authority,
            **(variables or {}),
        }
        return subprocess.run(
            [str(part) for part in command],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    return run
