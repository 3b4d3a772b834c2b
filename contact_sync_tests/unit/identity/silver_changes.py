"""Says to the scorer and to identity what has changed, as a build of silver does; for tests that have no silver.

Does not belong here: the records themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa

from contact_sync.identity.evidence import MATCH_KEY_SCHEMA
from contact_sync.warehouse.base import Session
from contact_sync.warehouse.definitions import changes_seen, remember

_CHANGE = pa.schema([("record_key", pa.string()), ("changed_in", pa.int64())])


def note_changes(session: Session, record_keys: Iterable[str]) -> None:
    """One more refresh, in which these records of people changed, or were there the last time."""
    number = changes_seen(session).get("contact_record", 0) + 1
    built = ("contact_record", "person_match_key", "person_common_key")
    rows = [{"record_key": record_key, "changed_in": number} for record_key in record_keys]
    session.append("silver.contact_record_change", pa.Table.from_pylist(rows, schema=_CHANGE))
    remember(session, dict.fromkeys(built, "definition"), seen=dict.fromkeys(built, number))


def write_keys(
    session: Session, keys: Iterable[tuple[str, str, str]], common: Collection[tuple[str, str]] = ()
) -> None:
    """The match keys (record_key, rule, match_key) there are; common: those (rule, match_key) that join nobody."""
    rows = [dict(zip(MATCH_KEY_SCHEMA.names, key, strict=True)) for key in keys]
    joining = [row for row in rows if (row["rule"], row["match_key"]) not in common]
    too_many = [{"rule": rule, "match_key": match_key} for rule, match_key in common]
    for table, content in (("match_key", rows), ("joining_key", joining), ("common_key", too_many)):
        session.replace(f"identity.person_{table}", pa.Table.from_pylist(content, MATCH_KEY_SCHEMA))
