"""The port that every system is written through, and its vocabulary.

Rows to be written are a table of text: the key column, by which the target finds a record, and a column for each field.
A null cell leaves its field as it is, CLEAR empties it. There are two lanes: jobs, for many rows, whose id is known
before they can have any effect; and writes at once, for few, each of which may depend on its record being unchanged.
Does not belong here: any protocol, and what is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import pyarrow as pa

from contact_sync import arrow_values
from contact_sync.arrow_values import MOMENT

CLEAR: Final = "#N/A"
"""In a table given to a Target: make this field empty. A null cell means: leave it as it is."""

RESULT: Final = arrow_values.schema(
    key=pa.string(),
    record_id=pa.string(),
    is_created=pa.bool_(),
    code=pa.string(),
    message=pa.string(),
)
"""What became of rows. No code: written, if there is a record id, or left alone, if there is none."""

PRESENT: Final = arrow_values.schema(
    key=pa.string(),
    record_id=pa.string(),
    created_at=MOMENT,
    created_by=pa.string(),
    modified_at=MOMENT,
    modified_by=pa.string(),
)
"""What `find` tells of each record besides the fields it is asked for."""

EMPTY_KEY: Final = "EMPTY_KEY"
DUPLICATE_KEY: Final = "DUPLICATE_KEY"
NOT_KEPT: Final = "NOT_KEPT"
"""Why `prepare` refuses a row: no key, the key of another row, a value that would not stay as it is."""
PARENT_NOT_FOUND: Final = "PARENT_NOT_FOUND"
"""The code of a row that names a parent by an External ID which no record of the target has."""
CHANGED_MEANWHILE: Final = "CHANGED_MEANWHILE"
"""The code of a write at once that was not made, because its record has changed."""
REPLY_LOST: Final = "REPLY_LOST"
"""The code of a write at once of which nobody knows whether it was made."""


class Operation(StrEnum):
    """What a write does with its rows; all but an insert find records by the key column."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


class JobState(StrEnum):
    """Where a write job stands; only in OPEN is it sure that nothing was written."""

    OPEN = "open"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    ABORTED = "aborted"


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """Where a job stands, why it failed, and how many rows the target says it has taken up and refused.

    is_hopeless: the same rows in another job would fail for the same reason.
    """

    state: JobState
    code: str = ""
    is_hopeless: bool = False
    processed: int = 0
    refused: int = 0


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Rows that can be sent, each value in the form in which the target gives it back, and the rows that cannot.

    refused: a table of `key`, `code` and `message`, of which no message holds a value.
    """

    rows: pa.Table
    refused: pa.Table


class Target(Protocol):
    """A system that can be written to. Every method may raise the SourceError family.

    The caller keeps the job id durably between `create_job` and `upload`; after a crash `job_status` and `results` tell
    exactly what happened. After a write at once whose reply is lost, `find` tells.
    """

    def prepare(self, object_name: str, rows: pa.Table, *, key: str) -> Prepared:
        """Part what can be sent from what would be lost, doubled or changed on the way; nothing is sent."""

    def rows_that_fit(self, rows: pa.Table) -> int:
        """How many of the rows, from the first one on, one job can take."""

    def create_job(self, object_name: str, operation: Operation, *, key: str) -> str:
        """Create an empty job and return its id; `key` is the External ID field of an upsert, otherwise `Id`."""

    def orphans(self, object_name: str, operation: Operation, since: datetime) -> tuple[str, ...]:
        """Ids of open jobs that our user has created since, by the target's clock."""

    def upload(self, job_id: str, rows: pa.Table) -> None:
        """Send the rows and let the job start."""

    def wait(self, job_id: str, *, timeout_seconds: float) -> JobStatus:
        """Wait until the job has ended or the time is up, and say where it stands."""

    def job_status(self, job_id: str) -> JobStatus:
        """Where the job stands now."""

    def abort(self, job_id: str) -> None:
        """Give up a job that has not started."""

    def results(self, job_id: str, *, key: str) -> Iterator[pa.Table]:
        """One result (RESULT) for each row sent, in any order and any number of tables."""

    def write(
        self,
        object_name: str,
        operation: Operation,
        rows: pa.Table,
        *,
        key: str,
        unchanged_since: pa.ChunkedArray[pa.Scalar[pa.DataType]] | None = None,
    ) -> pa.Table:
        """Write rows at once; one result (RESULT) for each, in their order.

        unchanged_since: one time for each row (an update); where the record has changed since, nothing is written
        (CHANGED_MEANWHILE). After a lost reply (REPLY_LOST) nothing more is sent: the rows after it are left alone.
        """

    def find(self, object_name: str, keys: Collection[str], *, key: str, fields: Collection[str]) -> pa.Table:
        """The live records with these keys: PRESENT and the fields, values as `prepare` gives them."""

    def time(self) -> datetime:
        """The time on the target's clock, as of its last answer; full seconds, never ahead of it."""

    def user_id(self) -> str:
        """Who we are to the target, as `created_by` and `modified_by` name us; empty if it does not tell."""

    def count(self, object_name: str) -> int:
        """How many live records the object has."""

    def close(self) -> None:
        """Give connections back."""
