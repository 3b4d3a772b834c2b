"""A model fitted on the very records it judges, without any examples: for files whose columns no committed model knows.

Splink does the fitting (expectation maximisation over blocked pairs) and the scoring, on DuckDB. Does not belong here:
which column of a file is what (pipeline/match_columns.py), and the committed model (model.py).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from contact_sync.errors import IdentityError
from contact_sync.identity.evidence import PAIR_SCHEMA

if TYPE_CHECKING:
    from splink import Linker
    from splink.internals.blocking_rule_creator import BlockingRuleCreator

JOIN: Final = 0.7
"""Probability from which a pair is one person: the odds are more than two to one."""
REVIEW: Final = 0.3
COLUMNS: Final = (
    "first_name",
    "last_name",
    "date_of_birth",
    "national_id",
    "any_email",
    "phone",
    "street",
    "postal_code",
    "city",
    "state",
    "company",
)
"""What is compared, as far as a file has it; text."""
_NAMES: Final = ("first_name", "last_name")
"""Compared together, because they are swapped now and then."""
_SWAPPED: Final = "l.first_name = r.last_name and l.last_name = r.first_name"
_ALIKE: Final = {
    "first_name": [0.92, 0.8],
    "last_name": [0.92, 0.8],
    "street": [0.92, 0.8],
    "city": [0.92, 0.8],
    "any_email": [0.92],
    "company": [0.92],
}
_SLIPS: Final = ("date_of_birth", "national_id", "phone", "postal_code")
_BLOCKS: Final = (
    ("national_id",),
    ("any_email",),
    ("date_of_birth",),
    ("phone", "last_name"),
    ("phone", "first_name"),
    ("first_name", "last_name"),
    ("first_name", "postal_code"),
    ("last_name", "postal_code"),
    ("first_name", "city"),
    ("last_name", "city"),
    ("last_name", "company"),
    ("first_name", "company"),
    ("street", "postal_code"),
    ("street", "last_name"),
    ("street", "first_name"),
    ("substr(first_name, 1, 3)", "substr(last_name, 1, 3)"),
    ("postal_code", "substr(first_name, 1, 2)"),
    ("postal_code", "substr(last_name, 1, 2)"),
    ("city", "substr(first_name, 1, 2)"),
    ("city", "substr(last_name, 1, 2)"),
    ("state", "first_name", "substr(date_of_birth, 1, 4)"),
    ("state", "last_name", "substr(date_of_birth, 1, 4)"),
    ("substr(street, 1, 6)", "substr(first_name, 1, 2)"),
    ("substr(street, 1, 6)", "substr(last_name, 1, 2)"),
    ("substr(street, 1, 6)", "postal_code"),
    ("substr(date_of_birth, 1, 6)", "substr(postal_code, 1, 3)"),
)
_CERTAIN: Final = (
    ("national_id",),
    ("first_name", "last_name", "date_of_birth"),
    ("first_name", "last_name", "any_email"),
    ("last_name", "street"),
    ("first_name", "street"),
)
"""Pairs that are nearly all right, from which the share of matches is estimated."""
_RECALL_OF_CERTAIN: Final = 0.9
_SESSIONS: Final = (
    ("first_name", "last_name"),
    ("date_of_birth",),
    ("any_email",),
    ("street",),
    ("phone",),
    ("postal_code", "city"),
)
_SESSION_COUNT: Final = 3
_RANDOM_PAIRS: Final = 1e6
FEWEST_COLUMNS: Final = 3
_PAIRS_PER_RECORD: Final = 3.0
_FEW_PAIRS: Final = 200_000
_COLUMN_OF: Final = re.compile(r"^substr\(|, .*")


def fit_and_score(database: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> pa.Table:
    """Score the pairs of a relation with record_key and `columns` (of COLUMNS): PAIR_SCHEMA, from REVIEW upwards.

    Raises IdentityError if there are fewer than three columns to compare, or nothing to learn from.
    """
    if len(columns) < FEWEST_COLUMNS:
        raise IdentityError(
            f"A model cannot be fitted on {len(columns)} columns; three or more are needed.",
            remedy="Map more columns with --map, or use --model committed.",
        )
    logging.getLogger("splink").setLevel(logging.CRITICAL)
    from splink.internals.exceptions import SplinkException  # noqa: PLC0415 -- a second to load

    try:
        linker = _fitted(database, relation, columns)
        scored = linker.inference.predict(threshold_match_probability=REVIEW)
    except (SplinkException, duckdb.Error) as error:
        # Messages of the library can quote values.
        raise IdentityError(
            f"No model can be fitted on this file ({type(error).__name__}).",
            remedy="It needs hundreds of rows, some of which are the same person; or use --model committed.",
        ) from None
    rows: pa.Table = database.sql(f"""
        select
            least(record_key_l, record_key_r) as record_key_1, greatest(record_key_l, record_key_r) as record_key_2,
            'model' as rule, match_probability as score, '[]' as evidence
        from {scored.physical_name}
    """).to_arrow_table()  # noqa: S608 -- the library's name
    return rows.cast(PAIR_SCHEMA)


def _fitted(database: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str]) -> Linker:
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415 -- as above
    from splink.blocking_rule_library import CustomRule  # noqa: PLC0415 -- as above

    def usable(rules: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        known = [rule for rule in rules if all(_COLUMN_OF.sub("", part) in columns for part in rule)]
        return [rule for rule in known if _makes_few_pairs(database, relation, rule)]

    blocks: list[BlockingRuleCreator | dict[str, Any]] = [block_on(*rule) for rule in usable(_BLOCKS)]
    if set(_NAMES) <= set(columns):
        blocks.append(CustomRule(_SWAPPED))
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_key",
        comparisons=_comparisons(columns),
        blocking_rules_to_generate_predictions=blocks,
    )
    api = DuckDBAPI(connection=database)
    compared = database.sql(f"select record_key, {', '.join(columns)} from {relation}").to_arrow_table()  # noqa: S608 -- ours
    linker = Linker(api.register(compared), settings, log_level=None)
    certain: list[str | BlockingRuleCreator] = [block_on(*rule) for rule in usable(_CERTAIN)]
    linker.training.estimate_probability_two_random_records_match(certain, recall=_RECALL_OF_CERTAIN)
    linker.training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=1)
    for rule in usable(_SESSIONS)[:_SESSION_COUNT]:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    return linker


def _makes_few_pairs(database: duckdb.DuckDBPyConnection, relation: str, rule: tuple[str, ...]) -> bool:
    """Whether a rule makes no more pairs than a file of this size can bear; counted before any pair is made."""
    is_known = " and ".join(f"{key} is not null" for key in rule)
    blocks = f"select count(*) as size from {relation} where {is_known} group by {', '.join(rule)}"  # noqa: S608 -- ours
    (pairs,) = database.sql(f"select coalesce(sum(size * (size - 1.0) / 2), 0) from ({blocks})").fetchall()[0]  # noqa: S608 -- ours
    (records,) = database.sql(f"select count(*) from {relation}").fetchall()[0]  # noqa: S608 -- ours
    return bool(pairs <= max(_FEW_PAIRS, _PAIRS_PER_RECORD * records))


def _comparisons(columns: Sequence[str]) -> list[Any]:
    import splink.comparison_library as library  # noqa: PLC0415 -- as above

    if not set(_NAMES) <= set(columns):
        return [_comparison(column) for column in columns]
    names = library.ForenameSurnameComparison(*_NAMES)
    return [names, *(_comparison(column) for column in columns if column not in _NAMES)]


def _comparison(column: str) -> Any:
    import splink.comparison_library as library  # noqa: PLC0415 -- as above

    if column in _SLIPS:
        return library.LevenshteinAtThresholds(column, [1, 2])
    alike = _ALIKE.get(column)
    return library.JaroWinklerAtThresholds(column, alike) if alike else library.ExactMatch(column)
