"""What an org allows, and what of it was used in the last 24 hours of its clock.

Does not belong here: how an org says so (limits.py), and what is refused (where it is asked for).
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_PAGE = 2_000
"""Records in a page of a REST query, at most."""
API_REQUESTS = "DailyApiRequests"
BULK_BATCHES = "DailyBulkApiBatches"
BULK_QUERY_JOBS = "DailyBulkV2QueryJobs"
BULK_QUERY_BYTES = "DailyBulkV2QueryFileStorageMB"

_DAY = timedelta(hours=24)


@dataclass(slots=True)
class Limits:
    """Allowances; a request above `api_requests` in 24 hours is refused with REQUEST_LIMIT_EXCEEDED.

    result_pages: whether the addresses of result pages can be listed, as since API version 58; 404 without.
    per_application: a limit for one connected app, if there is one. rows_in_time: queries and jobs with more rows than
    this take too long, as they do in an org with bad luck. query_page: records in a page of a REST query, at most;
    an org sends fewer where records are long. upload_bytes: of an upload to a Bulk job, after the encoding as base64.
    batch_rows: of a batch of a Bulk job, at most.
    """

    api_requests: int = 100_000
    bulk_query_jobs: int = 10_000
    bulk_query_megabytes: int = 976_562
    bulk_batches: int = 15_000
    data_megabytes: int = 1_024
    file_megabytes: int = 1_024
    result_pages: bool = True
    rows_in_time: int | None = None
    per_application: int | None = None
    query_page: int = MAX_PAGE
    upload_bytes: int = 150_000_000
    batch_rows: int = 10_000


class Usage:
    """Counts by name, hour by hour, so that what is older than a day can be left out."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._hours: defaultdict[str, deque[tuple[datetime, int]]] = defaultdict(deque)
        self._lock = threading.Lock()

    def note(self, name: str, amount: int = 1) -> None:
        """Count something that was used."""
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        with self._lock:
            hours = self._hours[name]
            before = hours.pop()[1] if hours and hours[-1][0] == hour else 0
            hours.append((hour, before + amount))

    def of(self, name: str) -> int:
        """What was used in the last 24 hours."""
        oldest = self._clock() - _DAY
        with self._lock:
            hours = self._hours[name]
            while hours and hours[0][0] <= oldest:
                hours.popleft()
            return sum(amount for _, amount in hours)
