"""What an extraction has to say about itself: counts that must add up, never values.

Does not belong here: how it is shown.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ExtractionReport:
    """One extraction: rows read = rows new + rows already in bronze + rows refused, and rows read = declared rows."""

    object_name: str
    instance: str
    batch_id: str
    purpose: str
    rows_read: int
    rows_new: int
    rows_known: int
    declared_rows: int
    pages: int
    bytes: int
    seconds: float
    peak_rss_mb: int
    watermark: datetime | None
    sequence: int | None
    is_resumed: bool
    refused_files: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, times as ISO 8601 text; `rows` is what was read, whether it was new or not."""
        values = {**asdict(self), "rows": self.rows_read}
        values["watermark"] = self.watermark.isoformat() if self.watermark else None
        values["refused_files"] = list(self.refused_files)
        return values


def peak_rss_mb() -> int:
    """The process's peak resident memory in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024) if sys.platform == "darwin" else peak // 1024


def combined(reports: Sequence[ExtractionReport]) -> ExtractionReport:
    """Several batches of one object and instance as one report: counts add up, the last one names the position."""
    last = reports[-1]
    return replace(
        last,
        rows_read=sum(report.rows_read for report in reports),
        rows_new=sum(report.rows_new for report in reports),
        rows_known=sum(report.rows_known for report in reports),
        declared_rows=sum(report.declared_rows for report in reports),
        pages=sum(report.pages for report in reports),
        bytes=sum(report.bytes for report in reports),
        seconds=round(sum(report.seconds for report in reports), 3),
        sequence=max((report.sequence for report in reports if report.sequence is not None), default=None),
        is_resumed=any(report.is_resumed for report in reports),
        refused_files=tuple(file for report in reports for file in report.refused_files),
    )
