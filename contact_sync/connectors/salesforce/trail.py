"""The way through a result of many pages, each of which says where the next one is.

Salesforce never names a page twice; a reader that followed one that did would not come to an end. Does not belong here:
how a page is asked for.
"""

from __future__ import annotations

from contact_sync.errors import CountMismatchError


class Trail:
    """The places that one reading has been to."""

    def __init__(self, *, instance_name: str, subject: str) -> None:
        self._instance_name = instance_name
        self._subject = subject
        self._known: set[str] = set()

    def onward(self, place: str) -> str:
        """The next place, by locator or address; raise CountMismatchError if the reading has been there."""
        if place in self._known:
            message = (
                f"Salesforce instance {self._instance_name} names a page of {self._subject} that was read already."
            )
            raise CountMismatchError(message, remedy="Read the window again.")
        self._known.add(place)
        return place
