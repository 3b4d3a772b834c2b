"""What targets refused: counted, and released once somebody has corrected the cause in the target.

Does not belong here: how refusals are kept (state/refusals.py), and those that are released by themselves
(sync/passed_refusals.py).
"""

from __future__ import annotations

from contact_sync.errors import ActivationError
from contact_sync.pipeline.installation import Installation
from contact_sync.state.refusals import RefusalCount


def refused_rows(installation: Installation) -> list[RefusalCount]:
    """The rows that are kept as refused, counted by object, instance, stage and code."""
    return installation.writes.refusal_counts()


def release_refused(installation: Installation, code: str, *, object_name: str | None = None) -> int:
    """Let the next plan contain the rows again that were refused with a code; returns how many.

    Raises ActivationError if there are none, and CatalogError for an unknown object.
    """
    if object_name is not None:
        installation.object(object_name)
    released = installation.writes.release([code], object_name=object_name)
    if not released:
        place = f" of {object_name}" if object_name is not None else ""
        raise ActivationError(
            f"No row{place} is refused with the code {code}.", remedy="See `contact-sync refused list`."
        )
    return released
