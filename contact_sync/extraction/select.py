"""Decides what one extraction reads; pure.

Does not belong here: reading it, or asking a source anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from contact_sync.connectors.base import Files, Selection, Window
from contact_sync.errors import SettingsError

REFRESH = "refresh"
BACKFILL = "backfill"


@dataclass(frozen=True, kw_only=True)
class Days:
    """Daily partitions `first` to `last`, both included; `is_first_partition`: also everything earlier."""

    first: date
    last: date
    is_first_partition: bool = False

    def window(self, now: datetime) -> Window:
        """The window of source times these days stand for, never beyond now."""
        start = None if self.is_first_partition else datetime.combine(self.first, time.min, tzinfo=UTC)
        end = datetime.combine(self.last + timedelta(days=1), time.min, tzinfo=UTC)
        return Window(start=start, end=min(end, now))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A window to read and whether it continues the watermark (then the watermark moves when it is published)."""

    purpose: str
    window: Window


def plan_window(*, days: Days | None, watermark: datetime | None, now: datetime) -> Plan:
    """Refresh from the watermark up to now, or re-read days.

    Without days, or with just today, the reading continues where the last one stopped, however long ago that was; the
    very first one reads everything. Days that reach back are a backfill and never move the watermark, unless they start
    at or before it and reach up to now.
    """
    refresh = Plan(purpose=REFRESH, window=Window(start=watermark, end=now))
    if days is None or (days.first == days.last == now.date()):
        return refresh
    window = days.window(now)
    if window.start is not None and window.start >= window.end:
        raise SettingsError(f"The days {days.first} to {days.last} are in the future.", remedy="Choose earlier ones.")
    reaches_now = window.end == now
    continues = window.start is None or (watermark is not None and window.start <= watermark)
    return Plan(purpose=REFRESH if reaches_now and continues else BACKFILL, window=window)


def unseen(listed: Mapping[str, str], seen: set[str]) -> Files:
    """The file versions that were neither published nor refused; a version is `key@etag`."""
    return Files(versions={key: etag for key, etag in listed.items() if f"{key}@{etag}" not in seen})


def to_json(selection: Selection) -> dict[str, Any]:
    """A selection as JSON, for the ledger."""
    if isinstance(selection, Files):
        return {"files": dict(selection.versions)}
    start = selection.start.isoformat() if selection.start else None
    return {"window": {"start": start, "end": selection.end.isoformat()}}


def from_json(value: Mapping[str, Any]) -> Selection:
    """The inverse of `to_json`."""
    if "files" in value:
        return Files(versions=value["files"])
    window = value["window"]
    start = datetime.fromisoformat(window["start"]) if window["start"] else None
    return Window(start=start, end=datetime.fromisoformat(window["end"]))
