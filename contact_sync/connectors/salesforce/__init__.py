"""Salesforce orgs: read by REST and Bulk API 2.0, written by Bulk API 2.0."""

from __future__ import annotations

from contact_sync.connectors.salesforce.http import SalesforceClient
from contact_sync.connectors.salesforce.router import SalesforceSource
from contact_sync.connectors.salesforce.writer import SalesforceTarget

__all__ = ["SalesforceClient", "SalesforceSource", "SalesforceTarget"]
