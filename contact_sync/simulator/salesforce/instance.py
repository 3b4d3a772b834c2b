"""A running Salesforce instance: one org behind one HTTP server, with the switches tests and the demo need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from contact_sync.simulator.certificates import Certificates
from contact_sync.simulator.http_server import HttpServer
from contact_sync.simulator.salesforce.app import create_app
from contact_sync.simulator.salesforce.disturbances import Disturbances
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.row_locks import RowLocks
from contact_sync.simulator.salesforce.store import Store


class SalesforceInstance:
    """One instance, for example `core`; `org` has everything, the properties are what is used most."""

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        clock: Callable[[], datetime],
        client_id: str | None = None,
        client_secret: str | None = None,
        page_size: int = 5_000,
        object_types: int = 0,
        features: Features | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        self.name = name
        self.org = Org(
            name,
            directory,
            clock=clock,
            client_id=client_id,
            client_secret=client_secret,
            page_size=page_size,
            object_types=object_types,
            features=features,
        )
        self._server = HttpServer(create_app(self.org), name=f"salesforce-{name}", certificates=certificates)

    @property
    def url(self) -> str:
        """The address clients are given as My Domain and instance URL."""
        return self._server.url

    @property
    def store(self) -> Store:
        """The records."""
        return self.org.store

    @property
    def client_id(self) -> str:
        """Consumer key of the connected app."""
        return self.org.sessions.client_id

    @property
    def client_secret(self) -> str:
        """Consumer secret of the connected app."""
        return self.org.sessions.client_secret

    def settings(self) -> dict[str, str]:
        """Environment variables that lead contact_sync to this org."""
        prefix = f"CONTACT_SYNC_SALESFORCE__{self.name.upper()}__"
        return {
            f"{prefix}URL": self.url,
            f"{prefix}KIND": "simulator",
            f"{prefix}CLIENT_ID": self.client_id,
            f"{prefix}CLIENT_SECRET": self.client_secret,
        }

    @property
    def requests(self) -> Counter[str]:
        """Requests so far by kind, for example `login`, `query`, `describe`, `bulk_query_results`."""
        return self.org.requests

    @property
    def client_names(self) -> Counter[tuple[str, str | None]]:
        """Write requests so far by kind and the `client` of their Sforce-Call-Options, None where they named none.

        Parts of a composite request are counted by the headers of their own, which they do not inherit.
        """
        return self.org.client_names

    @property
    def jobs(self) -> Counter[str]:
        """Bulk jobs so far: `query`, `ingest`, and `ingest_batch` for their batches."""
        return self.org.jobs

    @property
    def writes(self) -> Counter[str]:
        """Successful writes so far by record id, whoever wrote."""
        return self.org.store.write_counts

    @property
    def locks(self) -> RowLocks:
        """Which records are locked; `with instance.locks.held(record_id)` keeps some so."""
        return self.org.writer.locks

    @property
    def disturbances(self) -> Disturbances:
        """Where tests plan what goes wrong."""
        return self.org.disturbances

    @property
    def is_reachable(self) -> bool:
        """Whether the instance accepts connections."""
        return self._server.is_listening

    def start(self) -> None:
        """Answer requests."""
        self._server.start()

    def stop(self) -> None:
        """Stop answering, finish running jobs and close the records."""
        self._server.close()
        self.org.close()

    def outage(self, is_down: bool) -> None:  # noqa: FBT001 - reads as a switch: outage(True)
        """Be unreachable (connections are refused), or reachable again on the same port."""
        if is_down and self._server.is_listening:
            self._server.stop()
        elif not is_down:
            self._server.start()

    def expire_tokens(self) -> int:
        """End all sessions; every request is answered with 401 until the client logs in again."""
        return self.org.sessions.expire()
