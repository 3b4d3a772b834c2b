"""Keeps the pages of a batch in a table of PostgreSQL beside the published one, until it is published.

The table is not in the write-ahead log: a crash of the server empties it, which is noticed, and the batch begun anew.
Does not belong here: deciding which rows are new (extraction/) and publishing (postgres.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from contact_sync import arrow_values
from contact_sync.lake.bronze import LINEAGE, PARTITION_COLUMNS, StagedRows
from contact_sync.lake.database import LakeDatabase, ensure_schema, hold
from contact_sync.lake.postgres_columns import ensure_table

STAGING: Final = "bronze_staging"
PAGE: Final = "_page"
"""The column that names the page of a staged row."""
_COPIED_ROWS: Final = 8_192
"""So many rows are in the driver's buffer at a time."""


class PostgresStage:
    """Takes the pages of one batch; `partition` is theirs."""

    def __init__(self, database: LakeDatabase, table_name: str, partition: Mapping[str, str]) -> None:
        self._database = database
        self._table_name = table_name
        self._partition = dict(partition)
        self._prepared: set[str] = set()

    def write(self, rows: pa.Table, *, file_name: str) -> StagedRows:
        """Keep one page and describe it for the commit.

        rows: source columns (text) and the LINEAGE columns, without the partition columns.
        """
        missing = [one for one in LINEAGE.names if one not in rows.column_names]
        if missing or set(PARTITION_COLUMNS) & set(rows.column_names):
            message = f"a staged page needs the lineage columns and no partition columns; missing: {missing}"
            raise ValueError(message)
        columns = tuple(rows.column_names)
        for column, value in (*self._partition.items(), (PAGE, file_name)):
            rows = rows.append_column(column, arrow_values.repeat(arrow_values.text(value), rows.num_rows))
        with self._database.transaction(f"A page of bronze table {self._table_name} in PostgreSQL") as transaction:
            if not set(columns) <= self._prepared:
                hold(transaction, f"{STAGING}/{self._table_name}")
                ensure_schema(transaction, STAGING)
                ensure_table(transaction, STAGING, self._table_name, columns, more=[PAGE], kind="unlogged")
            batches = rows.to_reader(max_chunksize=_COPIED_ROWS)
            transaction.copy(STAGING, self._table_name, batches)
        self._prepared.update(columns)
        return StagedRows(path=file_name, row_count=rows.num_rows, columns=columns, partition=self._partition)
