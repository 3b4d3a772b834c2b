"""Dagster's own event log in SQLite, with one open connection to each file instead of several new ones per event.

Dagster opens and closes a connection for each of the several statements that an event takes. Closing the last one to a
file makes SQLite write its log back and wait for the disk; and with each connection comes an engine that compiles every
statement anew. Both together cost more than the rest of a small refresh. For one machine, as SQLite is; a cluster keeps
its log in PostgreSQL by Dagster's own storage. Does not belong here: what is logged.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from dagster import StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.polling_event_watcher import SqlPollingEventWatcher
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes.config_class import ConfigurableClassData
from sqlalchemy.pool import QueuePool

_FILES: Final = 32
"""Each run has a file, and all have an index: so many are kept open."""


class EventLogStorage(SqliteEventLogStorage):
    """Named in dagster.yaml as `event_log_storage`; the files lie where Dagster's own storage has them."""

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """home: DAGSTER_HOME."""
        return {"home": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Make the storage from dagster.yaml."""
        return cls(str(Path(config_value["home"]) / "history" / "runs"), inst_data)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; asked several times for each event."""
        return table_name in self._tables

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        """Tell what a run logs from now on. Asked for, because files that stay open do not change with each event."""
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Any) -> None:
        """Tell no more."""
        self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        """End the watching. Connections stay: Dagster makes a storage for each tick of a sensor."""
        if "_watcher" in self.__dict__:
            self._watcher.close()
        super().dispose()

    @cached_property
    def _watcher(self) -> SqlPollingEventWatcher:
        return SqlPollingEventWatcher(self)

    @cached_property
    def _tables(self) -> frozenset[str]:
        # Asked within a connection at times, and made with the storage: neither the lock nor the making is needed.
        with _open_files.engine(self.conn_string_for_shard(INDEX_SHARD_NAME)).connect() as connection:
            return frozenset(sa.inspect(connection).get_table_names())

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = _open_files.engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection


class _OpenFiles:
    """An engine for each file, which keeps one connection; the least recently used is closed for one too many."""

    def __init__(self) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._lock = threading.Lock()

    def engine(self, url: str) -> sa.Engine:
        """The engine of a file."""
        with self._lock:
            if url not in self._engines:
                self._engines[url] = _engine(url)
            self._engines.move_to_end(url)
            if len(self._engines) > _FILES:
                self._engines.popitem(last=False)[1].dispose()
            return self._engines[url]

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def forget(self) -> None:
        """Leave the connections to the process that this one was forked from."""
        self._lock = threading.Lock()
        for engine in self._engines.values():
            engine.dispose(close=False)
        self._engines.clear()


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    sa.event.listen(engine, "connect", _wait_for_no_disk)
    return engine


def _wait_for_no_disk(connection: Any, _record: Any) -> None:
    """If the machine itself stops, its last events may be lost, but no file is damaged; a killed process loses none."""
    connection.execute("pragma synchronous = normal")


_open_files: Final = _OpenFiles()
atexit.register(_open_files.close)
os.register_at_fork(after_in_child=_open_files.forget)
