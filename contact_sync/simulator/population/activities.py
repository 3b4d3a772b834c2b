"""Whom and what the tasks and events of an org are about, and when they are.

Does not belong here: records of any other object, and how often what is drawn (crm.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import numpy as np

from contact_sync.simulator.population.pools import Columns, Text
from contact_sync.simulator.salesforce.store import timestamp

TASK_SUBJECTS: Mapping[str, str] = MappingProxyType({"Task": "Send quote", "Call": "Call", "Email": "Email: offer"})
_ABOUT = ("Contact", "Contact", "Opportunity", "Case", "Lead")
_MINUTES = (30, 60, 90)


def subjects(random: np.random.Generator, count: int, objects: Mapping[str, Columns]) -> Columns:
    """`WhoId`, `WhatId` and the account that follows from them: contacts, their deals and cases, and leads."""
    nothing = np.full(count, None, dtype=object)
    columns = {name: nothing.copy() for name in ("WhoId", "WhatId", "AccountId")}
    about = np.array(_ABOUT, dtype=object)[random.integers(len(_ABOUT), size=count)]
    for name in dict.fromkeys(_ABOUT):
        (places,) = np.nonzero(about == name)
        records = objects[name]
        chosen = random.integers(len(records["Id"]), size=len(places))
        is_person = name in ("Contact", "Lead")
        columns["WhoId"][places] = records["Id" if is_person else "ContactId"][chosen]
        if not is_person:
            columns["WhatId"][places] = records["Id"][chosen]
        if name != "Lead":
            columns["AccountId"][places] = records["AccountId"][chosen]
    return columns


def days(times: Text) -> Text:
    """The days of times."""
    return np.array([time[:10] for time in times], dtype=object)


def appointments(random: np.random.Generator, times: Text) -> Columns:
    """Meetings that begin with the hour of these times."""
    minutes = np.array(_MINUTES, dtype=object)[random.integers(len(_MINUTES), size=len(times))]
    starts = [datetime.fromisoformat(f"{time[:13]}:00:00+00:00") for time in times]
    ends = [start + timedelta(minutes=length) for start, length in zip(starts, minutes, strict=True)]
    return {
        "ActivityDate": days(times),
        "StartDateTime": np.array([timestamp(start) for start in starts], dtype=object),
        "EndDateTime": np.array([timestamp(end) for end in ends], dtype=object),
        "DurationInMinutes": minutes,
    }
