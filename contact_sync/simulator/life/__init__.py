"""The population lives: events by name or by chance, in every system."""

from __future__ import annotations

from contact_sync.simulator.life.happening import Happening
from contact_sync.simulator.life.life import Life

__all__ = ["Happening", "Life"]
