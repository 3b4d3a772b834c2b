"""What is moved and by which rules, as validated YAML. How it moves is not said here."""

from __future__ import annotations

from contact_sync.catalog.contracts import Contract, Rule, RuleKind, Severity, load_contracts
from contact_sync.catalog.load import load_catalog
from contact_sync.catalog.model import Catalog, CatalogObject, Entity, GoldenField, Mode, Wildcard

__all__ = [
    "Catalog",
    "CatalogObject",
    "Contract",
    "Entity",
    "GoldenField",
    "Mode",
    "Rule",
    "RuleKind",
    "Severity",
    "Wildcard",
    "load_catalog",
    "load_contracts",
]
