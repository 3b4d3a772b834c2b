"""What can go wrong with one request, as data.

When it strikes is planned in disturbances.py, how a reply then is sent in troubled_reply.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from types import MappingProxyType


class Wire(StrEnum):
    """How a reply is sent."""

    WHOLE = auto()
    RESET_BEFORE = auto()
    RESET_IN_HEADERS = auto()
    RESET_IN_BODY = auto()
    CLOSED_IN_BODY = auto()
    RESET_AFTER = auto()
    STALL = auto()


class Locator(StrEnum):
    """Where a reply says that its result goes on.

    REPEATED: at the page that it has just sent, or of listed pages at the first one again. SKIPPING: a row too late.
    UNKNOWN: nowhere in this result. MISSING: not at all, as if this were the last page.
    """

    RIGHT = auto()
    REPEATED = auto()
    SKIPPING = auto()
    UNKNOWN = auto()
    MISSING = auto()


_QUERIED = frozenset({"query", "query_more", "bulk_query_results"})
_COUNTED = _QUERIED | {"bulk_ingest_results"}
_PAGED = _QUERIED | {"bulk_query_result_pages"}
_WRITES = frozenset(
    {
        *("create", "update", "upsert", "delete", "composite"),
        *("insert_collection", "update_collection", "upsert_collection", "delete_collection"),
        *("bulk_ingest_create", "bulk_ingest_upload", "bulk_ingest_change", "bulk_ingest_delete"),
    }
)
_KEPT = frozenset({"query_more", "bulk_query_state", "bulk_query_results", "bulk_query_result_pages"})


@dataclass(frozen=True)
class Trouble:
    """One way to go wrong. status: refuse instead of answering; otherwise the request has its effect.

    code: None leaves the body of a refusal empty. is_unheard: the request is lost before it has its effect, which a
    client whose connection is reset cannot tell. is_session_lost: all sessions end first. is_forgetful: the org loses
    all jobs and cursors first. is_job_failing: the next Bulk job fails after its first row. cut_rows: rows are missing,
    and nothing but the count tells. bad_gzip: the body is said to be gzip and is damaged. kinds: what requests it can
    happen to, none named for all.
    """

    status: int = 0
    code: str | None = None
    is_unheard: bool = False
    wire: Wire = Wire.WHOLE
    locator: Locator = Locator.RIGHT
    is_session_lost: bool = False
    is_forgetful: bool = False
    is_job_failing: bool = False
    cut_rows: bool = False
    bad_gzip: bool = False
    no_charset: bool = False
    kinds: frozenset[str] = frozenset()

    def concerns(self, kind: str) -> bool:
        """Whether it can happen to requests of a kind."""
        return not self.kinds or kind in self.kinds

    @property
    def is_of_the_wire(self) -> bool:
        """Whether it is in how a reply is sent, of which a part of a composite reply has nothing of its own."""
        return self.wire is not Wire.WHOLE or self.bad_gzip or self.no_charset


TROUBLES: Mapping[str, Trouble] = MappingProxyType(
    {
        "500": Trouble(500, "UNKNOWN_EXCEPTION"),
        "502": Trouble(502),
        "503": Trouble(503, "SERVER_UNAVAILABLE"),
        "406": Trouble(406),
        "420": Trouble(420),
        "429": Trouble(429),
        "request limit": Trouble(403, "REQUEST_LIMIT_EXCEEDED"),
        "session lost": Trouble(401, "INVALID_SESSION_ID", is_session_lost=True),
        "reset before the reply": Trouble(wire=Wire.RESET_BEFORE),
        "reset before the effect": Trouble(is_unheard=True, wire=Wire.RESET_BEFORE, kinds=_WRITES),
        "reset in the headers": Trouble(wire=Wire.RESET_IN_HEADERS),
        "reset in the body": Trouble(wire=Wire.RESET_IN_BODY),
        "closed in the body": Trouble(wire=Wire.CLOSED_IN_BODY),
        "reset after the body": Trouble(wire=Wire.RESET_AFTER),
        "stalled": Trouble(wire=Wire.STALL),
        "rows missing": Trouble(cut_rows=True, kinds=_COUNTED),
        "locator repeated": Trouble(locator=Locator.REPEATED, kinds=_PAGED),
        "locator skips a row": Trouble(locator=Locator.SKIPPING, kinds=_PAGED),
        "locator unknown": Trouble(locator=Locator.UNKNOWN, kinds=_PAGED),
        "locator missing": Trouble(locator=Locator.MISSING, kinds=_PAGED),
        "jobs and cursors forgotten": Trouble(is_forgetful=True, kinds=_KEPT),
        "job fails": Trouble(is_job_failing=True, kinds=frozenset({"bulk_query_create"})),
        "damaged gzip": Trouble(bad_gzip=True),
        "no charset": Trouble(no_charset=True),
    }
)
