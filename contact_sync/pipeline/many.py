"""Extracts many objects from many instances side by side, within limits per instance and over all.

A failed extraction never stops the others; an instance that does not answer is asked once. Does not belong here:
showing progress, or one extraction (steps.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from dataclasses import dataclass

from contact_sync.catalog import CatalogObject
from contact_sync.errors import NOT_WORTH_ASKING, ContactSyncError, QuotaExhaustedError
from contact_sync.extraction.report import ExtractionReport
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.sources import Instance, OpenSources


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one extraction: a report, or the error that ended it."""

    object_name: str
    instance: str
    report: ExtractionReport | None = None
    error: ContactSyncError | None = None

    @property
    def state(self) -> str:
        """`read`, `incomplete` (it goes on once requests are free), or `failed`."""
        if self.error is None:
            return "read"
        return "incomplete" if isinstance(self.error, QuotaExhaustedError) else "failed"


class _StoppedError(Exception):
    """The user wants to end; an interrupted batch is resumed the next time."""


RowsListener = Callable[[int], None]
"""Told how many rows have been read since it was last told."""


def extract_many(
    installation: Installation, work: Sequence[tuple[CatalogObject, str]], *, listener: RowsListener | None = None
) -> Iterator[Outcome]:
    """Extract each object from its instance; yields outcomes as they come, in no order.

    When the caller stops listening, extractions under way end at their next page.
    """
    settings = installation.settings
    stop = threading.Event()
    over_all = threading.Semaphore(settings.parallel)
    with closing(OpenSources(installation)) as sources, ExitStack() as pools:
        items = [item for item, _ in work]
        silent: dict[Instance, ContactSyncError] = {}

        def run(item: CatalogObject, instance: str) -> Outcome:
            with over_all:
                told = _progress(stop, listener)
                return _extract(installation, sources, items, item, instance, silent=silent, progress=told)

        executors = {
            key: pools.enter_context(
                ThreadPoolExecutor(settings.parallel_per_instance, thread_name_prefix="-".join(key))
            )
            for key in dict.fromkeys((item.source, instance) for item, instance in work)
        }
        futures: list[Future[Outcome]] = []
        try:
            futures += [executors[item.source, instance].submit(run, item, instance) for item, instance in work]
            for future in as_completed(futures):
                yield future.result()
        finally:
            stop.set()
            for future in futures:
                future.cancel()


def _extract(
    installation: Installation,
    sources: OpenSources,
    items: Sequence[CatalogObject],
    item: CatalogObject,
    instance: str,
    *,
    silent: dict[Instance, ContactSyncError],
    progress: Callable[..., None],
) -> Outcome:
    try:
        progress(rows=0, total=None, byte_count=0)
        if (item.source, instance) in silent:
            raise silent[item.source, instance]
        sources.prepare(items, item, instance)
        report = installation.extractor().run(item, instance, sources.of(item, instance), progress=progress)
    except ContactSyncError as error:
        if isinstance(error, NOT_WORTH_ASKING):
            silent[item.source, instance] = error
        return Outcome(object_name=item.name, instance=instance, error=error)
    except _StoppedError:
        stopped = ContactSyncError("Stopped.", remedy="The next extraction goes on where this one ended.")
        return Outcome(object_name=item.name, instance=instance, error=stopped)
    return Outcome(object_name=item.name, instance=instance, report=report)


def _progress(stop: threading.Event, listener: RowsListener | None) -> Callable[..., None]:
    """A listener for one extraction that also ends it when it has to stop."""
    seen = 0

    def told(*, rows: int, total: int | None, byte_count: int) -> None:  # noqa: ARG001 -- the Progress protocol
        nonlocal seen
        if stop.is_set():
            raise _StoppedError
        if listener is not None:
            listener(rows - seen)
        seen = rows

    return told
