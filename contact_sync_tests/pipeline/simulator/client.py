"""A client for the tests of the simulator, and what they put into an org; knows HTTP, not the simulator's insides."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance

BASE = "/services/data/v62.0"


class Client(httpx.Client):
    """An HTTP client that is logged in to an instance, with the few calls that take several requests."""

    def __init__(self, instance: SalesforceInstance) -> None:
        super().__init__(base_url=instance.url, timeout=5)
        credentials = {"client_id": instance.client_id, "client_secret": instance.client_secret}
        reply = self.post("/services/oauth2/token", data={"grant_type": "client_credentials", **credentials})
        reply.raise_for_status()
        self.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"

    def finished(self, path: str) -> dict[str, Any]:
        """The job at this path once it has ended."""
        deadline = time.monotonic() + 30
        while (job := self.get(path).json())["state"] not in ("JobComplete", "Failed", "Aborted"):
            assert time.monotonic() < deadline, job
            time.sleep(0.01)
        return dict(job)

    def bulk_query(self, query: str, **options: str) -> dict[str, Any]:
        """A finished query job."""
        reply = self.post(f"{BASE}/jobs/query", json={"operation": "query", "query": query, **options})
        assert reply.status_code == httpx.codes.OK, reply.text
        return self.finished(f"{BASE}/jobs/query/{reply.json()['id']}")

    def pages(self, job: Mapping[str, Any], **parameters: str) -> list[httpx.Response]:
        """All result pages of a query job."""
        path = f"{BASE}/jobs/query/{job['id']}/results"
        found = [self.get(path, params=parameters)]
        while (locator := found[-1].headers["Sforce-Locator"]) != "null":
            found.append(self.get(path, params={**parameters, "locator": locator}))
        return found

    def ingest(self, object_name: str, operation: str, content: str | bytes, **options: str) -> dict[str, Any]:
        """A finished ingest job."""
        job = self.post(f"{BASE}/jobs/ingest", json={"object": object_name, "operation": operation, **options}).json()
        path = f"{BASE}/jobs/ingest/{job['id']}"
        uploaded = self.put(f"{path}/batches", content=content, headers={"Content-Type": "text/csv"})
        assert uploaded.status_code == httpx.codes.CREATED, uploaded.text
        self.patch(path, json={"state": "UploadComplete"})
        return self.finished(path)


def load(instance: SalesforceInstance, contacts: Sequence[Mapping[str, object]]) -> list[str]:
    """Put contacts into an org; their ids."""
    saved = instance.org.writer.insert("Contact", contacts, user_id=instance.org.user_ids["rep.one"])
    assert all(one.error is None for one in saved)
    return [str(one.id) for one in saved]


@contextmanager
def client_of_org_with(features: Features, directory: Path) -> Iterator[Client]:
    """A client of an empty org that has some of the features that orgs may have."""
    instance = SalesforceInstance("core", directory / "core", clock=lambda: datetime.now(UTC), features=features)
    instance.start()
    try:
        with closing(Client(instance)) as client:
            yield client
    finally:
        instance.stop()
