"""Bulk jobs as an org remembers them, what it says about any of them, and the settings that jobs share.

What becomes of a job is in bulk_snapshot.py and bulk_ingest.py.
"""

from __future__ import annotations

import math
import time
from array import array
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.soql import Statement

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
JOB_LIFETIME = timedelta(days=7)
INGEST_FILES = ("upload", "successfulresults", "failedresults", "unprocessedrecords")
TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(slots=True, kw_only=True)
class Job:
    """What all jobs have; `created` and `modified` are times of the org's clock.

    retries: how often the org began anew.
    """

    job_type: ClassVar[str]

    id: str
    object_name: str
    operation: str
    version: str
    user_id: str
    created: str
    delimiter: str
    line_ending: str
    state: str
    modified: str = ""
    error: str | None = None
    retries: int = 0
    _began: float | None = field(default=None, init=False)
    _ended: float | None = field(default=None, init=False)

    def turn(self, state: str, *, at: str, error: str | None = None) -> None:
        """Go on to another state."""
        self.modified, self.error = at, error
        if state == "InProgress":
            self._began = time.perf_counter()
        elif state in TERMINAL:
            self._ended = time.perf_counter()
        # Last, so that who sees the state sees what belongs to it.
        self.state = state

    @property
    def processing_milliseconds(self) -> int:
        """How long it has been worked on, by a real clock."""
        if self._began is None:
            return 0
        return math.ceil(1_000 * ((self._ended or time.perf_counter()) - self._began))

    def information(self) -> dict[str, Any]:
        """What an org says about a job of any kind."""
        information: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object_name,
            "createdById": self.user_id,
            "createdDate": self.created.replace("Z", "+0000"),
            "systemModstamp": (self.modified or self.created).replace("Z", "+0000"),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "jobType": self.job_type,
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }
        if self.error:
            information["errorMessage"] = self.error
        return information


@dataclass(slots=True, kw_only=True)
class QueryJob(Job):
    """One query job; `offsets` are the byte positions of its records in the result file, and the end."""

    job_type: ClassVar[str] = "V2Query"

    statement: Statement
    is_chunkable: bool
    state: str = "UploadComplete"
    offsets: array[int] = field(default_factory=lambda: array("Q", [0]))

    @property
    def row_count(self) -> int:
        """Records in the result so far."""
        return len(self.offsets) - 1


@dataclass(slots=True, kw_only=True)
class IngestJob(Job):
    """One ingest job: what was asked, and how many rows were processed and refused.

    What was uploaded and what became of each row is in files of its own.
    """

    job_type: ClassVar[str] = "V2Ingest"

    schema: ObjectSchema
    external_id: str | None
    state: str = "Open"
    assignment_rule_id: str | None = None
    work: Future[None] | None = None
    processed: int = 0
    failed: int = 0

    def file(self, directory: Path, kind: str) -> Path:
        """Where its upload or one of its result files is."""
        return directory / f"{self.id}.{kind}"


def choice(asked: dict[str, Any], name: str, allowed: dict[str, str], default: str) -> str:
    """A setting of a job request that has to be one of some names."""
    chosen = str(asked.get(name, default)).upper()
    if chosen not in allowed:
        raise Fault(400, "INVALID_REQUEST", f"{name} '{chosen}' is not one of {', '.join(allowed)}")
    return chosen
