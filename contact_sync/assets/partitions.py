"""The one daily partition definition that all bronze assets share, and what a run's partitions mean in days.

Bounded, because each partition of each asset costs event log for ever; older days are read by the command line.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from contact_sync.extraction.select import Days

_FORMAT = "%Y-%m-%d"


def daily_partitions(days: int) -> dg.DailyPartitionsDefinition:
    """The last `days` days, today included; the first stands for everything earlier."""
    first = datetime.now(UTC).date() - timedelta(days=days - 1)
    return dg.DailyPartitionsDefinition(start_date=first.strftime(_FORMAT), fmt=_FORMAT, timezone="UTC", end_offset=1)


def days_of_run(context: dg.AssetExecutionContext, partitions: dg.DailyPartitionsDefinition) -> Days | None:
    """The days a run was launched for; None for a run without partitions."""
    if not context.has_partition_key_range and not context.has_partition_key:
        return None
    keys = context.partition_key_range
    first = date.fromisoformat(keys.start)
    start = partitions.start.date()
    return Days(first=first, last=date.fromisoformat(keys.end), is_first_partition=first == start)


def days_since(read_up_to: datetime | None, partition_days: int) -> dict[str, str]:
    """Run tags for the days from the last reading to today as one run; never read: all days, as it reads them all."""
    now = datetime.now(UTC).date()
    oldest = now - timedelta(days=partition_days - 1)
    first = max(read_up_to.astimezone(UTC).date(), oldest) if read_up_to is not None else oldest
    return {
        ASSET_PARTITION_RANGE_START_TAG: first.strftime(_FORMAT),
        ASSET_PARTITION_RANGE_END_TAG: now.strftime(_FORMAT),
    }
