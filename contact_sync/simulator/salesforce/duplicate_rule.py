"""A duplicate rule of contacts, in orgs that have it switched on: who is there already is not saved a second time.

After Salesforce's standard rules, which compare more: here two live contacts must not have one email address and last
name. It stands against inserts and updates alike, and warns only: a client that says `allowSave` in
Sforce-Duplicate-Rule-Header is not asked, which the Bulk API has no way to say.
Does not belong here: unique fields (record_chunk.py), which are compared in every org.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from contact_sync.simulator.salesforce.drafts import Draft
from contact_sync.simulator.salesforce.store import Cell
from contact_sync.simulator.salesforce.values import RowError

OBJECT = "Contact"
MESSAGE = "Use one of these records?"
_COMPARED = ("Email", "LastName")
_MOST_TOLD = 5
_OTHERS = (
    'select Id from "Contact" where lower(Email) = lower(?) and lower(LastName) = lower(?) '
    "and Id is not ? and IsDeleted = 0 order by Id limit ?"
)


def check_duplicates(connection: sqlite3.Connection, drafts: Sequence[Draft]) -> None:
    """Refuse the rows that would leave a contact beside one that is the same."""
    for draft in drafts:
        email, last_name = _after(connection, draft)
        if draft.error is not None or not email or not last_name:
            continue
        found = connection.execute(_OTHERS, (email, last_name, draft.id, _MOST_TOLD)).fetchall()
        if found:
            others = tuple(record_id for (record_id,) in found)
            draft.error = RowError("DUPLICATES_DETECTED", MESSAGE, duplicates=others)


def duplicate_result(call_base: str, error: RowError) -> dict[str, Any]:
    """What REST tells of the records that a refused one would repeat.

    The key is spelled as orgs spell it that others have seen (API versions 48 to 52).
    """
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": OBJECT, "url": f"{call_base}/sobjects/{OBJECT}/{one}"}, "Id": one},
        }
        for one in error.duplicates
    ]
    rules = {
        "entityType": OBJECT,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": records,
        "rule": "Same_Email_And_Last_Name",
        "size": len(records),
        "success": True,
    }
    return {
        "duplicateResut": {
            "allowSave": True,
            "duplicateRule": "Same_Contact",
            "duplicateRuleEntityType": OBJECT,
            "errorMessage": error.message,
            "matchResults": [rules],
        }
    }


def _after(connection: sqlite3.Connection, draft: Draft) -> list[Cell]:
    """What the record would hold after the write."""
    stored: Sequence[Cell] = (None,) * len(_COMPARED)
    if draft.id is not None:
        statement = f'select {", ".join(_COMPARED)} from "Contact" where Id = ?'
        stored = connection.execute(statement, (draft.id,)).fetchone() or stored
    return [draft.values.get(name, value) for name, value in zip(_COMPARED, stored, strict=True)]
