"""The columns of bronze tables in PostgreSQL: text as it was sent, and lineage with its types.

Does not belong here: rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from contact_sync.errors import LakeError
from contact_sync.lake.bronze import LINEAGE, PARTITION_COLUMNS
from contact_sync.lake.database import Transaction
from contact_sync.sql_text import sql_name, sql_text

LONGEST_NAME: Final = 63
"""Bytes of an identifier; PostgreSQL would cut a longer one without a word."""
MOST_COLUMNS: Final = 1_600
_TYPES: Final = {"int64": "bigint", "timestamp[us, tz=UTC]": "timestamptz", "date32[day]": "date", "bool": "boolean"}


def ensure_table(
    transaction: Transaction,
    schema: str,
    table: str,
    columns: Sequence[str],
    *,
    more: Sequence[str] = (),
    kind: str = "",
) -> bool:
    """Make a table with at least these columns, lineage and partition columns, and `more`; whether it is new.

    kind: `unlogged`, or nothing. Raises LakeError naming what PostgreSQL has no room for.
    """
    wanted = list(dict.fromkeys([*columns, *LINEAGE.names, *PARTITION_COLUMNS, *more]))
    _raise_if_impossible(table, wanted)
    relation = f"{schema}.{sql_name(table)}"
    found = transaction.rows(
        f"select attname::text as name from pg_attribute where attrelid = to_regclass({sql_text(relation)}) "  # noqa: S608 -- quoted
        "and attnum > 0 and not attisdropped",
    )
    known = {row["name"] for row in found}
    if not known:
        declared = ", ".join(f"{sql_name(one)} {_type(one)}" for one in wanted)
        transaction.execute(f"create {kind} table if not exists {relation} ({declared})")
        return True
    _raise_if_impossible(table, [*known, *(one for one in wanted if one not in known)])
    added = ", ".join(f"add column if not exists {sql_name(one)} {_type(one)}" for one in wanted if one not in known)
    if added:
        transaction.execute(f"alter table {relation} {added}")
    return False


def _raise_if_impossible(table: str, columns: Sequence[str]) -> None:
    long = [one for one in (table, *columns) if len(one.encode()) > LONGEST_NAME]
    if long:
        raise LakeError(
            f"{table}: {', '.join(long[:5])}: PostgreSQL has no names of more than {LONGEST_NAME} bytes.",
            remedy="Leave the fields out with the object's `columns`, or keep bronze in Delta Lake.",
        )
    if len(columns) > MOST_COLUMNS:
        raise LakeError(
            f"{table} has {len(columns)} columns, lineage included; a table of PostgreSQL can have {MOST_COLUMNS}.",
            remedy="Leave fields out with the object's `columns`, or keep bronze in Delta Lake.",
        )


def _type(column: str) -> str:
    kind = LINEAGE.field(column).type if column in LINEAGE.names else pa.string()
    return _TYPES.get(str(kind), "text")
