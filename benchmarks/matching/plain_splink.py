"""Splink as its documentation has it: the library's own comparisons and training, on the values that we compare too.

The reference that our matching is held against. Does not belong here: judging it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import numpy.typing as npt
import splink.comparison_library as library
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

_BLOCKS: Final = (
    ("email",),
    ("phone", "last_name"),
    ("phone", "first_name"),
    ("first_name", "last_name", "postal_code"),
    ("first_name", "last_name", "street"),
    ("first_name", "last_name", "company"),
    ("last_name", "street"),
    ("first_name", "street"),
    ("last_name", "postal_code"),
    ("first_name", "postal_code"),
    ("last_name", "company"),
    ("first_name", "company"),
)
_CERTAIN: Final = (
    ("email", "last_name"),
    ("first_name", "last_name", "postal_code"),
    ("first_name", "last_name", "company"),
)
_SESSIONS: Final = (("first_name", "last_name"), ("email",), ("street",), ("phone", "last_name"))
_LOWEST_WEIGHT: Final = 0


@dataclass(frozen=True)
class Scored:
    """Pairs of positions in the order of record_key, and the match weight of each, from 0 upwards."""

    one: npt.NDArray[Any]
    two: npt.NDArray[Any]
    weight: npt.NDArray[Any]


def score(database: duckdb.DuckDBPyConnection) -> Scored:
    """Train on `person` and score its pairs."""
    logging.getLogger("splink").setLevel(logging.CRITICAL)
    records = database.sql("""
        select
            row_number() over (order by record_key) - 1 as unique_id, first_name, last_name,
            case when not email_is_role then any_email end as email, phone, company, street, postal_code, city
        from person
    """).to_arrow_table()
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in _BLOCKS],
        comparisons=[
            library.JaroWinklerAtThresholds("first_name", [0.92, 0.84]).configure(term_frequency_adjustments=True),
            library.JaroWinklerAtThresholds("last_name", [0.93, 0.86]).configure(term_frequency_adjustments=True),
            library.EmailComparison("email"),
            library.ExactMatch("phone").configure(term_frequency_adjustments=True),
            library.JaroWinklerAtThresholds("company", [0.93]).configure(term_frequency_adjustments=True),
            library.JaroWinklerAtThresholds("street", [0.95]).configure(term_frequency_adjustments=True),
            library.ExactMatch("postal_code").configure(term_frequency_adjustments=True),
            library.ExactMatch("city").configure(term_frequency_adjustments=True),
        ],
    )
    linker = Linker(DuckDBAPI(connection=database).register(records), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match([block_on(*rule) for rule in _CERTAIN], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in _SESSIONS:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    scored = linker.inference.predict(threshold_match_weight=_LOWEST_WEIGHT)
    columns = "unique_id_l, unique_id_r, match_weight"
    found = database.sql(f"select {columns} from {scored.physical_name}").fetchnumpy()
    return Scored(found["unique_id_l"], found["unique_id_r"], found["match_weight"])
