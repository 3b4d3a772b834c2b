"""What the fault matrices share: which troubles there are for a kind of request, and how all of them are tried."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence

import pytest

from contact_sync.settings import SalesforceInstance as SalesforceSettings
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.troubles import TROUBLES, Trouble

FOR_EVER = 1_000
BUSY = ("500", "502", "503", "406", "420", "429")
"""Statuses that say the same to a client: come again."""
HARMLESS = {"no charset"}
"""Troubles that no client has to notice."""
HARMLESS_IF_REPEATED = {"reset after the body"}
"""Troubles that a client need not notice if it may repeat the next request, which the reset can meet on its way."""
Place = tuple[int, int]
"""How often a trouble strikes, and after how many requests of its kind that go well."""
Attempt = Callable[[str, str, Trouble, Place], bool]
"""Whether all is well in spite of a trouble: kind of request, name and trouble, place."""


def settings_of(org: SalesforceInstance) -> SalesforceSettings:
    """How the org is reached."""
    values = {"url": org.url, "kind": "simulator", "client_id": org.client_id, "client_secret": org.client_secret}
    return SalesforceSettings.model_validate(values)


def first_of_each(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(scenario, kind) of each kind of request in the first scenario that makes it."""
    firsts = {kind: scenario for scenario, kind in reversed(pairs)}
    return [(scenario, kind) for scenario, kind in pairs if firsts[kind] == scenario]


def other_busy(number: int) -> set[str]:
    """The statuses that say the same but one, which depends on the number: so all have their turn."""
    return set(BUSY) - {BUSY[number % len(BUSY)]}


def troubles_of(kind: str, *, is_inside: bool, left_out: Collection[str] = ()) -> dict[str, Trouble]:
    """What can go wrong with requests of a kind; is_inside: they are parts of composite requests."""
    found = {name: one for name, one in TROUBLES.items() if one.concerns(kind) and name not in left_out}
    return {name: one for name, one in found.items() if not (is_inside and one.is_of_the_wire)}


def attempt_all(
    kind: str,
    troubles: dict[str, Trouble],
    places: Iterable[Place],
    attempt: Attempt,
    capsys: pytest.CaptureFixture[str],
) -> list[tuple[str, int, int]]:
    """Every trouble at each of these places: those that do not end well, which must be none."""
    cases = [
        (name, place)
        for name in troubles
        for place in dict.fromkeys(places)
        # To stall for ever is the same as once, for as long as there is patience.
        if name != "stalled" or place[0] != FOR_EVER
    ]
    wrong = [(name, *place) for name, place in cases if not attempt(kind, name, troubles[name], place)]
    with capsys.disabled():
        sys.stdout.write(f"\n{len(cases)} cases of {kind}: {len(wrong)} wrong\n")
    return wrong
