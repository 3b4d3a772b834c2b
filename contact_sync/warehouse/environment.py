"""Whose warehouse it is: the environment that opens it first marks it as its own, and others are refused.

Schemas carry no environment in their names, so that two environments in one database would overwrite each other's
tables. Does not belong here: where a warehouse is (address.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import pyarrow as pa

from contact_sync.errors import WarehouseError
from contact_sync.lake.bronze import BronzeTable
from contact_sync.warehouse.address import SETTING
from contact_sync.warehouse.base import Session, Warehouse

_TABLE: Final = "pipeline.environment"


class OwnWarehouse:
    """A Warehouse that one environment has for itself: WarehouseError where another was first.

    Looked at once in a process: a mark does not change.
    """

    def __init__(self, warehouse: Warehouse, environment: str) -> None:
        self._warehouse = warehouse
        self._environment = environment
        self._is_known_to_be_ours = False

    @contextmanager
    def session(self, purpose: str) -> Iterator[Session]:
        """Hold the warehouse; keep it short and never wait on a network meanwhile."""
        with self._warehouse.session(purpose) as session:
            if not self._is_known_to_be_ours:
                claim(session, self._environment)
            yield session
        self._is_known_to_be_ours = True

    def exclusive(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the warehouse without a connection, for a program that opens its own."""
        if not self._is_known_to_be_ours:
            with self.session(purpose):
                """Whoever comes without a session may be the first as well."""
        return self._warehouse.exclusive(purpose)

    def bring_in(self, session: Session, table: BronzeTable, columns: Mapping[str, str]) -> None:
        """Make a bronze table readable as `bronze.<name>` with at least these columns (name -> type)."""
        self._warehouse.bring_in(session, table, columns)


def claim(session: Session, environment: str) -> None:
    """Mark the warehouse as an environment's own; WarehouseError if it is another's."""
    # An engine that commits each statement may have been interrupted between the table and its row.
    owner = session.scalar(f"select max(name) from {_TABLE}") if session.exists(_TABLE) else None  # noqa: S608 -- a constant
    if owner is None:
        session.replace(_TABLE, pa.table({"name": [environment]}))
    elif owner != environment:
        raise WarehouseError(
            f"The warehouse belongs to the environment {owner}, and this is {environment}.",
            remedy=f"Give each environment a database of its own ({SETTING}). To hand this one over with all it holds, "
            f"drop the table {_TABLE} in it.",
        )
