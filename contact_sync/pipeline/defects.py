"""What may be told of an exception that nobody foresaw: its kind and where it came from, never its text.

Exceptions of libraries quote what they choke on, and that may be a value of a record. Does not belong here: deciding
what goes on without the work that the exception ended.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

from contact_sync.errors import DefectError

_LOG = logging.getLogger(__name__)


def defect(error: Exception, where: str) -> DefectError:
    """The error that tells a user of an unexpected exception in some piece of work; its traceback goes to the log."""
    kind = type(error).__name__
    _LOG.error("%s: unexpected %s\n%s", where, kind, nameless_traceback(error))
    return DefectError(
        f"{where}: an unexpected {kind}, which is a defect of contact_sync.",
        remedy="Report it with its traceback, which is in the log and holds no values of records.",
    )


def nameless_traceback(error: BaseException) -> str:
    """The traceback of an exception and of what led to it, oldest first, without the exceptions' own texts."""
    lines: list[str] = []
    for one in reversed(list(_causes(error))):
        lines.append("Traceback (most recent call last):\n")
        lines += traceback.format_list(traceback.extract_tb(one.__traceback__))
        lines.append(f"{type(one).__name__}\n")
    return "".join(lines)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, what it was raised from, and so on."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
