"""Examines an org: asks for the description of each object that is wanted, and for what is missing in it.

Does not belong here: what follows from the answers (needs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.examination import Finding, Need
from contact_sync.connectors.salesforce.access import ObjectAccess, access_of
from contact_sync.connectors.salesforce.composite import Question, ask_all, ask_one
from contact_sync.connectors.salesforce.describe import describe_path
from contact_sync.connectors.salesforce.http import SalesforceClient
from contact_sync.connectors.salesforce.needs import feature_notes, findings, missing_fields
from contact_sync.errors import RequestRefusedError, UnknownObjectError

Hidden: TypeAlias = Callable[[CatalogObject, Collection[str]], frozenset[str]]
"""Which of these fields of an object exist though they are not described."""


def examine(client: SalesforceClient, hidden: Hidden, needs: Sequence[Need]) -> tuple[Finding, ...]:
    """What stands against each need, and what the org has switched on.

    It costs one call for each 25 objects, and one for each object that lacks fields.
    """
    found: list[Finding] = []
    seen: list[ObjectAccess] = []
    for need, access in zip(needs, _accesses(client, needs), strict=True):
        missing = missing_fields(need, access) if access is not None else frozenset()
        found += findings(need, access, hidden(need.item, missing) if missing else frozenset())
        if access is not None:
            seen.append(access)
    return (*found, *feature_notes(seen))


def _accesses(client: SalesforceClient, needs: Sequence[Need]) -> list[ObjectAccess | None]:
    """Our user's access to each object; None if the org does not show it."""
    questions = [Question(path=describe_path(need.item.object)) for need in needs]
    try:
        answers = ask_all(client, questions)
        return [access_of(one.document) if one.is_found else None for one in answers]
    except (RequestRefusedError, UnknownObjectError):
        # An org without the composite resource answers every question on its own.
        answers = (ask_one(client, one, subject=need.item.object) for need, one in zip(needs, questions, strict=True))
        return [access_of(one.document) if one.is_found else None for one in answers]
