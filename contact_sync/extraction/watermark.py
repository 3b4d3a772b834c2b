"""How far a reading may be trusted, and so where the next one begins; pure.

Sources are read up to now, but what is saved is held back: by a safety lag, because a source may make a record visible
after later ones, and by what the source itself says is settled. Rows read twice are dropped on arrival. Does not belong
here: storing it.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from contact_sync.connectors.base import Window
from contact_sync.state.batches import Reading


def safe_up_to(window: Window, safety_lag: timedelta) -> datetime:
    """Source time before which a reading of this window has missed nothing."""
    lagged = window.end - safety_lag
    return lagged if window.settled is None else min(lagged, window.settled)


def saved_watermark(current: datetime | None, window: Window | None, safety_lag: timedelta) -> str:
    """The watermark to store with a batch, as JSON; it never moves backwards. None: the batch does not move it."""
    moved = safe_up_to(window, safety_lag) if window is not None else None
    known = [time for time in (current, moved) if time is not None]
    return json.dumps({"time": max(known).isoformat()} if known else {})


def window_start(watermark: datetime | None, reading: Reading) -> datetime | None:
    """Where the next reading begins.

    Empty windows leave no trace in the lake, so the ledger's reading may be further; without a watermark in the lake it
    is not trusted, since the lake may have been emptied.
    """
    if watermark is None or reading.safe_up_to is None:
        return watermark
    return max(watermark, reading.safe_up_to)
