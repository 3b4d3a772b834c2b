"""Which key stands for each key ever given, carried forward over the changes of one resolution; pure, in SQL.

Does not belong here: finding it out from all that the ledger knows (restore.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from contact_sync.identity.arrow_sql import query_over
from contact_sync.identity.assign import Assignment

CURRENT_KEY_SCHEMA: Final = pa.schema(
    [("key", pa.string()), ("current_key", pa.string()), ("anchor_record_key", pa.string())]
)

_CARRIED: Final = """
    with renamed as (
        select
            before.key,
            coalesce(back.current_key, superseded.superseded_by, before.current_key) as current_key
        from before
        left join back on back.key = before.key
        left join superseded on superseded.key = before.current_key
        union all
        select key, key as current_key from created
    ),

    anchor as (
        select key, anchor_record_key from before where key = current_key
        union
        select key, anchor_record_key from changed
    )

    select renamed.key, renamed.current_key, anchor.anchor_record_key
    from renamed
    inner join anchor on anchor.key = renamed.current_key
"""


def carried_forward(before: pa.Table, assignment: Assignment, back: Mapping[str, str]) -> pa.Table:
    """CURRENT_KEY_SCHEMA after an assignment. before: the same before it.

    back: reinstated keys, and all that had been superseded by them, with the reinstated one.
    """
    if 0 == assignment.created.num_rows == assignment.superseded.num_rows == assignment.reinstated.num_rows:
        return before
    tables = {
        "before": before,
        "back": pa.table(
            {"key": pa.array(back.keys(), pa.string()), "current_key": pa.array(back.values(), pa.string())}
        ),
        "superseded": assignment.superseded,
        "created": assignment.created,
        "changed": assignment.keys.select(["key", "anchor_record_key"]),
    }
    return query_over(tables, _CARRIED).cast(CURRENT_KEY_SCHEMA)
