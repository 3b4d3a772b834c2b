"""Results of REST queries that take several requests: kept as they were when the query ran, for two days.

There may be any number of them, as in Salesforce since API version 56.0 and then for all versions (Salesforce
Developer Limits, "API Query Cursor Limits"), so their rows are in files. Does not belong here: what a page looks like.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.ids import make_id
from contact_sync.simulator.salesforce.soql import Statement
from contact_sync.simulator.salesforce.store import Cell, Store

CURSOR_LIFETIME = timedelta(days=2)
_KEY_PREFIX = "0r8"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A kept result; `path` holds its rows."""

    locator: str
    statement: Statement
    page_size: int
    total: int
    opened_at: datetime
    path: Path

    def rows(self, start: int) -> list[tuple[Cell, ...]]:
        """The rows of the page that begins after `start` rows."""
        with closing(sqlite3.connect(self.path)) as connection:
            span = "select * from kept where rowid > ? and rowid <= ? order by rowid"
            return connection.execute(span, (start, start + self.page_size)).fetchall()


class Cursors:
    """The kept results of one org."""

    def __init__(self, store: Store, directory: Path, *, pod: str) -> None:
        self._store = store
        self._directory = directory
        self._directory.mkdir(parents=True)
        self._pod = pod
        self._kept: dict[str, Cursor] = {}
        self._lock = threading.Lock()

    def keep(self, statement: Statement, page_size: int) -> Cursor:
        """Run a query and keep what it finds."""
        self._forget_old()
        locator = make_id(_KEY_PREFIX, self._pod, secrets.randbelow(62**8))
        path = self._directory / locator
        total = self._store.keep(statement.sql, statement.parameters, path)
        cursor = Cursor(locator, statement, page_size, total, self._store.clock(), path)
        with self._lock:
            self._kept[locator] = cursor
        return cursor

    def find(self, locator: str) -> Cursor:
        """The result behind a locator; INVALID_QUERY_LOCATOR if there is none (any more)."""
        self._forget_old()
        cursor = self._kept.get(locator)
        if cursor is None:
            raise invalid_locator()
        return cursor

    def forget(self, *locators: str) -> None:
        """Drop results."""
        with self._lock:
            gone = [cursor for locator in locators if (cursor := self._kept.pop(locator, None))]
        for cursor in gone:
            cursor.path.unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Drop every result."""
        self.forget(*list(self._kept))

    def _forget_old(self) -> None:
        oldest = self._store.clock() - CURSOR_LIFETIME
        with self._lock:
            # In the order in which they were made, so that the first young one ends the search.
            old = list(takewhile(lambda one: one.opened_at < oldest, self._kept.values()))
        self.forget(*(cursor.locator for cursor in old))


def invalid_locator() -> Fault:
    """A locator that is unknown, or whose result is not kept any more."""
    return Fault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
