"""What an org remembers between requests: query jobs, ingest jobs and cursors; and the settings jobs share."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contact_sync.simulator.salesforce.bulk_upload import Upload
from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.records import Saved
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.soql import Statement
from contact_sync.simulator.salesforce.store import Cell

DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
JOB_LIFETIME = timedelta(days=7)
TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(frozen=True, slots=True)
class Cursor:
    """A query result as it was when the query ran."""

    statement: Statement
    rows: list[tuple[Cell, ...]]
    page_size: int


@dataclass(slots=True)
class QueryJob:
    """One query job; `offsets` are the byte positions of its records in the result file, and the end."""

    id: str
    operation: str
    version: str
    statement: Statement
    user_id: str
    created: str
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    is_chunkable: bool = True
    state: str = "UploadComplete"
    error: str | None = None
    offsets: array[int] = field(default_factory=lambda: array("Q", [0]))

    @property
    def row_count(self) -> int:
        """Records in the result so far."""
        return len(self.offsets) - 1


@dataclass(slots=True)
class IngestJob:
    """One ingest job: what was asked, what was uploaded, and what became of each row."""

    id: str
    schema: ObjectSchema
    operation: str
    version: str
    user_id: str
    created: str
    external_id: str | None
    delimiter: str
    line_ending: str
    state: str = "Open"
    error: str | None = None
    content: bytes | None = None
    upload: Upload | None = None
    saved: list[Saved] = field(default_factory=list)


def choice(asked: dict[str, Any], name: str, allowed: dict[str, str], default: str) -> str:
    """A setting of a job request that has to be one of some names."""
    chosen = str(asked.get(name, default)).upper()
    if chosen not in allowed:
        raise Fault(400, "INVALID_REQUEST", f"{name} '{chosen}' is not one of {', '.join(allowed)}")
    return chosen
