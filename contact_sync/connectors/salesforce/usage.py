"""The org's request limit: how much of it is used, as each reply says, and when we stop.

The limit is shared by everything that talks to the org, and a rolling one of 24 hours. Does not belong here: counting
our own requests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from contact_sync.errors import QuotaExhaustedError

if TYPE_CHECKING:
    import httpx

HEADER: Final = "Sforce-Limit-Info"
_USAGE: Final = re.compile(r"api-usage=(\d+)/(\d+)")


class RequestBudget:
    """Refuses requests when a share of the limit is used, so that others still have some."""

    def __init__(self, instance_name: str, share: float) -> None:
        self._instance_name = instance_name
        self._share = share
        self._used, self._limit = 0, 0

    def note(self, headers: httpx.Headers) -> None:
        """Take in what a reply says: `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`, the second optional."""
        found = [(int(used), int(limit)) for used, limit in _USAGE.findall(headers.get(HEADER, ""))]
        if found:
            self._used, self._limit = max(found, key=lambda pair: pair[0] / max(pair[1], 1))

    @property
    def remaining(self) -> int | None:
        """Requests left of the limit that is nearest to its end; None if no reply has told yet."""
        return max(self._limit - self._used, 0) if self._limit else None

    def check(self) -> None:
        """Raise QuotaExhaustedError when the share is used."""
        if self._limit and self._used >= self._limit * self._share:
            raise exhausted(self._instance_name, f"{self._used:,} of {self._limit:,} requests of 24 hours are used")


def exhausted(instance_name: str, reason: str) -> QuotaExhaustedError:
    """The error that says that a reading stops for now."""
    return QuotaExhaustedError(
        f"Salesforce instance {instance_name}: {reason}. The reading is incomplete.",
        remedy="It goes on where it stopped once requests are free again; read less often, or raise the limit or "
        "the instance's API_SHARE.",
    )
