"""What an unwelcome reply of Salesforce means: its code and the error of ours that says so.

Messages of Salesforce quote values of records, so only codes are passed on. Does not belong here: what is retried.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Final

from contact_sync.connectors.salesforce.usage import exhausted
from contact_sync.connectors.target import PARENT_NOT_FOUND
from contact_sync.errors import JOB_GONE, RequestRefusedError, SourceError, UnknownObjectError

TRANSIENT_STATUSES: Final = frozenset({406, 420, 429})
"""Besides 5xx: seen with empty bodies from a busy org, gone a moment later."""

_UNKNOWN_CODES: Final = frozenset({"INVALIDENTITY", "NOT_FOUND", "INVALID_TYPE", "INVALID_FIELD", "HTTP_404"})
_LIMIT_CODES: Final = frozenset({"REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED", "TXN_SECURITY_METERING_ERROR"})
_REMEDIES: Final = {
    "API_DISABLED_FOR_ORG": "Enable API access in the org.",
    "INSUFFICIENT_ACCESS": "Give the integration user the missing permission.",
    "QUERY_TIMEOUT": "Read a smaller window.",
    JOB_GONE: "Start the reading anew.",
}
HOPELESS_JOBS: Final = frozenset({"InvalidBatch", "ClientInputError", "FeatureNotEnabled", "ExceededQuota"})
"""Codes of failed jobs for which the same rows in another job would fail too."""
LOST_PARENT: Final = r"(?s)^Foreign key external ID: .* not found for field \S+ in entity \S+$"
"""How an org tells, with the code INVALID_FIELD, that no record has the External ID by which a row names its parent."""
LOST_PARENT_MESSAGE: Final = "The org has no record with the External ID by which this row names its parent."
_RETRIED: Final = re.compile(r"QUERY_TIMEOUT|retried more than", re.IGNORECASE)
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,79}")


def is_transient(status: int) -> bool:
    """Whether the same request may succeed a moment later."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TRANSIENT_STATUSES


def code_of(status: int, body: bytes) -> str:
    """The error code of a reply (REST array, OAuth object), or `HTTP_<status>`; never any other text."""
    try:
        reply = json.loads(body)
    except ValueError:
        reply = None
    return code_in(status, reply)


def code_in(status: int, reply: object) -> str:
    """The error code in the document of a reply, as `code_of` finds it in its bytes."""
    first = reply[0] if isinstance(reply, list) and reply else reply
    code = (first.get("errorCode") or first.get("error")) if isinstance(first, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else f"HTTP_{status}"


def row_fault(code: str, message: str) -> tuple[str, str]:
    """Code and message of a refused row, with a code of our own where the org's says less than its message."""
    is_lost = code == "INVALID_FIELD" and re.match(LOST_PARENT, message) is not None
    return (PARENT_NOT_FOUND, LOST_PARENT_MESSAGE) if is_lost else (code, message)


def refusal(*, instance_name: str, subject: str, code: str) -> SourceError:
    """The error for a request about `subject` that was refused with this code."""
    message = f"Salesforce instance {instance_name} refused a request about {subject}: {code}."
    if code in _LIMIT_CODES:
        return exhausted(instance_name, f"a request about {subject} was refused ({code})")
    if code in _UNKNOWN_CODES:
        remedy = "Check the name, and that the integration user may see the object and its fields."
        return UnknownObjectError(message, code=code, remedy=remedy)
    return RequestRefusedError(message, code=code, remedy=_REMEDIES.get(code, ""))


def job_gone(*, instance_name: str, subject: str) -> RequestRefusedError:
    """The error for a job or cursor the org has forgotten."""
    message = f"Salesforce instance {instance_name} does not keep {subject} any more."
    return RequestRefusedError(message, code=JOB_GONE, remedy=_REMEDIES[JOB_GONE])


def job_code(error_message: object) -> str:
    """The code a failed job's message starts with (`InvalidBatch : ...`), or JOB_FAILED.

    JOB_RETRIED: the org has given up after trying again and again; it then advises to filter more.
    """
    if isinstance(error_message, str) and _RETRIED.search(error_message):
        return "JOB_RETRIED"
    start = re.match(rf"({_CODE.pattern})\s*:", error_message) if isinstance(error_message, str) else None
    return start[1] if start else "JOB_FAILED"
