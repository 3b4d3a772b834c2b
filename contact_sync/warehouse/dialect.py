"""What the statements of Python say differently to each engine: a few expressions, no more.

Models have macros for that (dbt_project/macros/engine.sql). Does not belong here: whole statements, or running them.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from contact_sync.sql_text import sql_name


class Dialect:
    """SQL as DuckDB has it; the others say where they differ."""

    def column(self, name: str) -> str:
        """A column's name in a statement, whatever characters and upper case it has."""
        return sql_name(name)

    def declared(self, schema: pa.Schema) -> str:
        """The columns of a table that is to hold rows of an Arrow schema."""
        return ", ".join(f"{self.column(field.name)} {_column_type(field.type)}" for field in schema)

    def in_byte_order(self, text: str) -> str:
        """A text expression to sort by, in the order of its bytes."""
        return text

    def engine_version(self) -> str:
        """The version of the engine, with which the meaning of its functions of text may change."""
        return "version()"

    def number_of(self, text: str) -> str:
        """A number of 64 bits that stands for a text; two texts hardly ever have the same."""
        return f"hash({text})"

    def fingerprint(self, columns: Sequence[str]) -> str:
        """Aggregate that stands for the values of text columns in all rows, whatever their order."""
        return f"cast(count(*) as varchar) || '/' || cast(coalesce(sum(hash({', '.join(columns)})), 0) as varchar)"


class PostgresDialect(Dialect):
    """PostgreSQL, whose order of text depends on the locale of the database."""

    def in_byte_order(self, text: str) -> str:
        """A text expression to sort by, in the order of its bytes."""
        return f'{text} collate "C"'

    def number_of(self, text: str) -> str:
        """A number of 64 bits that stands for a text."""
        return f"hashtextextended({text}, 0)"

    def fingerprint(self, columns: Sequence[str]) -> str:
        """Aggregate that stands for the values of text columns in all rows, whatever their order."""
        values = " || '|' || ".join(f"coalesce({column}, '')" for column in columns)
        return f"cast(count(*) as text) || '/' || cast(coalesce(sum({self.number_of(values)}), 0) as text)"


class SnowflakeDialect(Dialect):
    """Snowflake, which folds names to upper case: a name in lower case is one without quotes."""

    def column(self, name: str) -> str:
        """A column's name in a statement."""
        return super().column(name.upper() if name == name.lower() else name)

    def engine_version(self) -> str:
        """The version of the engine, with which the meaning of its functions of text may change."""
        return "current_version()"


def _column_type(kind: pa.DataType) -> str:
    """The SQL type that holds Arrow values of a type, in words that every engine has."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    if pa.types.is_integer(kind):
        return "bigint"
    if pa.types.is_floating(kind):
        return "double precision"
    if pa.types.is_timestamp(kind):
        return f"timestamp {'with' if kind.tz else 'without'} time zone"
    if pa.types.is_date(kind):
        return "date"
    return "boolean" if pa.types.is_boolean(kind) else "varchar"
