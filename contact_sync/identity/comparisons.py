"""How two records of people are compared: each comparison has named levels, each level one condition in SQL.

The first condition that holds gives the level; `missing` is asked first wherever a side has no value, and the last
level is what is left. A pair's levels together are its pattern, packed into one integer, so that millions of pairs are
far fewer distinct things to weigh. Does not belong here: what a level is worth (model.py) and which pairs are compared
(blocking.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

BITS: Final = 4
"""Bits of a pattern that one comparison takes: at most 16 levels."""


@dataclass(frozen=True)
class Comparison:
    """One thing to compare two records by: (level, condition) in the order they are asked, then the level of the rest.

    Conditions are DuckDB SQL over the records `one` and `two` of the table that records.py makes.
    """

    name: str
    conditions: tuple[tuple[str, str], ...]
    otherwise: str

    @property
    def levels(self) -> tuple[str, ...]:
        """The names of all levels; a level's place is its number in a pattern."""
        return (*(level for level, _ in self.conditions), self.otherwise)

    @property
    def sql(self) -> str:
        """The number of the level of a pair."""
        cases = " ".join(f"when {condition} then {number}" for number, (_, condition) in enumerate(self.conditions))
        return f"case {cases} else {len(self.conditions)} end"


def pattern_sql(comparisons: tuple[Comparison, ...]) -> str:
    """The pattern of a pair as one bigint: the level of the first comparison in the lowest bits."""
    shifted = (f"((({one.sql})::bigint) << {BITS * place})" for place, one in enumerate(comparisons))
    return " | ".join(shifted)


def _missing(column: str) -> tuple[str, str]:
    return ("missing", f"one.{column} is null or two.{column} is null")


def _same(column: str) -> str:
    return f"one.{column} = two.{column}"


def _alike(column: str, similarity: float) -> str:
    return f"jaro_winkler_similarity(one.{column}, two.{column}) >= {similarity}"


def _unlike(column: str, similarity: float) -> str:
    return f"jaro_winkler_similarity(one.{column}, two.{column}) < {similarity}"


def _at_most(count: str, limit: int) -> str:
    return f"greatest(one.{count}, two.{count}) <= {limit}"


_SWAPPED: Final = "one.first_name = two.last_name and one.last_name = two.first_name"
_INITIAL: Final = "(length(one.first_name) = 1 or length(two.first_name) = 1) and one.first_name[1] = two.first_name[1]"
_SAME_PHONE: Final = (
    "(one.phone = two.phone or one.mobile_phone = two.mobile_phone"
    " or one.phone = two.mobile_phone or one.mobile_phone = two.phone)"
)
_HAS_NO_PHONE: Final = "coalesce({side}.phone, {side}.mobile_phone) is null"


def _both_named(name: str) -> str:
    """Whether the personal mailbox of either side, where there is one, has this name of the other side in it."""
    return (
        f"coalesce(contains(one.mailbox, two.{name}) or one.email is null, false)"
        f" and coalesce(contains(two.mailbox, one.{name}) or two.email is null, false)"
    )


PERSON: Final = (
    Comparison(
        "first_name",
        (
            _missing("first_name"),
            ("same", _same("first_name")),
            ("swapped", _SWAPPED),
            ("initial", _INITIAL),
            # What most pairs are is asked first: likeness is the dear part.
            ("different", _unlike("first_name", 0.84)),
            ("similar", _unlike("first_name", 0.92)),
        ),
        "close",
    ),
    Comparison(
        "last_name",
        (
            _missing("last_name"),
            ("same", _same("last_name")),
            ("swapped", _SWAPPED),
            ("different", _unlike("last_name", 0.86)),
            ("similar", _unlike("last_name", 0.93)),
        ),
        "close",
    ),
    Comparison(
        "name_suffix",
        (
            ("missing", "one.name_suffix = '' and two.name_suffix = ''"),
            ("same", _same("name_suffix")),
            ("one_sided", "one.name_suffix = '' or two.name_suffix = ''"),
        ),
        "different",
    ),
    Comparison(
        "email",
        (
            _missing("any_email"),
            ("same_of_few", f"{_same('email')} and {_at_most('email_count', 4)}"),
            ("same_of_many", _same("email")),
            ("same_role", _same("any_email")),
            ("role_at_one_domain", f"(one.email is null or two.email is null) and {_same('domain')}"),
            ("role", "one.email is null or two.email is null"),
            ("same_mailbox", _same("mailbox")),
            ("close_at_one_domain", f"{_same('domain')} and {_alike('mailbox', 0.9)}"),
            ("same_domain", _same("domain")),
            ("close_mailbox", _alike("mailbox", 0.9)),
        ),
        "different",
    ),
    *(
        Comparison(
            f"email_and_{name}",
            (("missing", "one.email is null and two.email is null"), ("same", _both_named(name))),
            "different",
        )
        for name in ("first_name", "last_name")
    ),
    Comparison(
        "phone",
        (
            ("missing", f"{_HAS_NO_PHONE.format(side='one')} or {_HAS_NO_PHONE.format(side='two')}"),
            ("same_of_few", f"{_SAME_PHONE} and {_at_most('phone_count', 3)}"),
            ("same_of_some", f"{_SAME_PHONE} and {_at_most('phone_count', 8)}"),
            ("same_of_many", _SAME_PHONE),
        ),
        "different",
    ),
    Comparison(
        "street",
        (
            _missing("street"),
            ("same_of_few", f"{_same('street')} and {_at_most('street_count', 8)}"),
            ("same_of_many", _same("street")),
            ("close", _alike("street", 0.95)),
        ),
        "different",
    ),
    Comparison("postal_code", (_missing("postal_code"), ("same", _same("postal_code"))), "different"),
    Comparison("city", (_missing("city"), ("same", _same("city"))), "different"),
    Comparison(
        "company",
        (
            _missing("company"),
            ("same_of_few", f"{_same('company')} and {_at_most('company_count', 16)}"),
            ("same_of_some", f"{_same('company')} and {_at_most('company_count', 128)}"),
            ("same_of_many", _same("company")),
            ("close", _alike("company", 0.93)),
        ),
        "different",
    ),
    Comparison("job_title", (_missing("job_title"), ("same", _same("job_title"))), "different"),
    Comparison(
        "name_frequency",
        tuple((f"at_most_{limit}", _at_most("name_count", limit)) for limit in (2, 4, 8, 16, 64)),
        "more",
    ),
)
"""What records of people are compared by; the frequencies say how many records share a name at all."""

_SAME: Final = ("same", "same_of_few", "same_of_some", "same_of_many")
_PERSON_RULES: Final = {
    "email_last_name": ("email", "last_name"),
    "email_first_name": ("email", "first_name"),
    "phone_name": ("first_name", "last_name", "phone"),
    "name_postal_code": ("first_name", "last_name", "postal_code"),
    "name_street": ("first_name", "last_name", "street"),
    "name_company": ("first_name", "last_name", "company"),
}
"""What has to be the same for a deterministic rule to join two people (dbt_project/models/identity)."""
NO_RULE: Final = "model"


def shared_rules(patterns: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    """The first deterministic rule that each pattern satisfies; NO_RULE where only the model can join two people."""
    is_same = {}
    for place, one in enumerate(PERSON):
        same = np.array([level in _SAME for level in one.levels] + [False] * (1 << BITS))
        is_same[one.name] = same[(patterns >> (BITS * place)) & ((1 << BITS) - 1)]
    shared = [np.logical_and.reduce([is_same[name] for name in names]) for names in _PERSON_RULES.values()]
    return np.select(shared, list(_PERSON_RULES), default=NO_RULE)
