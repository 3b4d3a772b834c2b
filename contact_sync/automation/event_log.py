"""Dagster's own event log in SQLite at half the price: its connections to one file share what SQLAlchemy has compiled.

Dagster makes a new engine for each of the several connections that an event takes, and with it compiles every statement
anew, which cost more than the rest of a small refresh. For one machine, as SQLite is; a cluster keeps its log in
PostgreSQL by Dagster's own storage. Does not belong here: what is logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from dagster import StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes.config_class import ConfigurableClassData
from sqlalchemy.pool import NullPool

_FILES: Final = 32
"""Each run has a file, and all have an index: so many engines are kept. They hold no connections: a fork is safe."""


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

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection


@lru_cache(maxsize=_FILES)
def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})
