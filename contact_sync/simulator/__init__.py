"""Simulators that speak the real protocols of Salesforce, PostgreSQL and S3 over one seeded, living population."""

from __future__ import annotations

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.world import Credentials, World

__all__ = ["Credentials", "SimulatorError", "World"]
