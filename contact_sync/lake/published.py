"""Tables for readers: gold, plans and differences as Delta tables, so that nobody has to open the warehouse.

Each publication replaces the table in one commit; readers see the old one or the new one. Does not belong here: bronze.
"""

from __future__ import annotations

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from contact_sync.errors import LakeError, StorageError
from contact_sync.lake.location import LakeLocation, storage_errors
from contact_sync.lake.scan import scan


def publish(location: LakeLocation, layer: str, name: str, rows: pa.Table) -> None:
    """Replace `<lake>/<layer>/<name>` by these rows."""
    what = f"table {layer}/{name}"
    with storage_errors(what):
        try:
            write_deltalake(
                location.table_url(layer, name),
                _without_null_columns(rows),
                mode="overwrite",
                schema_mode="overwrite",
                # No statistics: they would put personal data into the log.
                configuration={"delta.dataSkippingNumIndexedCols": "0"},
                storage_options=location.storage_options or None,
            )
        except DeltaError as error:
            reason = "no space left" if "No space left" in str(error) else "the storage refused it"
            raise StorageError(f"The {what} cannot be written: {reason}.") from None


def read_published(location: LakeLocation, layer: str, name: str) -> pa.Table:
    """All rows of a published table; LakeError if it was never published."""
    try:
        table = DeltaTable(location.table_url(layer, name), storage_options=location.storage_options or None)
    except TableNotFoundError:
        raise LakeError(f"{layer}/{name} was not published yet.", remedy="Run `contact-sync run` first.") from None
    return _without_views(scan(table).read_all())


def is_published(location: LakeLocation, layer: str, name: str) -> bool:
    """Whether a table was ever published."""
    return DeltaTable.is_deltatable(location.table_url(layer, name), storage_options=location.storage_options or None)


def _without_views(rows: pa.Table) -> pa.Table:
    """The reader gives string views, which few functions of pyarrow take."""
    fields = [field.with_type(pa.string()) if pa.types.is_string_view(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))


def _without_null_columns(rows: pa.Table) -> pa.Table:
    """Delta has no null type: a column of which nothing is known is text."""
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in rows.schema]
    return rows.cast(pa.schema(fields))
