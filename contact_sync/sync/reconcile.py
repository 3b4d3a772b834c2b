"""Proves that both sides agree: reads the target as it is now, compares it with gold, and explains every difference.

A difference is what a plan made from this very moment would write. It is explained when the plan holds it for a stated
reason (a refusal, a missing field, a possible duplicate) or when it waits in the current plan; everything else is
unexplained and fails the check. Does not belong here: writing anything to a target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from contact_sync.catalog import CatalogObject, Entity
from contact_sync.connectors.base import Source, Window
from contact_sync.errors import CountMismatchError
from contact_sync.sync import changes
from contact_sync.sync.proposal import propose
from contact_sync.warehouse.base import Session

_CLOCK_AHEAD: Final = timedelta(days=1)
"""The target's clock stamps its records: what it holds now counts even if that clock is ahead of ours."""

_EXPLAINED: Final = """
    select
        proposal.entity, proposal.stage, proposal.golden_key, proposal.record_id, proposal.before, proposal.after,
        case
            when proposal.hold_reason is not null then proposal.hold_reason
            when waiting.plan_row_id is not null then 'waits in the current plan'
            else 'unexplained'
        end as explanation
    from proposal
    left join activation.waiting as waiting on waiting.entity = proposal.entity and waiting.stage = proposal.stage
        and waiting.row_key = proposal.row_key and waiting.value_hash = proposal.value_hash
"""


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """One entity's comparison. differences: explanation -> how many; target_records: live records read just now."""

    entity: str
    golden_records: int
    target_records: int
    stamped_records: int
    differences: dict[str, int]

    @property
    def unexplained(self) -> int:
        """Differences that nothing accounts for."""
        return self.differences.get("unexplained", 0)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**vars(self), "unexplained": self.unexplained}


def read_target(source: Source, item: CatalogObject, now: datetime) -> pa.Table:
    """Every record of the target object as it is now, counted against what the target declares."""
    pages = list(_pages(source, item, now))
    rows = pa.concat_tables([page for page, _ in pages])
    declared = next((total for _, total in reversed(pages) if total is not None), None)
    if rows.num_rows != declared:
        raise CountMismatchError(
            f"{item.name}: {rows.num_rows} records arrived, the target declared {declared}.",
            remedy="Run the reconciliation again.",
        )
    return rows


def reconcile(
    session: Session, entity: Entity, live: pa.Table, refusals: pa.Table, waiting: pa.Table
) -> Reconciliation:
    """Compare gold with the target's live records; differences are kept as `activation.difference_<entity>`.

    refusals: WriteLedger.refusals. waiting: rows of the current plan that have not been applied.
    """
    session.replace("activation.target_now", live)
    session.replace("pipeline.refused_write", refusals)
    session.replace("activation.waiting", waiting)
    records = changes.live_records(entity, "activation.target_now")
    propose(session, entity, records)
    table = f"activation.difference_{entity.name}"
    session.execute(f"create or replace table {table} as {_EXPLAINED}")
    counted = session.query(f"select explanation, count(*) as rows from {table} group by 1 order by 1").to_pylist()  # noqa: S608 -- catalog
    target_records, stamped = _target_counts(session, records)
    session.execute("drop table activation.target_now")
    return Reconciliation(
        entity=entity.name,
        golden_records=session.scalar(f"select count(*) from gold.{entity.name}"),  # noqa: S608 -- catalog
        target_records=target_records,
        stamped_records=stamped,
        differences={row["explanation"]: row["rows"] for row in counted},
    )


def _target_counts(session: Session, records: str) -> tuple[int, int]:
    row = session.query(
        f"select count(*) as records, count(external_id) as stamped from ({records})"  # noqa: S608 -- catalog
    ).to_pylist()[0]
    return row["records"], row["stamped"]


def _pages(source: Source, item: CatalogObject, now: datetime) -> Iterator[tuple[pa.Table, int | None]]:
    for page in source.read(item, Window(start=None, end=now + _CLOCK_AHEAD)):
        yield page.rows, page.declared_total
