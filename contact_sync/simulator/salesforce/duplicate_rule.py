"""A duplicate rule of contacts, in orgs that have it switched on: who is there already is not saved a second time.

After Salesforce's standard rules, which compare more: here two live contacts must not have one email address and last
name. It stands against inserts and updates alike, and warns only: a client that says `allowSave` in
Sforce-Duplicate-Rule-Header is not asked, which the Bulk API has no way to say.
Does not belong here: unique fields (record_chunk.py), which are compared in every org.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from contact_sync.simulator.salesforce.drafts import Draft
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import RowError

OBJECT = "Contact"
_COMPARED = ("Email", "LastName")
_OTHERS = (
    'select 1 from "Contact" where lower(Email) = lower(?) and lower(LastName) = lower(?) '
    "and Id is not ? and IsDeleted = 0 limit 1"
)


def check_duplicates(connection: sqlite3.Connection, drafts: Sequence[Draft]) -> None:
    """Refuse the rows that would leave a contact beside one that is the same."""
    for draft in drafts:
        email, last_name = _after(connection, draft)
        if draft.error is not None or not email or not last_name:
            continue
        if connection.execute(_OTHERS, (email, last_name, draft.id)).fetchone() is not None:
            draft.error = RowError("DUPLICATES_DETECTED", "Use one of these records?")


def _after(connection: sqlite3.Connection, draft: Draft) -> list[Cell]:
    """What the record would hold after the write."""
    stored: Sequence[Cell] = (None,) * len(_COMPARED)
    if draft.id is not None:
        statement = f'select {", ".join(_COMPARED)} from "Contact" where Id = ?'
        stored = connection.execute(statement, (draft.id,)).fetchone() or stored
    return [draft.values.get(name, value) for name, value in zip(_COMPARED, stored, strict=True)]
