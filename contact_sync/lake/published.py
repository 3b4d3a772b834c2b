"""Tables for readers as Delta tables, so that nobody opens the warehouse: gold, plans, what waits for stewards.

Each publication replaces the table in one commit; readers see the old one or the new one. Rows go through a Parquet
file of this machine, so that memory is bounded and the warehouse is not held while a network is waited for. Does not
belong here: bronze.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as arrow_fs
import pyarrow.parquet as pq
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from contact_sync.errors import LakeError, StorageError
from contact_sync.lake.location import LakeLocation, storage_errors
from contact_sync.lake.scan import scan

LAYERS: Final = ("identity", "gold", "activation")
_BATCH_ROWS: Final = 5_000
_PARQUET: Final[Mapping[str, Any]] = {
    "compression": "zstd",
    "compression_level": 1,
    "data_page_size": 64 * 1024,
    "dictionary_pagesize_limit": 64 * 1024,
}
"""Whoever reads it in order holds a page and a dictionary of each column: with Parquet's usual megabyte of each, a
wide table takes a third more memory to read, and more time.
"""
_BUFFER_BYTES: Final = 1024 * 1024
_LOCAL_BUFFER_BYTES: Final = 128 * 1024
"""As much of each column is read at a time: a request to object storage is worth more than one to a disk."""
RETENTION_HOURS: Final = 24
"""Files of replaced tables stay so long for whoever reads them just now."""
_CONFIGURATION: Final = {"delta.dataSkippingNumIndexedCols": "0"}
"""No statistics: they would put personal data into the log."""


def publish(location: LakeLocation, layer: str, name: str, rows: pa.Table) -> None:
    """Replace `<lake>/<layer>/<name>` by these rows."""
    with tempfile.TemporaryDirectory(prefix="contact-sync-publish-") as directory:
        path = Path(directory) / f"{name}.parquet"
        spool(rows.to_reader(), path)
        publish_file(location, layer, name, path)


def spool(rows: pa.RecordBatchReader, path: Path) -> None:
    """Write a stream of rows as a Parquet file on this machine; memory holds a batch at a time."""
    schema = _storable(rows.schema)
    with (
        storage_errors(f"table {path.stem}, to be published,"),
        pq.ParquetWriter(path, schema, **_PARQUET) as writer,
    ):
        for batch in rows:
            writer.write_batch(batch.cast(schema))


def spooled(path: Path, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
    """The rows that `spool` has written, or these of their columns, a batch at a time."""
    schema = pa.schema([field for field in pq.read_schema(path) if columns is None or field.name in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_LOCAL_BUFFER_BYTES) as content:
            yield from content.iter_batches(_BATCH_ROWS, columns=schema.names, use_threads=False)

    return pa.RecordBatchReader.from_batches(schema, batches())


def publish_file(location: LakeLocation, layer: str, name: str, path: Path) -> None:
    """Replace `<lake>/<layer>/<name>` by the rows of a Parquet file that `spool` has written."""
    what, url = f"table {layer}/{name}", location.table_url(layer, name)
    file = f"{uuid.uuid4()}.parquet"
    with storage_errors(what):
        size = _copy(path, location, f"{url}/{file}")
        with pq.ParquetFile(path) as content:
            schema, rows = Schema.from_arrow(content.schema_arrow), content.metadata.num_rows
        added = AddAction(file, size, {}, 0, data_change=True, stats=json.dumps({"numRecords": rows}))
        try:
            _commit(location, url, added, schema)
        except DeltaError as error:
            reason = "no space left" if "No space left" in str(error) else "the storage refused it"
            raise StorageError(f"The {what} cannot be written: {reason}.") from None


def read_published(location: LakeLocation, layer: str, name: str) -> pa.Table:
    """All rows of a published table; LakeError if it was never published."""
    rows = scan(_published(location, layer, name)).read_all()
    return rows.cast(_storable(rows.schema))


def published_batches(
    location: LakeLocation, layer: str, name: str, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The rows of a published table in the order they were published in, some thousands at a time.

    They are those that are published now, whatever takes their place while they are read; LakeError if it never was.
    Takes 20 MB less than `read_published`, for which delta-rs starts its query engine.
    """
    uris = _published(location, layer, name).file_uris()
    return _batches(location, uris, list(columns) if columns is not None else None)


def _published(location: LakeLocation, layer: str, name: str) -> DeltaTable:
    try:
        return DeltaTable(location.table_url(layer, name), storage_options=location.storage_options or None)
    except TableNotFoundError:
        raise LakeError(f"{layer}/{name} was not published yet.", remedy="Run `contact-sync run` first.") from None


def _batches(location: LakeLocation, uris: Sequence[str], columns: list[str] | None) -> Iterator[pa.Table]:
    file_system = location.file_system()
    buffer_bytes = _LOCAL_BUFFER_BYTES if location.is_local else _BUFFER_BYTES
    for uri in uris:
        with (
            file_system.open_input_file(location.path(uri)) as file,
            pq.ParquetFile(file, pre_buffer=False, buffer_size=buffer_bytes) as content,
        ):
            for batch in content.iter_batches(_BATCH_ROWS, columns=columns, use_threads=False):
                yield pa.Table.from_batches([batch]).cast(_storable(batch.schema))


def is_published(location: LakeLocation, layer: str, name: str) -> bool:
    """Whether a table was ever published."""
    return DeltaTable.is_deltatable(location.table_url(layer, name), storage_options=location.storage_options or None)


def remove_replaced(location: LakeLocation) -> int:
    """Remove the files of tables that have been replaced long enough; returns how many."""
    file_system, removed = location.file_system(), 0
    for layer in LAYERS:
        folder = arrow_fs.FileSelector(location.path(location.table_url(layer, "")).rstrip("/"), allow_not_found=True)
        for entry in file_system.get_file_info(folder):
            if entry.type == arrow_fs.FileType.Directory and is_published(location, layer, entry.base_name):
                table = DeltaTable(
                    location.table_url(layer, entry.base_name), storage_options=location.storage_options or None
                )
                removed += len(
                    table.vacuum(RETENTION_HOURS, dry_run=False, enforce_retention_duration=False, full=True)
                )
    return removed


def _copy(path: Path, location: LakeLocation, url: str) -> int:
    """Copy a local file into the lake, durably; returns its size."""
    file_system = location.file_system()
    target = location.path(url)
    file_system.create_dir(target.rpartition("/")[0], recursive=True)
    arrow_fs.copy_files(
        str(path), target, source_filesystem=arrow_fs.LocalFileSystem(), destination_filesystem=file_system
    )
    location.make_durable(url)
    return path.stat().st_size


def _commit(location: LakeLocation, url: str, added: AddAction, schema: Schema) -> None:
    """One commit that replaces the table, or makes it."""
    options = location.storage_options or None
    try:
        table = DeltaTable(url, storage_options=options)
    except TableNotFoundError:
        create_table_with_add_actions(
            url, schema, [added], mode="error", partition_by=[], configuration=_CONFIGURATION, storage_options=options
        )
        version = 0
    else:
        table.create_write_transaction([added], "overwrite", schema)
        table.update_incremental()
        version = table.version()
    location.make_durable(f"{url}/_delta_log/{version:020d}.json")


def _storable(schema: pa.Schema) -> pa.Schema:
    """What Delta has a type for and pyarrow can work with: columns of nothing and string views are text, times UTC."""
    return pa.schema([field.with_type(_storable_type(field.type)) for field in schema])


def _storable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_null(kind) or pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz and "UTC")
    return kind
