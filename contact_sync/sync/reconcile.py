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
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.catalog import CatalogObject, Entity
from contact_sync.connectors.base import Source, Window
from contact_sync.errors import CountMismatchError
from contact_sync.sync import changes
from contact_sync.sync.plan_table import field_columns, written_fields
from contact_sync.sync.proposal import proposal_of, propose
from contact_sync.warehouse.base import Session

_compute: Any = pc  # its stubs lack functions and overloads
_CLOCK_AHEAD: Final = timedelta(days=1)
"""The target's clock stamps its records: what it holds now counts even if that clock is ahead of ours."""

PLANNED: Final = arrow_values.schema(entity=pa.string(), stage=pa.string(), row_key=pa.string(), value_hash=pa.string())
"""Rows of a plan."""
FINISHED: Final = arrow_values.schema(entity=pa.string(), stage=pa.string(), row_key=pa.string())
"""Those of them that have been applied."""


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


def read_target(source: Source, item: CatalogObject, entity: Entity, now: datetime) -> pa.RecordBatchReader:
    """Every live record of the target object as it is now (`live_rows`), batch by batch.

    CountMismatchError at the end, unless as many arrived as the target declares.
    """
    schema = pa.schema([(name, pa.string()) for name in _live_columns(entity)])
    pages = _counted(source, item, now)
    return pa.RecordBatchReader.from_batches(
        schema, (batch for rows in pages for batch in live_rows(entity, rows).to_batches())
    )


def _counted(source: Source, item: CatalogObject, now: datetime) -> Iterator[pa.Table]:
    """The rows of all pages."""
    count, declared = 0, None
    for page in source.read(item, Window(start=None, end=now + _CLOCK_AHEAD)):
        count += page.rows.num_rows
        declared = declared if page.declared_total is None else page.declared_total
        yield page.rows
    if count != declared:
        raise CountMismatchError(
            f"{item.name}: {count} records arrived, the target declared {declared}.",
            remedy="Run the reconciliation again.",
        )


def reconcile(
    session: Session,
    entity: Entity,
    live: pa.RecordBatchReader,
    refusals: pa.Table,
    *,
    planned: pa.RecordBatchReader,
    finished: pa.RecordBatchReader,
) -> Reconciliation:
    """Compare gold with the target's live records; differences are kept as `activation.difference_<entity>`.

    live: what `read_target` gives. refusals: WriteLedger.refusals. planned: rows of the current plan (PLANNED).
    finished: those of them that wait no more (FINISHED).
    """
    session.replace("activation.target_now", live)
    if twice := session.scalar("select count(*) - count(distinct record_id) from activation.target_now"):
        raise CountMismatchError(
            f"{entity.target.object}: {twice} records arrived twice.", remedy="Run the reconciliation again."
        )
    session.replace("pipeline.refused_write", refusals)
    session.replace("activation.planned", planned)
    session.replace("activation.finished", finished)
    records = changes.live_records(entity, "activation.target_now")
    propose(session, entity, records)
    table = f"activation.difference_{entity.name}"
    session.create(table, _explained(entity))
    counted = session.query(f"select explanation, count(*) as row_count from {table} group by 1 order by 1").to_pylist()  # noqa: S608 -- catalog
    target_records, stamped = _target_counts(session, records)
    for read in ("target_now", "planned", "finished"):
        session.execute(f"drop table activation.{read}")
    return Reconciliation(
        entity=entity.name,
        golden_records=session.scalar(f"select count(*) from gold.{entity.name}"),  # noqa: S608 -- catalog
        target_records=target_records,
        stamped_records=stamped,
        differences={row["explanation"]: row["row_count"] for row in counted},
    )


def _explained(entity: Entity) -> str:
    """Query of every difference with its explanation."""
    fields = ", ".join(f"proposal.{name}" for name in field_columns([entity]))
    return f"""
        with waiting as (
            select planned.*
            from activation.planned as planned
            left join activation.finished as finished on finished.entity = planned.entity
                and finished.stage = planned.stage and finished.row_key = planned.row_key
            where finished.row_key is null
        )

        select
            proposal.entity, proposal.stage, proposal.golden_key, proposal.record_id, {fields},
            case
                when proposal.hold_reason is not null then proposal.hold_reason
                when waiting.row_key is not null then 'waits in the current plan'
                else 'unexplained'
            end as explanation
        from {proposal_of(entity)} as proposal
        left join waiting on waiting.entity = proposal.entity and waiting.stage = proposal.stage
            and waiting.row_key = proposal.row_key and waiting.value_hash = proposal.value_hash
    """  # noqa: S608 -- names come from the validated catalog


def live_rows(entity: Entity, live: pa.Table) -> pa.Table:
    """Records that exist in the target, with the columns of gold: a difference of form is no difference."""
    existing = live.filter(_compute.equal(_compute.utf8_lower(live.column("IsDeleted")), "false"))
    as_sent = ("record_id", "created_at")
    columns = {
        name: existing.column(field) if name in as_sent else _as_silver_has_it(existing.column(field))
        for name, field in _live_columns(entity).items()
    }
    return pa.table([column.cast(pa.string()) for column in columns.values()], names=list(columns))


def _live_columns(entity: Entity) -> dict[str, str]:
    """Column of `live_rows` -> the field of the target."""
    own = {"record_id": "Id", "external_id": entity.target.external_id, "created_at": "CreatedDate"}
    return own | written_fields(entity)


def _as_silver_has_it(column: pa.ChunkedArray[Any]) -> Any:
    """Text in the form that dbt's `as_text` gives it."""
    text = _compute.utf8_trim(_compute.utf8_normalize(column.cast(pa.string()), form="NFC"), characters=" \t\r\n")
    return _compute.if_else(_compute.equal(text, ""), pa.scalar(None, pa.string()), text)


def _target_counts(session: Session, records: str) -> tuple[int, int]:
    row = session.query(
        f"select count(*) as record_count, count(external_id) as stamped from ({records}) as records"  # noqa: S608 -- catalog
    ).to_pylist()[0]
    return row["record_count"], row["stamped"]
