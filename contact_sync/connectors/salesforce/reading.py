"""A reading in parts: each part on the lane that suits it, divided where the org takes too long, counted over all.

A checkpoint holds the lane's own position in the current part and the parts ahead. Does not belong here: what a lane
does with a part.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from contact_sync.connectors.base import Checkpoint, Page
from contact_sync.connectors.salesforce.soql import Part
from contact_sync.errors import JOB_GONE, RequestRefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

TOO_LONG: Final = frozenset({"QUERY_TIMEOUT", "JOB_RETRIED"})
"""Codes that say that the org could not finish in time: less may work."""
MOST_DIVISIONS: Final = 1_024
MOST_FORGOTTEN: Final = 3
"""So often a part is begun anew because the org forgot it before it brought anything."""


class Lanes(Protocol):
    """How parts are read."""

    def begin(self, part: Part) -> Iterator[Page]:
        """The pages of a part; a RequestRefusedError with a code of TOO_LONG comes before the first page."""

    def resume(self, part: Part, checkpoint: Checkpoint) -> Iterator[Page]:
        """The pages of a part after a checkpoint that one of its pages had."""

    def halves(self, part: Part) -> Sequence[Part]:
        """The part in two; empty if it cannot be divided."""


@dataclass(frozen=True, kw_only=True)
class _Done:
    """The pages of the parts that are finished, and the rows that were declared for them."""

    pages: int = 0
    total: int = 0

    def after(self, page: Page) -> _Done:
        """With the part that ended with this page."""
        return _Done(pages=self.pages + page.number, total=self.total + (page.declared_total or 0))


class PartedReading:
    """One reading; iterate over `pages` once."""

    def __init__(self, lanes: Lanes, parts: Sequence[Part], *, resume: Checkpoint | None = None) -> None:
        self._lanes = lanes
        self._resume = resume
        self._ahead = deque(parts if resume is None else map(Part.from_json, resume["ahead"]))
        self._done = _Done() if resume is None else _Done(**resume["done"])
        self._divisions = 0
        self._forgotten = 0

    def pages(self) -> Iterator[Page]:
        """The pages of all parts, one part after the other, numbered and counted as one reading."""
        if self._resume is not None and self._resume["lane"] is not None:
            current = Part.from_json(self._resume["part"])
            yield from self._of_part(current, self._lanes.resume(current, self._resume["lane"]))
        while self._ahead:
            current = self._ahead.popleft()
            pages = self._begun(current)
            if pages is not None:
                yield from self._of_part(current, pages)

    def _begun(self, part: Part) -> Iterator[Page] | None:
        """The pages of a part, the first of which is there; None if the part is ahead again, whole or divided."""
        try:
            pages = self._lanes.begin(part)
            first = next(pages)
        except RequestRefusedError as error:
            if error.code == JOB_GONE and self._forgotten < MOST_FORGOTTEN:
                self._forgotten += 1
                self._ahead.appendleft(part)
                return None
            halves = self._lanes.halves(part) if self._may_divide(error) else ()
            if not halves:
                raise
            self._divisions += 1
            self._ahead.extendleft(reversed(halves))
            return None
        return _chained(first, pages)

    def _may_divide(self, error: RequestRefusedError) -> bool:
        return error.code in TOO_LONG and self._divisions < MOST_DIVISIONS

    def _of_part(self, part: Part, pages: Iterator[Page]) -> Iterator[Page]:
        for page in pages:
            done = self._done
            if page.is_last:
                self._done = done.after(page)
            yield _merged(page, part, before=done, after=self._done, ahead=self._ahead)
            # What was yielded is the caller's: kept here too, two pages would be in memory while the next is made.
            del page


def _chained(first: Page, others: Iterator[Page]) -> Iterator[Page]:
    yield first
    del first
    yield from others


def _merged(page: Page, part: Part, *, before: _Done, after: _Done, ahead: Collection[Part]) -> Page:
    """A lane's page as one of the whole reading, which declares its total once its last part has."""
    is_end = page.is_last and not ahead
    checkpoint = {
        "part": part.as_json(),
        "lane": None if page.is_last else page.checkpoint,
        "ahead": [one.as_json() for one in ahead],
        "done": asdict(after),
    }
    is_counted = page.declared_total is not None and not ahead
    return replace(
        page,
        number=before.pages + page.number,
        declared_total=before.total + (page.declared_total or 0) if is_counted else None,
        checkpoint=None if is_end else checkpoint,
    )
