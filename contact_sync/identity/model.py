"""The committed model: what each level of a comparison is worth, and what two levels together are worth beyond that.

It is a log-linear model: the log odds that two records are one person are the sum of the weights of the pair's levels,
as in Fellegi and Sunter (1969), and of corrections for pairs of levels, because comparisons are not independent: a
shared street says much less beside different first names (a household), a shared company line nothing beside a
different mailbox. The file has a line for every weight, so that a change of the model is a change one can read.
Does not belong here: fitting it (benchmarks/matching/train.py) and how levels are found (comparisons.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from contact_sync.errors import IdentityError
from contact_sync.identity.comparisons import BITS, PERSON, Comparison
from contact_sync.identity.evidence import Limits

Patterns = npt.NDArray[np.int64]
LogOdds = npt.NDArray[np.float64]
PERSON_MODEL: Final = Path(__file__).parent / "models" / "person.json"
_LEVELS: Final = 1 << BITS


@dataclass(frozen=True)
class Weight:
    """What was found in a pair, and by how much it moves the log odds."""

    comparison: str
    level: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class MatchModel:
    """Weights of levels and of pairs of levels, in natural log odds.

    join: probability from which a pair is one person without further evidence. believe: from which it is one where a
    deterministic rule says so. review: from which it is worth a look.
    """

    comparisons: tuple[Comparison, ...]
    bias: float
    weights: Mapping[tuple[str, ...], float]
    join: float
    believe: float
    review: float

    @property
    def limits(self) -> Limits:
        """The thresholds as clustering reads them."""
        return Limits(join=self.join, believe=self.believe, review=self.review)

    @cached_property
    def fingerprint(self) -> str:
        """Stands for everything that a score depends on."""
        compared = [(one.name, one.sql) for one in self.comparisons]
        parts = (self.bias, sorted(self.weights.items()), compared, self.review)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

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
        """What each comparison contributes, the heaviest first; with the bias they add up to the pattern's log odds.

        The weight of two levels together is shared by the two.
        """
        levels = [
            f"{one.name}: {one.levels[(pattern >> (BITS * place)) & (_LEVELS - 1)]}"
            for place, one in enumerate(self.comparisons)
        ]
        weight = {level: self.weights.get((level,), 0.0) for level in levels}
        for together in combinations(levels, 2):
            for level in together:
                weight[level] += self.weights.get(together, 0.0) / 2
        found = [Weight(*_parts(level), round(weight[level], 3)) for level in levels]
        return sorted(found, key=lambda one: (-abs(one.weight), one.comparison))

    def explained(self, evidence: str) -> str:
        """The evidence of a pair as JSON, [comparison, level, weight] each; what is JSON already stays as it is.

        evidence: a pattern in digits.
        """
        if not evidence.isdigit():
            return evidence
        weights = [one for one in self.explain(int(evidence)) if one.weight]
        return json.dumps([[one.comparison, one.level, one.weight] for one in weights])

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


def _parts(level: str) -> tuple[str, str]:
    comparison, _, name = level.partition(": ")
    return comparison, name


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
            believe=float(document["believe"]),
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
