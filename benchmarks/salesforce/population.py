"""Contacts of an org as people make them, whatever their number: as they are first, and after a day of edits.

Names, streets and companies are as varied as real ones, so that two records share them as seldom at ten million as at
half a million; every tenth record is the second one of somebody. Seeded by the page. Does not belong here: rendering
them (bodies.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesforce.bodies import DELETED, FIELDS, NULL, SEED, datetimes, digits, join, pick, sentences

EDITS: Final = {
    "a note": 0.60,
    "the title": 0.20,
    "a phone number": 0.10,
    "the address": 0.05,
    "the e-mail address": 0.03,
    "the last name": 0.02,
}
"""What a day's edit of a record changes beside its time, and how often: one of these each."""
_SECOND: Final = 10
_NATIONAL: Final = 0.10
"""Which part of the numbers is written as within its country, which takes a library to read."""
_LATER: Final = (1_765_000_000, 1_785_000_000)
"""Seconds since 1970 between which Contacts are edited: after all times of the first day."""
_PER_ACCOUNT: Final = 7
_FIRST_NAMES: Final = (20, 5_000)
_LAST_NAMES: Final = (50, 200_000)
_STREETS: Final = (20, 100_000)
"""The commonest and the rarest rank: how often a name occurs falls with its rank, as that of real names does."""
_SYLLABLES: Final = [
    *("an", "bel", "car", "da", "el", "fran", "gar", "hol", "is", "jo", "kar", "la", "mar", "nor", "ol", "per", "ri"),
    *("sa", "to", "ul", "ver", "win", "ya", "zel", "mü", "jör", "lé", "ñez", "sø", "ço", "ber", "son", "sen", "ton"),
    *("mann", "ova", "ski", "ini", "ez", "ham"),
]
_COUNTRIES: Final = ["Germany", "France", "United States", "Brazil", "Netherlands", "United Kingdom"]
_CITIES: Final = ["Köln", "Saint-Étienne", "Winston-Salem", "São Paulo", "'s-Hertogenbosch", "Leeds"]
_STATES: Final = ["NRW", None, "NC", "SP", None, None]
_ABROAD: Final = ["+49 30 ", "+33 1 4", "+1 212-5", "+55 11 9", "+31 20 ", "+44 20 7"]
_AT_HOME: Final = ["030/", "01 4", "212.5", "(11) 9", "020-", "020 7"]
_NUMBER_LENGTHS: Final = [7, 7, 6, 8, 7, 7]
_TITLES: Final = [
    "CEO",
    'Head of "Growth"',
    "Engineer II",
    "VP, Sales",
    "Teamleiterin",
    "Buyer",
    "Chef de projet",
    "CFO",
]
_SOURCES: Final = ["Web", "Trade Show", "Partner Referral", "Phone Inquiry", "Other"]


def first_day(start: int, rows: int) -> pa.Table:
    """Contacts number `start` to `start + rows`: text as Salesforce has it, empty values null."""
    random = np.random.default_rng([SEED, start])
    return _table(_contacts(random, start, rows))


def next_day(start: int, rows: int) -> pa.Table:
    """The same Contacts after a day in which each of them was edited: EDITS."""
    before = _contacts(np.random.default_rng([SEED, start]), start, rows)
    random = np.random.default_rng([SEED, start, 1])
    other = _contacts(np.random.default_rng([SEED, start, 2]), start, rows)
    kind = random.choice(len(EDITS), rows, p=list(EDITS.values()))
    edited = datetimes(random.integers(*_LATER, rows))
    after = {**before, "LastModifiedDate": edited, "SystemModstamp": edited}
    changed = (
        ("Description",),
        ("Title",),
        ("Phone", "MobilePhone"),
        ("MailingStreet", "MailingPostalCode"),
        ("Email",),
        ("LastName",),
    )
    other["Email"] = join("new.", other["Email"])
    for number, names in enumerate(changed):
        for name in names:
            after[name] = pc.if_else(pa.array(kind == number), other[name], before[name])
    return _table(after)


def _contacts(random: np.random.Generator, start: int, rows: int) -> dict[str, Any]:
    number = np.arange(start, start + rows)
    # The second record of somebody follows the first one.
    place = np.arange(rows) - ((number % _SECOND == _SECOND - 1) & (np.arange(rows) > 0))
    person, account = _text(number[place]), number // _PER_ACCOUNT
    country = random.integers(0, len(_COUNTRIES), rows)
    first, last = _names(random, rows, _FIRST_NAMES).take(place), _names(random, rows, _LAST_NAMES).take(place)
    made = random.integers(1_400_000_000, 1_700_000_000, rows)
    changed = datetimes(made + random.integers(0, 60_000_000, rows))
    return {
        "Id": join("003Hr", pc.utf8_lpad(_text(number), 10, "0"), "IAA"),
        "AccountId": join("001Hr", pc.utf8_lpad(_text(account), 10, "0"), "IAA"),
        "Salutation": _some(random, pick(random, rows, ["Ms.", "Mr.", "Dr."])),
        "FirstName": first,
        "LastName": last,
        "Title": _some(random, pick(random, rows, _TITLES)),
        "Email": _some(
            random, join(pc.utf8_slice_codeunits(_plain(last), 0, 5), person, "@firm", _text(account), ".com")
        ),
        "Phone": _some(random, _phone(random, country)),
        "MobilePhone": _some(random, _phone(random, country)),
        "MailingStreet": join(_names(random, rows, _STREETS), " Street ", digits(random, rows, 2)),
        "MailingCity": pa.array(_CITIES).take(pa.array(country)),
        "MailingState": pa.array(_STATES, pa.string()).take(pa.array(country)),
        "MailingPostalCode": digits(random, rows, 5),
        "MailingCountry": pa.array(_COUNTRIES).take(pa.array(country)),
        "LeadSource": _some(random, pick(random, rows, _SOURCES)),
        "Description": _some(random, sentences(random, rows)),
        "CreatedDate": datetimes(made),
        "LastModifiedDate": changed,
        "SystemModstamp": changed,
        "IsDeleted": pc.if_else(pa.array(random.random(rows) < DELETED), "true", "false"),
    }


def _table(columns: Mapping[str, Any]) -> pa.Table:
    return pa.table({name: pa.array(columns[name], pa.string()) for name in FIELDS})


def _names(random: np.random.Generator, rows: int, ranks: tuple[int, int]) -> pa.Array:
    """Names of syllables, one for each rank; a rank is as often as it is small."""
    commonest, rarest = ranks
    rank = (commonest * (rarest / commonest) ** random.random(rows)).astype(np.int64)
    syllables, base = pa.array(_SYLLABLES), len(_SYLLABLES)
    parts = [syllables.take(pa.array(rank // base**place % base)) for place in range(3)]
    return pc.utf8_capitalize(join(*parts))


def _plain(names: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_lower(names), "[^a-z]", "")


def _phone(random: np.random.Generator, country: np.ndarray[Any, Any]) -> pa.Array:
    """Numbers of the records' countries."""
    rows = len(country)
    where = pa.array(country)
    is_national = pa.array(random.random(rows) < _NATIONAL)
    start = pc.if_else(is_national, pa.array(_AT_HOME).take(where), pa.array(_ABROAD).take(where))
    number = digits(random, rows, max(_NUMBER_LENGTHS))
    lengths = np.array(_NUMBER_LENGTHS)[country]
    cut = [pc.utf8_slice_codeunits(number, 0, int(length)) for length in sorted(set(_NUMBER_LENGTHS))]
    chosen = pa.array(np.searchsorted(sorted(set(_NUMBER_LENGTHS)), lengths))
    return join(start, pc.choose(chosen, *cut))


def _text(numbers: np.ndarray[Any, Any]) -> pa.Array:
    return pa.array(numbers).cast(pa.string())


def _some(random: np.random.Generator, values: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(random.random(len(values)) < NULL), None, values)
