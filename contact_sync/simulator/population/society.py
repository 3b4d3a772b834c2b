"""The people and companies that exist, before any system has written them down.

One row is one person or one company; the row number is the truth that matching is later measured against. Values are
clean here. What systems make of them is in observation.py.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contact_sync.simulator.population import pools
from contact_sync.simulator.population.pools import Text

Numbers = npt.NDArray[np.int64]
# As many as numbers of the country have, the area code included.
_NATIONAL_DIGITS = {"33": 9, "44": 10, "46": 9, "48": 9, "49": 11}
_HOUSEHOLDS = 0.18
_NAMES_BEFORE_THE_FIRST = 3
_NAMESAKES = 0.007
_UNEMPLOYED = 0.04
_WOMEN = 0.5
_TRANSLITERATION = str.maketrans("ßŁłøæ&", "sLloa ")


@dataclass(frozen=True)
class Addresses:
    """Postal addresses, one row each; text arrays of equal length, `state` and others may be None."""

    street: Text
    city: Text
    state: Text
    postal_code: Text
    country: Text
    area: Text
    dial: Text

    def take(self, rows: Numbers) -> Addresses:
        """The addresses of these rows."""
        return Addresses(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Companies:
    """Companies by number."""

    name: Text
    domain: Text
    phone: Text
    industry: Text
    revenue: npt.NDArray[np.float64]
    employees: Numbers
    vat_number: Text
    address: Addresses


@dataclass(frozen=True)
class People:
    """People by number; `company` and `next_company` are company numbers, -1 for none."""

    first_name: Text
    last_name: Text
    married_name: Text
    is_woman: npt.NDArray[np.bool_]
    suffix: Text
    company: Numbers
    next_company: Numbers
    title: Text
    next_title: Text
    mobile: Text
    home_phone: Text
    home: Addresses
    next_home: Addresses
    private_host: Text

    def __len__(self) -> int:
        return len(self.first_name)


@dataclass(frozen=True)
class Society:
    """Everyone, and where they work."""

    people: People
    companies: Companies


@dataclass(frozen=True, kw_only=True)
class Demography:
    """How unequal a society is.

    common_names: exponent of Zipf's law for names, 0 for all names alike. large_employers: spread of company sizes
    (sigma of a log-normal distribution), 0 for all companies alike.
    """

    common_names: float = 0.0
    large_employers: float = 0.0


def make_society(
    random: np.random.Generator, *, people: int, companies: int, demography: Demography | None = None
) -> Society:
    """Draw a society of this size, one of equals unless told otherwise."""
    demography = demography or Demography()
    firms = _companies(random, companies, first_number=people)
    return Society(_people(random, people, firms, demography), firms)


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits, words joined by hyphens; as in a domain or an e-mail address."""
    special = text.translate(_TRANSLITERATION)
    plain = unicodedata.normalize("NFKD", special).encode("ascii", "ignore").decode()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in plain.lower()).split())


def phone_numbers(dial: Text, area: Text, numbers: Numbers) -> Text:
    """Numbers in international form with as many digits as the country's have.

    US ones end in 555-01xx, their area code spreads them.
    """
    return np.array(
        [_phone(str(one), str(code), int(number)) for one, code, number in zip(dial, area, numbers, strict=True)],
        dtype=object,
    )


def _phone(dial: str, area: str, number: int) -> str:
    if dial == "1":
        # 78,900 numbers are reserved for fiction; a larger world goes on to the next exchange.
        return f"+1{200 + number // 100 % 789}{555 + number // 78_900}01{number % 100:02d}"
    subscriber_digits = _NATIONAL_DIGITS[dial] - len(area)
    return f"+{dial}{area}{5 * 10 ** (subscriber_digits - 1) + number}"


def _addresses(random: np.random.Generator, count: int, culture: Numbers) -> Addresses:
    columns: dict[str, Text] = {name: np.empty(count, dtype=object) for name in Addresses.__dataclass_fields__}
    for number, one in enumerate(pools.CULTURES):
        (rows,) = np.nonzero(culture == number)
        place = random.integers(len(one.places), size=len(rows))
        street = random.integers(len(one.streets), size=len(rows))
        house = random.integers(1, 400, size=len(rows))
        code = random.integers(0, 10**6, size=len(rows))
        for row, at, road, door, digits in zip(rows, place, street, house, code, strict=True):
            where = one.places[at]
            before = one.country in ("United States", "United Kingdom", "France")
            columns["street"][row] = f"{door} {one.streets[road]}" if before else f"{one.streets[road]} {door}"
            columns["city"][row] = where.city
            columns["state"][row] = where.state or None
            columns["postal_code"][row] = _postal_code(one, where, int(digits))
            columns["country"][row] = one.country
            columns["area"][row] = where.area
            columns["dial"][row] = one.dial
    return Addresses(**columns)


def _postal_code(culture: pools.Culture, place: pools.Place, digits: int) -> str:
    if culture.country == "United Kingdom":
        return f"{place.zip_prefix}{digits % 9 + 1}{'ABDEFGHJLN'[digits % 10]}{'PQRSTUWXYZ'[digits // 10 % 10]}"
    return place.zip_prefix + f"{digits:06d}"[: culture.zip_length - len(place.zip_prefix)]


def _cultures(random: np.random.Generator, count: int) -> Numbers:
    weights = np.array([one.weight for one in pools.CULTURES])
    return random.choice(len(pools.CULTURES), size=count, p=weights / weights.sum()).astype(np.int64)


def _draw(random: np.random.Generator, pool: tuple[str, ...] | Text, count: int) -> Text:
    return np.array(pool, dtype=object)[random.integers(len(pool), size=count)]


def _draw_name(random: np.random.Generator, pool: tuple[str, ...] | Text, count: int, demography: Demography) -> Text:
    if not demography.common_names:
        return _draw(random, pool, count)
    weights = 1 / np.arange(_NAMES_BEFORE_THE_FIRST, len(pool) + _NAMES_BEFORE_THE_FIRST) ** demography.common_names
    return np.array(pool, dtype=object)[random.choice(len(pool), size=count, p=weights / weights.sum())]


def _draw_employer(random: np.random.Generator, companies: int, count: int, demography: Demography) -> Numbers:
    if not demography.large_employers:
        return random.integers(companies, size=count)
    sizes = np.random.default_rng(companies).lognormal(0, demography.large_employers, size=companies)
    return random.choice(companies, size=count, p=sizes / sizes.sum()).astype(np.int64)


def _companies(random: np.random.Generator, count: int, *, first_number: int) -> Companies:
    culture = _cultures(random, count)
    address = _addresses(random, count, culture)
    first, second = _draw(random, pools.COMPANY_FIRST, count), _draw(random, pools.COMPANY_SECOND, count)
    seen: Counter[str] = Counter()
    names, domains = np.empty(count, dtype=object), np.empty(count, dtype=object)
    for row in range(count):
        base = f"{first[row]} {second[row]} {address.city[row]}"
        seen[base] += 1
        base = base if seen[base] == 1 else f"{base} {seen[base]}"
        forms = pools.CULTURES[culture[row]].legal_forms
        names[row] = f"{base} {forms[row % len(forms)]}"
        domains[row] = f"{slug(base)}.example"
    return Companies(
        name=names,
        domain=domains,
        phone=phone_numbers(address.dial, address.area, 2 * first_number + random.permutation(count)),
        industry=_draw(random, pools.INDUSTRIES, count),
        revenue=np.round(np.exp(random.normal(15.5, 1.6, size=count)), -3).astype(np.float64),
        employees=np.exp(random.normal(4.2, 1.5, size=count)).astype(np.int64) + 1,
        vat_number=np.array([f"X{number:09d}" for number in random.permutation(count)], dtype=object),
        address=address,
    )


def _people(random: np.random.Generator, count: int, firms: Companies, demography: Demography) -> People:
    culture = _cultures(random, count)
    is_woman = random.random(count) < _WOMEN
    first, last, married = (np.empty(count, dtype=object) for _ in range(3))
    for number, one in enumerate(pools.CULTURES):
        women, men, families = one.names()
        (rows,) = np.nonzero(culture == number)
        hers, his, born, married[rows] = (
            _draw_name(random, pool, len(rows), demography) for pool in (women, men, families, families)
        )
        first[rows], last[rows] = np.where(is_woman[rows], hers, his), born
    home, next_home = _addresses(random, count, culture), _addresses(random, count, culture)
    home_phone = phone_numbers(home.dial, home.area, count + random.permutation(count))
    company = _draw_employer(random, len(firms.name), count, demography)
    _join_households(random, last, home, home_phone)
    people = People(
        first_name=first,
        last_name=last,
        married_name=married,
        is_woman=is_woman,
        suffix=np.full(count, None, dtype=object),
        company=np.where(random.random(count) < _UNEMPLOYED, -1, company),
        next_company=_draw_employer(random, len(firms.name), count, demography),
        title=_draw(random, pools.TITLES, count),
        next_title=_draw(random, pools.TITLES, count),
        mobile=phone_numbers(home.dial, home.area, random.permutation(count)),
        home_phone=home_phone,
        home=home,
        next_home=next_home,
        private_host=_draw(random, pools.MAIL_HOSTS, count),
    )
    _add_namesakes(random, people)
    return people


def _join_households(random: np.random.Generator, last: Text, home: Addresses, home_phone: Text) -> None:
    """People that live with the one before them: same family name, address and phone."""
    (joining,) = np.nonzero(random.random(len(last)) < _HOUSEHOLDS / 2)
    joining = joining[joining % 2 == 1]
    for column in (last, home_phone, *vars(home).values()):
        column[joining] = column[joining - 1]


def _add_namesakes(random: np.random.Generator, people: People) -> None:
    """Sons of the same name, address and employer as their fathers: Jr. and Sr."""
    (sons,) = np.nonzero(random.random(len(people)) < _NAMESAKES)
    sons = sons[(sons % 2 == 0) & (sons > 0)]
    sons = sons[~people.is_woman[sons] & ~people.is_woman[sons - 1]]
    shared = (people.first_name, people.last_name, people.company, people.home_phone, *vars(people.home).values())
    for column in shared:
        column[sons] = column[sons - 1]
    people.suffix[sons], people.suffix[sons - 1] = "Jr.", "Sr."
