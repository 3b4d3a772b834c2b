"""An org as a Target: the Bulk lane (ingest.py) and the REST lane (direct.py) behind one port.

Does not belong here: what is written, and which lane is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contact_sync.connectors.base import Field
from contact_sync.connectors.salesforce import kept
from contact_sync.connectors.salesforce.describe import describe
from contact_sync.connectors.salesforce.direct import DirectWrites
from contact_sync.connectors.salesforce.http import SalesforceClient
from contact_sync.connectors.salesforce.ingest import UPLOAD_BYTES, IngestJobs
from contact_sync.connectors.salesforce.rest import QUERY_PATH
from contact_sync.connectors.salesforce.soql import count_records
from contact_sync.errors import UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    import pyarrow as pa

    from contact_sync.connectors.target import JobStatus, Operation, Prepared
    from contact_sync.settings import SalesforceInstance


class SalesforceTarget:
    """Writes to one org; see the Target port. `client` may be shared with a SalesforceSource, whose user closes it."""

    def __init__(
        self,
        instance_name: str,
        settings: SalesforceInstance,
        *,
        client: SalesforceClient | None = None,
        upload_bytes: int = UPLOAD_BYTES,
    ) -> None:
        self._owns_client = client is None
        self.client = client or SalesforceClient(instance_name, settings)
        self._jobs = IngestJobs(self.client, upload_bytes=upload_bytes)
        self._direct = DirectWrites(self.client)
        self._described: dict[str, dict[str, Field]] = {}

    def prepare(self, object_name: str, rows: pa.Table, *, key: str) -> Prepared:
        """Part what can be sent from what cannot; raise UnknownObjectError for a column that is no field."""
        fields = self._fields(object_name)
        if unknown := [name for name in rows.column_names if "." not in name and name not in fields]:
            raise UnknownObjectError(
                f"Salesforce instance {self.client.instance_name}: {object_name} has no field {', '.join(unknown)}.",
                remedy="Deploy it, or let the integration user see it; `contact-sync doctor` lists what is missing.",
            )
        return kept.prepare(rows, fields, key=key)

    def rows_that_fit(self, rows: pa.Table) -> int:
        """How many of the rows, from the first one on, one job can take."""
        return self._jobs.rows_that_fit(rows)

    def create_job(self, object_name: str, operation: Operation, *, key: str) -> str:
        """Create an open job; it has no effect until `upload` has sent rows and closed it."""
        return self._jobs.create(object_name, operation, key=key)

    def orphans(self, object_name: str, operation: Operation, since: datetime) -> tuple[str, ...]:
        """Ids of open jobs that our user has created since, by the org's clock."""
        return self._jobs.open_jobs(object_name, operation, since, created_by=self.user_id())

    def upload(self, job_id: str, rows: pa.Table) -> None:
        """Send the rows in one request and start the job."""
        self._jobs.upload(job_id, rows)

    def wait(self, job_id: str, *, timeout_seconds: float) -> JobStatus:
        """Wait until the job has ended or the time is up, and say where it stands."""
        return self._jobs.wait(job_id, timeout_seconds=timeout_seconds)

    def job_status(self, job_id: str) -> JobStatus:
        """Where the job stands now; raise RequestRefusedError (JOB_GONE) if the org has forgotten it."""
        return self._jobs.status(job_id)

    def abort(self, job_id: str) -> None:
        """Give up a job that has not started."""
        self._jobs.abort(job_id)

    def results(self, job_id: str, *, key: str) -> Iterator[pa.Table]:
        """Written, refused, then unprocessed rows; to be joined by key, never by order."""
        return self._jobs.results(job_id, key=key)

    def write(
        self,
        object_name: str,
        operation: Operation,
        rows: pa.Table,
        *,
        key: str,
        unchanged_since: pa.ChunkedArray[Any] | None = None,
    ) -> pa.Table:
        """Write rows at once."""
        times: list[Any] | None = unchanged_since.to_pylist() if unchanged_since is not None else None
        fields = self._fields(object_name)
        return self._direct.write(object_name, operation, rows, fields, key=key, unchanged_since=times)

    def find(self, object_name: str, keys: Collection[str], *, key: str, fields: Collection[str]) -> pa.Table:
        """The live records with these keys, and these of their fields."""
        return self._direct.find(object_name, keys, self._fields(object_name), key=key, fields=fields)

    def time(self) -> datetime:
        """The time on the org's clock, as of its last answer."""
        return self.client.time()

    def user_id(self) -> str:
        """The id of the integration user, as the login tells it."""
        return self.client.user_id()

    def count(self, object_name: str) -> int:
        """How many live records the object has."""
        reply = self.client.get(QUERY_PATH, subject=object_name, parameters={"q": count_records(object_name)})
        return int(reply["totalSize"])

    def close(self) -> None:
        """Give connections back, unless the client was given."""
        if self._owns_client:
            self.client.close()

    def _fields(self, object_name: str) -> Mapping[str, Field]:
        """The fields of an object by name, described once in the life of this target."""
        if object_name not in self._described:
            self._described[object_name] = {one.name: one for one in describe(self.client, object_name)}
        return self._described[object_name]
