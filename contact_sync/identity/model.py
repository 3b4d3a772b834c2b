"""The committed model: what each level of a comparison is worth, and what two levels together are worth beyond that.

It is a log-linear model: the log odds that two records are one person are the sum of the weights of the pair's levels,
as in Fellegi and Sunter (1969), and of corrections for pairs of levels, because comparisons are not independent: a
shared street says much less beside different first names (a household), a shared company line nothing beside a
different mailbox. The file has a line for every weight, so that a change of the model is a change one can read.
Does not belong here: fitting it (benchmarks/matching/train.py) and how levels are found (comparisons.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from contact_sync.errors import IdentityError
from contact_sync.identity.comparisons import BITS, PERSON, Comparison

Patterns = npt.NDArray[np.int64]
LogOdds = npt.NDArray[np.float64]
PERSON_MODEL: Final = Path(__file__).parent / "models" / "person.json"
_LEVELS: Final = 1 << BITS


@dataclass(frozen=True)
class Weight:
    """What was found in a pair, `comparison: level` or two of them, and by how much it moves the log odds."""

    found: tuple[str, ...]
    weight: float


@dataclass(frozen=True, kw_only=True)
class MatchModel:
    """Weights of levels and of pairs of levels, in natural log odds.

    join: probability from which a pair is one person without further evidence. review: from which it is worth a
    look, and from which a deterministic rule is believed.
    """

    comparisons: tuple[Comparison, ...]
    bias: float
    weights: Mapping[tuple[str, ...], float]
    join: float
    review: float

    def log_odds(self, patterns: Patterns) -> LogOdds:
        """The log odds of each pattern."""
        total = np.full(len(patterns), self.bias, dtype=np.float64)
        levels = [self._levels(patterns, place) for place in range(len(self.comparisons))]
        for single, place in self._singles():
            total += single[levels[place]]
        for table, first, second in self._pairs():
            total += table[levels[first] * _LEVELS + levels[second]]
        return total

    def probability(self, patterns: Patterns) -> LogOdds:
        """The probability of each pattern that the records are one person's."""
        probability: LogOdds = 1 / (1 + np.exp(-self.log_odds(patterns)))
        return probability

    def explain(self, pattern: int) -> list[Weight]:
        """What a pattern is made of, what weighs most first; the weights and the bias add up to its log odds."""
        names = [
            f"{one.name}: {one.levels[int(self._levels(np.array([pattern]), place)[0])]}"
            for place, one in enumerate(self.comparisons)
        ]
        found = [Weight(key, self.weights[key]) for key in self._keys_of(names) if key in self.weights]
        return sorted(found, key=lambda one: -abs(one.weight))

    @staticmethod
    def _keys_of(names: list[str]) -> list[tuple[str, ...]]:
        pairs = [(first, second) for place, first in enumerate(names) for second in names[place + 1 :]]
        return [*((name,) for name in names), *pairs]

    @staticmethod
    def _levels(patterns: Patterns, place: int) -> Patterns:
        levels: Patterns = (patterns >> (BITS * place)) & (_LEVELS - 1)
        return levels

    def _singles(self) -> list[tuple[LogOdds, int]]:
        return [
            (np.array([self.weights.get((f"{one.name}: {level}",), 0.0) for level in one.levels]), place)
            for place, one in enumerate(self.comparisons)
        ]

    def _pairs(self) -> list[tuple[LogOdds, int, int]]:
        place_of = {
            f"{one.name}: {level}": (place, number)
            for place, one in enumerate(self.comparisons)
            for number, level in enumerate(one.levels)
        }
        tables: dict[tuple[int, int], LogOdds] = {}
        for key, weight in self.weights.items():
            if len(key) == 1:
                continue
            (first, one), (second, two) = place_of[key[0]], place_of[key[1]]
            tables.setdefault((first, second), np.zeros(_LEVELS * _LEVELS))[one * _LEVELS + two] = weight
        return [(table, first, second) for (first, second), table in tables.items()]


def load_model(path: Path = PERSON_MODEL, comparisons: tuple[Comparison, ...] = PERSON) -> MatchModel:
    """Read a model; IdentityError for a file that is none, or that weighs what is not compared."""
    try:
        document = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
        weights = {tuple(found): float(weight) for *found, weight in document["weights"]}
        model = MatchModel(
            comparisons=comparisons,
            bias=float(document["bias"]),
            weights=weights,
            join=float(document["join"]),
            review=float(document["review"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IdentityError(
            f"{path.name} is no model for matching ({type(error).__name__}).",
            remedy="Take the file from the version that is installed, or fit one with benchmarks/matching/train.py.",
        ) from error
    known = {f"{one.name}: {level}" for one in comparisons for level in one.levels}
    unknown = sorted({name for key in weights for name in key} - known)
    if unknown:
        raise IdentityError(
            f"{path.name} weighs what is not compared: {', '.join(unknown[:5])}.",
            remedy="Fit the model again after a change of identity/comparisons.py.",
        )
    return model
