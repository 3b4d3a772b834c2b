"""Fits the model for people on contacts generated here, and writes it where the package reads it.

    .venv/bin/python -m benchmarks.matching.train

Deterministic: the same code writes the same file. The seeds are used for nothing else. Does not belong here: measuring
how good it is (benchmarks/identity.py).
"""

from __future__ import annotations

import json
import sys
from itertools import combinations
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from benchmarks.matching.normalised import normalise
from benchmarks.matching.world import make_contacts
from contact_sync.identity.comparisons import BITS, PERSON
from contact_sync.identity.model import PERSON_MODEL, MatchModel
from contact_sync.identity.scoring import score_all

WORLDS: Final = ((100_000, 1001, False), (100_000, 1002, True), (400_000, 1003, False))
"""Records, seed, whether mobile phones have a column; of different sizes, because frequencies are counts."""
JOIN: Final = 0.85
BELIEVE: Final = 0.6
REVIEW: Final = 0.3
_RIDGE: Final = 2.0
_SMALLEST: Final = 0.1
_Floats = npt.NDArray[np.float64]
_Key = tuple[str, ...]


def main() -> None:
    """Fit and write."""
    pattern, pairs, matches = _training_data()
    keys, design = _design(pattern)
    bias, weights = _fit(design, pairs, matches, np.ones(len(keys), dtype=bool))
    # Fitted again without what hardly weighs: a shorter file, and the rest makes up for it.
    bias, weights = _fit(design, pairs, matches, np.abs(weights) >= _SMALLEST)
    kept = [(key, weight) for key, weight in zip(keys, weights.tolist(), strict=True) if abs(weight) >= _SMALLEST]
    lines = ",\n".join(f"    {json.dumps([*key, round(weight, 2)])}" for key, weight in kept)
    about = json.dumps({"worlds": WORLDS, "pairs": int(pairs.sum()), "matches": int(matches.sum())})
    thresholds = f'"join": {JOIN},\n  "believe": {BELIEVE},\n  "review": {REVIEW},\n  "bias": {round(bias, 2)}'
    PERSON_MODEL.write_text(
        f'{{\n  "trained_on": {about},\n  {thresholds},\n  "weights": [\n{lines}\n  ]\n}}\n', encoding="utf-8"
    )
    sys.stdout.write(f"{len(pattern):,} patterns of {int(pairs.sum()):,} pairs; {len(kept):,} weights\n")


def _training_data() -> tuple[npt.NDArray[np.int64], _Floats, _Floats]:
    """Distinct patterns of all worlds: how many pairs have it, and how many of those are one person."""
    everything = MatchModel(comparisons=PERSON, bias=0.0, weights={}, join=0.5, believe=0.5, review=0.0)
    found: list[dict[str, Any]] = []
    for records, seed, has_mobile_phones in WORLDS:
        with duckdb.connect(config={"threads": 1}) as database:
            normalise(database, make_contacts(records, seed, has_mobile_phones=has_mobile_phones))
            score_all(database, everything, "person")
            found.append(
                database.sql("""
                    with labelled as (select record.id, truth.person from record inner join truth using (record_key))
                    select pair.pattern, count(*) as pairs, count(*) filter (where one.person = two.person) as matches
                    from pair
                    inner join labelled as one on one.id = pair.one
                    inner join labelled as two on two.id = pair.two
                    group by pair.pattern
                    order by pair.pattern
                """).fetchnumpy()
            )
    pattern, pairs, matches = (np.concatenate([one[name] for one in found]) for name in ("pattern", "pairs", "matches"))
    return pattern, pairs.astype(np.float64), matches.astype(np.float64)


def _design(pattern: npt.NDArray[np.int64]) -> tuple[list[_Key], csr_matrix]:
    """The columns of levels and pairs of levels, and which of them each pattern has."""
    level = [(pattern >> (BITS * place)) & ((1 << BITS) - 1) for place in range(len(PERSON))]
    names = [[f"{one.name}: {name}" for name in one.levels] for one in PERSON]
    keys: list[_Key] = []
    columns = []
    for place, own in enumerate(names):
        columns.append(level[place] + len(keys))
        keys += [(name,) for name in own]
    for first, second in combinations(range(len(PERSON)), 2):
        columns.append(level[first] * len(names[second]) + level[second] + len(keys))
        keys += [(one, two) for one in names[first] for two in names[second]]
    rows = np.stack(columns, axis=1)
    starts = np.arange(0, rows.size + 1, rows.shape[1])
    return keys, csr_matrix((np.ones(rows.size), rows.ravel(), starts), shape=(len(pattern), len(keys)))


def _fit(design: csr_matrix, pairs: _Floats, matches: _Floats, used: npt.NDArray[np.bool_]) -> tuple[float, _Floats]:
    """Logistic regression with a ridge, on the columns that are used; weights of the others are 0."""
    columns = design[:, used]

    def loss(parameters: _Floats) -> tuple[float, _Floats]:
        bias, weights = parameters[0], parameters[1:]
        log_odds = columns @ weights + bias
        error = pairs / (1 + np.exp(-log_odds)) - matches
        value = np.sum(pairs * np.logaddexp(0, log_odds) - matches * log_odds) + _RIDGE / 2 * np.sum(weights**2)
        return value, np.concatenate([[error.sum()], columns.T @ error + _RIDGE * weights])

    found = minimize(loss, np.zeros(int(used.sum()) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    weights = np.zeros(len(used))
    weights[used] = found.x[1:]
    return float(found.x[0]), weights


if __name__ == "__main__":
    main()
