"""What an extraction has to say about itself: counts that must add up, never values.

Does not belong here: how it is shown.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class ExtractionReport:
    """One extraction: rows read = rows new + rows already in bronze + rows refused, and rows read = declared rows.

    rows_checked: records whose keys or calculated fields were compared with bronze, besides. rows_deleted: those of
    the new rows that are evidence of a deletion found that way. schema: `added`, `removed`, `hidden`, `retyped` ->
    names of fields.
    """

    object_name: str
    instance: str
    batch_id: str
    purpose: str
    seconds: float
    peak_rss_mb: int
    watermark: datetime | None
    rows_read: int = 0
    rows_new: int = 0
    rows_known: int = 0
    declared_rows: int = 0
    rows_checked: int = 0
    rows_deleted: int = 0
    pages: int = 0
    bytes: int = 0
    sequence: int | None = None
    is_resumed: bool = False
    refused_files: tuple[str, ...] = ()
    schema: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values, times as ISO 8601 text; `rows` is what was read, whether it was new or not."""
        values = {**asdict(self), "rows": self.rows_read}
        values["watermark"] = self.watermark.isoformat() if self.watermark else None
        values["refused_files"] = list(self.refused_files)
        values["schema"] = {kind: list(names) for kind, names in self.schema.items()}
        return values


def peak_rss_mb() -> int:
    """The process's peak resident memory in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024) if sys.platform == "darwin" else peak // 1024


_COUNTS: Final = (
    "rows_read",
    "rows_new",
    "rows_known",
    "declared_rows",
    "rows_checked",
    "rows_deleted",
    "pages",
    "bytes",
)


def combined(reports: Sequence[ExtractionReport], *, main: ExtractionReport) -> ExtractionReport:
    """Several batches of one object and instance as one report: counts add up, `main` names batch and purpose."""
    sequences = [report.sequence for report in reports if report.sequence is not None]
    return replace(
        main,
        **{name: sum(getattr(report, name) for report in reports) for name in _COUNTS},
        seconds=round(sum(report.seconds for report in reports), 3),
        peak_rss_mb=reports[-1].peak_rss_mb,
        watermark=reports[-1].watermark,
        sequence=max(sequences, default=None),
        is_resumed=any(report.is_resumed for report in reports),
        refused_files=tuple(file for report in reports for file in report.refused_files),
    )
