"""The port of every warehouse, and its vocabulary. Does not belong here: any engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import pyarrow as pa

from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.dialect import Dialect

SCHEMAS: Final = ("bronze", "pipeline", "silver", "identity", "gold", "activation")


@dataclass(frozen=True, kw_only=True)
class BronzeWindow:
    """The batches of one object and instance that the next silver run merges: `after < sequence <= up_to`."""

    object_name: str
    instance: str
    after_sequence: int
    up_to_sequence: int

    @property
    def has_news(self) -> bool:
        """Whether there is anything to merge."""
        return self.up_to_sequence > self.after_sequence


class Session(Protocol):
    """One connection that holds the warehouse; changes are seen by others when it is left without an error.

    Statements are SQL that every engine understands, parameters are `$1`, `$2`; what differs comes from `dialect`.
    Tables are named `schema.table` in lower case. Where the engine commits DDL (Snowflake) each statement stands for
    itself.
    """

    @property
    def dialect(self) -> Dialect:
        """What this engine says differently."""

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """Run one query and return all of its rows."""

    def scalar(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row."""

    def replace(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Make `schema.table` hold exactly these rows."""

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Add rows to `schema.table`, which is created when missing."""

    def create(self, table: str, query: str) -> None:
        """Make `schema.table` hold the rows of a query."""

    def read(self, table: str) -> pa.Table:
        """All rows of `schema.table`, with the types it was declared with."""

    def stream(self, table: str, order: str = "") -> pa.RecordBatchReader:
        """The same batch by batch, in an `order by ...`; to be read before the session does anything else."""

    def exists(self, table: str) -> bool:
        """Whether `schema.table` exists."""


class Warehouse(Protocol):
    """An engine that transforms bronze."""

    def session(self, purpose: str) -> AbstractContextManager[Session]:
        """Hold the warehouse; keep it short and never wait on a network meanwhile."""

    def exclusive(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the warehouse without a connection, for a program that opens its own."""

    def bring_in(self, session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
        """Make a bronze table readable as `bronze.<name>` with at least these columns (name -> type)."""
