"""Extracts many objects from many instances side by side, within limits per instance and over all.

A failed extraction never stops the others, whatever ended it; an instance that does not answer is asked once. Does not
belong here: showing progress, or one extraction (bronze.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

from contact_sync.catalog import CatalogObject
from contact_sync.errors import NOT_WORTH_ASKING, ContactSyncError, QuotaExhaustedError, StoppedError
from contact_sync.extraction.batch import Progress
from contact_sync.extraction.report import ExtractionReport
from contact_sync.extraction.select import Days
from contact_sync.pipeline.defects import defect
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.sources import OpenSources
from contact_sync.pipeline.work import Work

STATES: Final = ("read", "incomplete", "stopped", "failed")
RowsListener = Callable[[int], None]
"""Told how many rows have been read since it was last told."""
IsStopped = Callable[[], bool]
"""Asked between pages whether the user wants to end."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one extraction: a report, or the error that ended it."""

    object_name: str
    instance: str
    report: ExtractionReport | None = None
    error: ContactSyncError | None = None

    @property
    def state(self) -> str:
        """`read`, `incomplete` (goes on once requests are free), `stopped` (goes on the next time), or `failed`."""
        if self.error is None:
            return "read"
        if isinstance(self.error, QuotaExhaustedError):
            return "incomplete"
        return "stopped" if isinstance(self.error, StoppedError) else "failed"


def attempt(work: Work, extraction: Callable[[], ExtractionReport]) -> Outcome:
    """What becomes of an extraction; nothing that it raises goes further, a defect of ours neither."""
    item, instance = work
    try:
        report = extraction()
    except ContactSyncError as error:
        return Outcome(object_name=item.name, instance=instance, error=error)
    except Exception as error:  # noqa: BLE001 -- the other extractions are not its victims
        error_for_user = defect(error, f"{item.name} from {instance}")
        return Outcome(object_name=item.name, instance=instance, error=error_for_user)
    return Outcome(object_name=item.name, instance=instance, report=report)


def stoppable(progress: Progress, is_stopped: IsStopped) -> Progress:
    """A progress that is told the same, and ends the extraction at its next page once the user wants to end."""

    def told(*, rows: int, total: int | None, byte_count: int) -> None:
        if is_stopped():
            raise StoppedError("Stopped before it was done.", remedy="The next extraction goes on where it ended.")
        progress(rows=rows, total=total, byte_count=byte_count)

    return told


def extract_many(
    installation: Installation,
    work: Sequence[Work],
    *,
    days: Days | None = None,
    listener: RowsListener | None = None,
    is_stopped: IsStopped = lambda: False,
) -> Iterator[Outcome]:
    """Extract each object from its instance; yields an outcome for each as they come, in no order.

    Once it is stopped, or the caller stops listening, extractions under way end at their next page and others do not
    begin.
    """
    settings = installation.settings
    abandoned = threading.Event()
    with closing(OpenSources(installation)) as sources, ExitStack() as pools:
        run = _Run(
            installation,
            sources,
            work,
            days=days,
            listener=listener,
            is_stopped=lambda: abandoned.is_set() or is_stopped(),
        )
        executors = {
            key: pools.enter_context(
                ThreadPoolExecutor(settings.parallel_per_instance, thread_name_prefix="-".join(key))
            )
            for key in dict.fromkeys((item.source, instance) for item, instance in work)
        }
        try:
            futures = [
                executors[item.source, instance].submit(run.extract, (item, instance)) for item, instance in work
            ]
            for future in as_completed(futures):
                yield future.result()
        finally:
            abandoned.set()


class _Run:
    """What the extractions of one run share."""

    def __init__(
        self,
        installation: Installation,
        sources: OpenSources,
        work: Sequence[Work],
        *,
        days: Days | None,
        listener: RowsListener | None,
        is_stopped: IsStopped,
    ) -> None:
        self._installation = installation
        self._sources = sources
        self._items = tuple({item.name: item for item, _ in work}.values())
        self._days = days
        self._listener = listener
        self._is_stopped = is_stopped
        self._over_all = threading.Semaphore(installation.settings.parallel)

    def extract(self, work: Work) -> Outcome:
        """Extract one object from its instance, when its turn comes."""
        with self._over_all:
            outcome = attempt(work, lambda: self._extract(*work))
        if isinstance(outcome.error, NOT_WORTH_ASKING):
            self._sources.give_up(*work, outcome.error)
        return outcome

    def _extract(self, item: CatalogObject, instance: str) -> ExtractionReport:
        progress = stoppable(_counting(self._listener), self._is_stopped)
        # Whoever is stopped while waiting for a turn does not begin.
        progress(rows=0, total=None, byte_count=0)
        self._sources.prepare(self._items, item, instance)
        source = self._sources.of(item, instance)
        return self._installation.extractor().run(item, instance, source, days=self._days, progress=progress)


def _counting(listener: RowsListener | None) -> Progress:
    """A progress of one extraction that tells a listener how many rows came since it was last told."""
    seen = 0

    def told(*, rows: int, total: int | None, byte_count: int) -> None:  # noqa: ARG001 -- the Progress protocol
        nonlocal seen
        if listener is not None:
            listener(rows - seen)
        seen = rows

    return told
