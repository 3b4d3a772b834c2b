"""Turns our errors into Dagster failures: the message without a stack trace, since it already says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from contact_sync.errors import ContactSyncError


@contextmanager
def clear_failures() -> Iterator[None]:
    """Re-raise a ContactSyncError as a Failure that a step retry would not mend."""
    try:
        yield
    except ContactSyncError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
