"""What an event leaves behind for whoever watches: its name, when it was, and the records it touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened; `records` are record keys, or the key of a dropped file."""

    name: str
    at: datetime
    records: tuple[str, ...]
