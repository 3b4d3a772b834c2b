"""SOQL: text to a tree (parser), a tree to SQL for the store (compiler)."""

from __future__ import annotations

from contact_sync.simulator.salesforce.soql.compiler import Column, Statement, compile_query
from contact_sync.simulator.salesforce.soql.parser import parse
from contact_sync.simulator.salesforce.soql.syntax import Query

__all__ = ["Column", "Query", "Statement", "compile_query", "parse"]
