"""When records were made and changed: spread over a year, with a few percent in each of the last seven days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from contact_sync.simulator.population.pools import Text

Moments = npt.NDArray[np.datetime64]
_DAY = 86_400_000
_RECENT_DAYS = 7
_RECENT_PER_DAY = 0.03
_AUTOMATED = 0.05


@dataclass(frozen=True)
class History:
    """Created <= modified <= stamped <= as_of, in UTC milliseconds."""

    created: Moments
    modified: Moments
    stamped: Moments


def history(random: np.random.Generator, count: int, as_of: datetime) -> History:
    """Draw the three times of so many records."""
    end = int(as_of.timestamp() * 1000)
    age = random.integers(_DAY, 365 * _DAY, size=count)
    since_change = (age * random.random(count)).astype(np.int64)
    recent = random.random(count) < _RECENT_DAYS * _RECENT_PER_DAY
    recent_change = random.integers(0, _RECENT_DAYS * _DAY, size=count)
    since_change = np.where(recent, np.minimum(recent_change, age), since_change)
    automated = random.random(count) < _AUTOMATED
    since_stamp = np.where(automated, (since_change * random.random(count)).astype(np.int64), since_change)
    return History(*(_moments(end - since) for since in (age, since_change, since_stamp)))


def salesforce_text(moments: Moments) -> Text:
    """`2024-07-24T14:05:58.000Z`."""
    return np.char.add(np.datetime_as_string(moments, unit="ms"), "Z").astype(object)


def to_datetimes(moments: Moments) -> list[datetime]:
    """Aware datetimes, for databases."""
    return [moment.replace(tzinfo=UTC) for moment in moments.astype("datetime64[us]").tolist()]


def _moments(milliseconds: npt.NDArray[np.int64]) -> Moments:
    return milliseconds.astype("datetime64[ms]")
