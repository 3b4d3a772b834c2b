"""How many values silver refuses, and why; never the values.

Does not belong here: refusing them (dbt_project/macros/rejection.sql), or showing the counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contact_sync.warehouse.base import Session


def refused_values(session: Session) -> tuple[Mapping[str, Any], ...]:
    """`object_name`, `field`, `rule` and `value_count`, most values first; nothing before silver was built."""
    if not session.exists("silver.rejected_value"):
        return ()
    counts = session.query(
        "select object_name, field, rule, count(*) as value_count from silver.rejected_value "
        "group by object_name, field, rule order by count(*) desc, object_name, field, rule"
    )
    return tuple(counts.to_pylist())
