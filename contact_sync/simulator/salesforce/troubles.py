"""What can go wrong with one request on the wire, as data.

When it strikes is planned in disturbances.py, how a reply then is sent in troubled_reply.py. Does not belong here: jobs
that fail.
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
    RESET_IN_BODY = auto()
    RESET_AFTER = auto()
    STALL = auto()


@dataclass(frozen=True)
class Trouble:
    """One way to go wrong. status: refuse instead of answering; otherwise the request has its effect.

    code: None leaves the body of a refusal empty. is_session_lost: all sessions end first. cut_rows: rows are missing,
    and nothing but the count tells. bad_gzip: the body is said to be gzip and is damaged.
    """

    status: int = 0
    code: str | None = None
    wire: Wire = Wire.WHOLE
    is_session_lost: bool = False
    cut_rows: bool = False
    bad_gzip: bool = False
    no_charset: bool = False


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
        "reset in the body": Trouble(wire=Wire.RESET_IN_BODY),
        "reset after the body": Trouble(wire=Wire.RESET_AFTER),
        "stalled": Trouble(wire=Wire.STALL),
        "rows missing": Trouble(cut_rows=True),
        "damaged gzip": Trouble(bad_gzip=True),
        "no charset": Trouble(no_charset=True),
    }
)
