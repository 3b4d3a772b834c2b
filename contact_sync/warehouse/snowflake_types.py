"""Arrow types as Snowflake has them, both ways; pure.

Rows go in with times as text in ISO 8601 and, because Snowflake cannot compose Unicode, with text in NFC; what comes
out gets the types that Snowflake declares, whatever the connector chose to carry them in. Does not belong here: SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.sql_text import sql_name

_FIXED, _REAL, _TEXT, _DATE, _BOOLEAN, _TIME = 0, 1, 2, 3, 13, 12
_TIMESTAMPS: Final = (4, 6, 7)
_TIMESTAMP_WITHOUT_ZONE: Final = 8
_MOMENT: Final = pa.timestamp("us", tz="UTC")
_compute: Any = pc  # its stubs lack these functions


def to_snowflake(rows: pa.Table) -> pa.Table:
    """Rows as they are written for COPY."""
    columns = [_outgoing(column) for column in rows.columns]
    return pa.table(columns, names=rows.column_names)


def declared_schema(description: Sequence[Any]) -> pa.Schema:
    """Names and types of described columns; names that are upper case were written without quotes."""
    names = [name.lower() if name == name.upper() else name for name in (column.name for column in description)]
    return pa.schema([pa.field(name, _declared(column)) for name, column in zip(names, description, strict=True)])


def typed(rows: pa.Table, description: Sequence[Any]) -> pa.Table:
    """Rows in the types of a description, whatever they were carried in."""
    schema = declared_schema(description)
    columns = [column.cast(field.type) for column, field in zip(rows.columns, schema, strict=True)]
    return pa.table(columns, schema=schema)


def carried(column: Any) -> str:
    """The expression that reads a described column: a time as its microseconds since 1970 in UTC."""
    name = sql_name(column.name)
    is_time = column.type_code in (*_TIMESTAMPS, _TIMESTAMP_WITHOUT_ZONE)
    return f"date_part(epoch_microsecond, {name}) as {name}" if is_time else name


def _outgoing(column: pa.ChunkedArray[Any]) -> Any:
    if pa.types.is_timestamp(column.type):
        return _moments(column) if column.type.tz else column.cast(pa.timestamp("us")).cast(pa.string())
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _compute.utf8_normalize(column.cast(pa.string()), form="NFC")
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _moments(column: pa.ChunkedArray[Any]) -> Any:
    text = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us")).cast(pa.string())
    return _compute.binary_join_element_wise(text, "+00:00", "")


def _declared(column: Any) -> pa.DataType:
    kinds: dict[int, pa.DataType] = {
        _REAL: pa.float64(),
        _TEXT: pa.string(),
        _DATE: pa.date32(),
        _BOOLEAN: pa.bool_(),
        _TIME: pa.time64("us"),
    }
    if column.type_code == _FIXED:
        return pa.decimal128(column.precision, column.scale) if column.scale else pa.int64()
    if column.type_code in _TIMESTAMPS:
        return _MOMENT
    if column.type_code == _TIMESTAMP_WITHOUT_ZONE:
        return pa.timestamp("us")
    return kinds.get(column.type_code, pa.string())
