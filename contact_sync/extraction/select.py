"""Decides what one extraction reads; pure.

Does not belong here: reading it, or asking a source anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from contact_sync.connectors.base import Columns, Files, Records, Selection, Window
from contact_sync.errors import SettingsError

REFRESH = "refresh"
BACKFILL = "backfill"
UPKEEP = "upkeep"


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


def plan_window(
    *, days: Days | None, watermark: datetime | None, now: datetime, settled: datetime | None = None
) -> Plan:
    """Refresh from the watermark up to now, or re-read days.

    Without days, or with just today, the reading continues where the last one stopped, however long ago that was; the
    very first one reads everything. Days that reach back are a backfill and never move the watermark, unless they start
    at or before it and reach up to now. What the source says is settled is read even if this machine's clock is behind.
    """
    end = max(now, settled) if settled is not None else now
    refresh = Plan(purpose=REFRESH, window=Window(start=watermark, end=end, settled=settled))
    if days is None or (days.first == days.last == now.date()):
        return refresh
    window = days.window(now)
    if window.start is not None and window.start >= window.end:
        raise SettingsError(f"The days {days.first} to {days.last} are in the future.", remedy="Choose earlier ones.")
    reaches_now = window.end == now
    continues = window.start is None or (watermark is not None and window.start <= watermark)
    if not (reaches_now and continues):
        return Plan(purpose=BACKFILL, window=window)
    return Plan(purpose=REFRESH, window=replace(refresh.window, start=window.start))


def unseen(listed: Mapping[str, str], seen: set[str]) -> Files:
    """The file versions that were neither published nor refused; a version is `key@etag`."""
    return Files(versions={key: etag for key, etag in listed.items() if f"{key}@{etag}" not in seen})


def to_json(selection: Selection) -> dict[str, Any]:
    """A selection as JSON, for the ledger."""
    match selection:
        case Files():
            return {"files": dict(selection.versions)}
        case Columns():
            return {"columns": list(selection.names)}
        case Records():
            return {"records": len(selection.keys)}
        case Window():
            times = {"start": selection.start, "end": selection.end, "settled": selection.settled}
            return {"window": {name: time.isoformat() if time else None for name, time in times.items()}}


def from_json(value: Mapping[str, Any]) -> Window | Files:
    """The inverse of `to_json` for the selections whose reading can be resumed."""
    if "files" in value:
        return Files(versions=value["files"])
    start, end, settled = (_time(value["window"].get(name)) for name in ("start", "end", "settled"))
    if end is None:
        message = "a window has an end"
        raise ValueError(message)
    return Window(start=start, end=end, settled=settled)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
