"""The records that a resolution looks at: all of an entity, or those named in a table.

Does not belong here: which ones are named (affected.py, parts.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.warehouse.base import Session


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Records of an entity in an open session. among: a table with their `record_key`, nothing if all are meant."""

    session: Session
    entity: Entity
    among: str = ""

    @property
    def is_everything(self) -> bool:
        """Whether all records are meant."""
        return not self.among

    def condition(self, *columns: str) -> str:
        """Whether one of these columns names a record of the scope, in SQL."""
        if self.is_everything:
            return "1 = 1"
        among = f"(select record_key from {self.among})"  # noqa: S608 -- ours
        return f"({' or '.join(f'{column} in {among}' for column in columns)})"

    def write(self, table: str, rows: pa.Table, *columns: str) -> None:
        """Let rows take the place of those of `schema.table` that these columns say are about records of the scope."""
        if self.is_everything:
            self.session.replace(table, rows)
        else:
            self.session.execute(f"delete from {table} where {self.condition(*columns)}")  # noqa: S608 -- ours
            self.session.append(table, rows)
