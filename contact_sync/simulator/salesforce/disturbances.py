"""What a test plans to go wrong in an org: requests that run into trouble, jobs that fail, repeat or never end.

Each is planned a number of times and used up in order; what troubles there are is in troubles.py, where they strike is
decided by who asks (app.py, the jobs). Rows that are refused are in row_refusals.py.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from contact_sync.simulator.salesforce.row_refusals import RowRefusals
from contact_sync.simulator.salesforce.troubles import Trouble
from contact_sync.simulator.salesforce.values import RowError


@dataclass(frozen=True, slots=True)
class JobFailure:
    """How a Bulk job fails: its message, and the rows it has done before."""

    message: str
    after_rows: int = 0


class Disturbances:
    """What will go wrong next in an org."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._job_failures: deque[JobFailure] = deque()
        self._interruptions = 0
        self._troubles: dict[str, deque[Trouble | None]] = {}
        self._stuck_jobs = 0
        self.rows = RowRefusals()

    def refuse_rows(
        self, code: str, message: str, *, times: int = 1, keys: Collection[str] = (), every: int = 1
    ) -> None:
        """Refuse the next `times` rows of the API with one of these ids or external ids, of all without; every n-th."""
        self.rows.plan(RowError(code, message), times=times, keys=keys, every=every)

    def lock_rows(self, *, times: int = 1, keys: Collection[str] = (), every: int = 1) -> None:
        """Refuse rows as if another transaction held their record too long, see `refuse_rows`."""
        message = "unable to obtain exclusive access to this record"
        self.refuse_rows("UNABLE_TO_LOCK_ROW", message, times=times, keys=keys, every=every)

    def plan(self, kind: str, trouble: Trouble, *, times: int = 1, after: int = 0) -> None:
        """Let the next requests of a kind (as counted in `requests`) go wrong, once `after` of them have gone well."""
        with self._lock:
            self._troubles.setdefault(kind, deque()).extend([None] * after + [trouble] * times)

    def calm(self) -> None:
        """Forget everything that is planned."""
        with self._lock:
            self._troubles.clear()
            self._job_failures.clear()
            self._stuck_jobs = self._interruptions = 0
        self.rows.calm()

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

    def take_job_failure(self) -> JobFailure | None:
        """How the job that starts now fails, if it does."""
        with self._lock:
            return self._job_failures.popleft() if self._job_failures else None
