"""Faults that a test plans for an org: refused requests, failed jobs, short pages, cut bodies.

Each is planned a number of times and used up in order; where they strike is decided by who asks (app.py, the jobs).
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.troubles import Trouble


@dataclass(frozen=True, slots=True)
class JobFailure:
    """How a Bulk job fails: its message, and the rows it has done before."""

    message: str
    after_rows: int = 0


class Disturbances:
    """What will go wrong next in an org."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refusals: dict[str, deque[Fault]] = {}
        self._job_failures: deque[JobFailure] = deque()
        self._interruptions = 0
        self._troubles: dict[str, deque[Trouble | None]] = {}
        self._stuck_jobs = 0
        self._short_pages = 0
        self._cut_bodies = 0

    def refuse(self, kind: str, *, status: int = 503, code: str = "SERVER_UNAVAILABLE", times: int = 1) -> None:
        """Answer the next requests of a kind (as counted in `requests`) with an error."""
        fault = Fault(status, code, "The server is temporarily unavailable")
        with self._lock:
            self._refusals.setdefault(kind, deque()).extend([fault] * times)

    def plan(self, kind: str, trouble: Trouble, *, times: int = 1, after: int = 0) -> None:
        """Let the next requests of a kind (as counted in `requests`) go wrong, once `after` of them have gone well."""
        with self._lock:
            self._troubles.setdefault(kind, deque()).extend([None] * after + [trouble] * times)

    def calm(self) -> None:
        """Forget everything that is planned."""
        with self._lock:
            self._refusals.clear()
            self._troubles.clear()
            self._job_failures.clear()
            self._short_pages = self._cut_bodies = self._stuck_jobs = self._interruptions = 0

    def take_trouble(self, kind: str) -> Trouble | None:
        """What goes wrong with the request of a kind that has just come, if anything."""
        with self._lock:
            planned = self._troubles.get(kind)
            return planned.popleft() if planned else None

    def stick_job(self, *, times: int = 1) -> None:
        """Let the next Bulk jobs stay InProgress until they are aborted."""
        with self._lock:
            self._stuck_jobs += times

    def take_stuck_job(self) -> bool:
        """Whether the job that starts now never ends."""
        with self._lock:
            planned, self._stuck_jobs = self._stuck_jobs > 0, max(self._stuck_jobs - 1, 0)
        return planned

    def fail_job(
        self,
        message: str = "InternalServerError : Retried more than fifteen times",
        *,
        times: int = 1,
        after_rows: int = 0,
    ) -> None:
        """Let the next Bulk jobs end as Failed with this message, once they have done so many rows."""
        with self._lock:
            self._job_failures.extend([JobFailure(message, after_rows)] * times)

    def interrupt_job(self, *, times: int = 1) -> None:
        """Let the next attempts at the result of a query job come to nothing, so that the org makes another one."""
        with self._lock:
            self._interruptions += times

    def take_interruption(self) -> bool:
        """Whether the attempt that is made now comes to nothing."""
        with self._lock:
            planned, self._interruptions = self._interruptions > 0, max(self._interruptions - 1, 0)
        return planned

    def shorten_page(self, *, times: int = 1) -> None:
        """Leave the last record out of the next result pages, although their header counts it."""
        with self._lock:
            self._short_pages += times

    def cut_body(self, *, times: int = 1) -> None:
        """Break the connection in the middle of the next result pages."""
        with self._lock:
            self._cut_bodies += times

    def strike_request(self, kind: str) -> None:
        """Raise the fault planned for a request of this kind, if any."""
        with self._lock:
            planned = self._refusals.get(kind)
            fault = planned.popleft() if planned else None
        if fault is not None:
            raise fault

    def take_job_failure(self) -> JobFailure | None:
        """How the job that starts now fails, if it does."""
        with self._lock:
            return self._job_failures.popleft() if self._job_failures else None

    def take_short_page(self) -> bool:
        """Whether the page that is sent now lacks its last record."""
        with self._lock:
            planned, self._short_pages = self._short_pages > 0, max(self._short_pages - 1, 0)
        return planned

    def take_cut_body(self) -> bool:
        """Whether the connection breaks while the page is sent now."""
        with self._lock:
            planned, self._cut_bodies = self._cut_bodies > 0, max(self._cut_bodies - 1, 0)
        return planned
