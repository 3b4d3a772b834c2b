"""Releases refusals whose reason may have passed, before a plan is made.

Every other refusal holds its row back until the row's values change or somebody releases it. Does not belong here: how
refusals are kept (state/refusals.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from contact_sync.connectors.target import PARENT_NOT_FOUND
from contact_sync.state.writes import WriteLedger
from contact_sync.sync.outcomes import AMBIGUOUS

OF_ANOTHER_RECORD: Final = ("DUPLICATES_DETECTED", "DUPLICATE_VALUE")
"""Codes that say less about the row than about another record of the target, which may be gone after RETRY_AFTER."""
UNTIL_READ: Final = (AMBIGUOUS, PARENT_NOT_FOUND)
"""Codes that say what nobody knew: once the target has been read again, the plan sees what became of the record, and
whether its parent is there.
"""
RETRY_AFTER: Final = timedelta(hours=24)


def release_passed(ledger: WriteLedger, *, now: datetime, read_up_to: Mapping[tuple[str, str], datetime | None]) -> int:
    """Release refusals whose reason may have passed; returns how many.

    read_up_to: (object, instance) -> the time up to which this target has been read, by our clock or a slower one.
    """
    released = ledger.release(OF_ANOTHER_RECORD, refused_before=now - RETRY_AFTER)
    for (object_name, instance), time in read_up_to.items():
        if time is not None:
            released += ledger.release(UNTIL_READ, object_name=object_name, instance=instance, refused_before=time)
    return released
