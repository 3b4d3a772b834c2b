"""A seeded population: people and companies, and what each system knows about them."""

from __future__ import annotations

from contact_sync.simulator.population.generate import Population, generate

__all__ = ["Population", "generate"]
