"""Whether figures moved further than they usually do: robust deviations from the median of the days before; pure.

The median and the median absolute deviation (MAD) are not moved by the few odd days that a history always has; 1.4826
makes the MAD comparable with a standard deviation (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
Does not belong here: measuring, or keeping the history.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final, TypeAlias

from contact_sync.catalog.contracts import DriftRules
from contact_sync.quality.measure import ColumnProfile, Measurement

_CONSISTENCY: Final = 1.4826
_LEAST_SHARE: Final = 0.01
_LEAST_GROWTH: Final = 0.02
Series: TypeAlias = Mapping[date, float]
"""A figure by day."""
ROWS: Final = "rows"
ARRIVED: Final = "rows arrived in 24 h"


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """A figure that moved too far. score: robust deviations from the median, with its sign."""

    figure: str
    value: float
    usual: float
    score: float

    def __str__(self) -> str:
        """`null share of email 0.41, usually 0.02 (17.3 robust deviations)`."""
        return f"{self.figure} {self.value:.4g}, usually {self.usual:.4g} ({self.score:+.1f} robust deviations)"


def robust_score(value: float, history: Sequence[float], noise: float) -> float:
    """How many robust standard deviations a value is from the median of a history.

    noise: the least deviation that is taken for real, so that a figure that never moved may move a little.
    """
    center = median(history)
    spread = median(abs(one - center) for one in history)
    return (value - center) / max(_CONSISTENCY * spread, noise)


def figures(measurement: Measurement) -> dict[str, float]:
    """Every figure that is compared, by name."""
    found = {ROWS: float(measurement.row_count), ARRIVED: float(measurement.arrived_count)}
    for profile in measurement.profiles:
        found.update(column_figures(profile))
    return found


def column_figures(profile: ColumnProfile) -> Iterator[tuple[str, float]]:
    """The figures of one column; none where there are no rows."""
    if profile.row_count:
        yield f"null share of {profile.column}", profile.null_count / profile.row_count
    filled = profile.row_count - profile.null_count
    if profile.distinct_count is not None and filled:
        yield f"distinct share of {profile.column}", profile.distinct_count / filled


def deviations(
    measurement: Measurement, history: Mapping[str, Series], rules: DriftRules, today: date
) -> list[Deviation]:
    """The figures that moved too far from the days before today; nothing while too few days are known."""
    ignored = {f"{kind} share of {name}" for name in rules.ignore for kind in ("null", "distinct")}
    found = []
    for name, value in figures(measurement).items():
        days = {day: one for day, one in history.get(name, {}).items() if day < today}
        known = list(_comparable(name, days, today, rules.days).values())
        if name in ignored or len(known) < rules.days:
            continue
        score = robust_score(value, known, _noise(name, known, measurement.row_count))
        if abs(score) > rules.threshold:
            found.append(Deviation(figure=name, value=value, usual=median(known), score=score))
    return sorted(found, key=lambda one: -abs(one.score))


def _comparable(name: str, days: Series, today: date, least: int) -> Series:
    """What arrives depends on the day of the week: the same one where enough are known, else all days."""
    if name != ARRIVED:
        return days
    same = {day: value for day, value in days.items() if day.weekday() == today.weekday()}
    return same if len(same) >= least else days


def _noise(name: str, history: Sequence[float], rows: int) -> float:
    """What a figure moves by chance: counts by about their root, shares by their standard error."""
    center = median(history)
    if name in {ROWS, ARRIVED}:
        return max(1.0, _LEAST_GROWTH * center, math.sqrt(center))
    return max(_LEAST_SHARE, math.sqrt(max(center * (1 - center), 0.0) / max(rows, 1)))
