"""Reads a few columns of chosen files of a snapshot, one file after the other.

For what an extraction asks of bronze: a scan by delta-rs would do, but its query engine alone takes 50 MB of memory.
Does not belong here: choosing rows; the caller is content with the files that may hold them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from contact_sync.errors import LakeError
from contact_sync.lake.location import LakeLocation

_BATCH_ROWS: Final = 16_384


def actions_of(table: DeltaTable) -> pa.Table:
    """The files of the snapshot with their partition values and statistics; times are numbers of microseconds.

    Neither pa.table() nor times of Python's own: both make pyarrow import pandas, 0.4 CPU seconds and 50 MB.
    """
    actions = pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()
    columns = [
        pc.cast(column, pa.int64()) if pa.types.is_timestamp(column.type) else column for column in actions.columns
    ]
    return pa.Table.from_arrays(columns, names=actions.column_names)


def files_of(table: DeltaTable, instance: str, **at_least: int | None) -> list[str]:
    """The files of an instance that may hold a row whose columns are at least so much, or null; paths in the table."""
    actions = actions_of(table)
    wanted = {name: least for name, least in at_least.items() if least is not None}
    names = [f"{kind}.{name}" for name in wanted for kind in ("max", "null_count")]
    known = [name for name in names if name in actions.column_names]
    files = actions.select(["path", "partition._instance", *known]).to_pylist()
    return [
        unquote(file["path"])
        for file in files
        if file["partition._instance"] == instance and all(_may_hold(file, *one) for one in wanted.items())
    ]


def read_files(
    location: LakeLocation, table_url: str, paths: Sequence[str], columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Stream these columns, all of which every file has to have; raise LakeError for a file that cannot be read."""
    file_system = location.file_system()
    for path in paths:
        try:
            with file_system.open_input_file(location.path(f"{table_url}/{path}")) as source:
                yield from pq.ParquetFile(source).iter_batches(
                    batch_size=_BATCH_ROWS, columns=list(columns), use_threads=False
                )
        except OSError as error:
            message = f"{table_url}: a published file cannot be read ({type(error).__name__})."
            raise LakeError(message, remedy="Check the lake's storage.") from None
        finally:
            pa.default_memory_pool().release_unused()


def _may_hold(file: Mapping[str, Any], name: str, least: int) -> bool:
    """Whether a file may hold a row that is wanted; without statistics it may."""
    greatest, nulls = file.get(f"max.{name}"), file.get(f"null_count.{name}")
    return greatest is None or greatest >= least or nulls != 0
