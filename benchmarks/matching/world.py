"""One list of contacts from five systems with the truth behind it: as hard to match as what CRMs hold.

People are written down one to five times (1.89 on average) with the mess of the simulator's population. On top of it
names follow Zipf's law, a few employers are large, whole towns share a hundred postal codes, and three companies in ten
give out mailboxes of an initial and a surname, which people of one family name share. Nothing identifies a person by
itself. Does not belong here: matching.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
import pyarrow as pa

from contact_sync.simulator.population import pools
from contact_sync.simulator.population.observation import Observed, lose_parts, observe, written_companies
from contact_sync.simulator.population.pools import Text
from contact_sync.simulator.population.society import Addresses, Demography, Numbers, Society, make_society

RECORDS_PER_PERSON: Final = 1.89
_WRITTEN_DOWN: Final = {1: 0.45, 2: 0.31, 3: 0.15, 4: 0.07, 5: 0.02}
_UNEQUAL: Final = Demography(common_names=1.0, large_employers=1.8)
_PEOPLE_PER_COMPANY: Final = 8
_STREET_NAMES: Final = 60
_POSTAL_CODES: Final = 100
_HOUSES: Final = 399
_MOBILE_AS_PHONE: Final = 0.25
_STREETS: Final = {
    "United States": ("{} Street", "{} Avenue", "{} Road", "{} Lane", "{} Drive"),
    "United Kingdom": ("{} Road", "{} Lane", "{} Close"),
    "France": ("rue {}", "avenue {}"),
    "Germany": ("{}straße", "{}weg", "{}gasse"),
    "Poland": ("ulica {}", "aleja {}"),
    "Sweden": ("{}vägen", "{}gatan"),
}
_NUMBER_FIRST: Final = ("United States", "United Kingdom", "France")


def make_contacts(records: int, seed: int, *, has_mobile_phones: bool = False) -> pa.Table:
    """This many contacts: record_key, person (the truth), and the columns of people as written down.

    has_mobile_phones: with a column of their own; otherwise a contact has one phone number, whichever it is.
    """
    random = np.random.default_rng([seed, records])
    people = int(records / RECORDS_PER_PERSON)
    society = make_society(random, people=people, companies=max(1, people // _PEOPLE_PER_COMPANY), demography=_UNEQUAL)
    _rename_streets(random, society)
    times = random.choice(list(_WRITTEN_DOWN), p=list(_WRITTEN_DOWN.values()), size=people)
    person = random.permutation(np.repeat(np.arange(people), times))[:records]
    return _table(random, society, observe(random, society, person), has_mobile_phones=has_mobile_phones)


def _table(random: np.random.Generator, society: Society, seen: Observed, *, has_mobile_phones: bool) -> pa.Table:
    address = lose_parts(random, seen.address)
    company = written_companies(random, society.companies, np.maximum(seen.company, 0))
    company[seen.company < 0] = None
    phone, mobile = seen.phone, seen.mobile
    if not has_mobile_phones:
        instead = (mobile != None) & (random.random(len(phone)) < _MOBILE_AS_PHONE)  # noqa: E711 -- elementwise
        phone[instead] = mobile[instead]
        mobile[:] = None
    columns: dict[str, Text | Numbers] = {
        "record_key": np.array([f"record-{number:08d}" for number in range(len(phone))], dtype=object),
        "person": seen.person,
        "first_name": seen.first_name,
        "last_name": seen.last_name,
        "email": _shortened(seen.email),
        "phone": phone,
        "mobile_phone": mobile,
        "job_title": seen.title,
        "company_name": company,
        "street": address.street,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "country": address.country,
    }
    types = {"person": pa.int64()}
    return pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in columns.items()})


def _rename_streets(random: np.random.Generator, society: Society) -> None:
    """Streets named after families, in towns of a hundred postal codes; households go on living together."""
    families = {one.country: one.names()[2][:_STREET_NAMES] for one in pools.CULTURES}
    phone = society.people.home_phone
    joins = np.zeros(len(phone), dtype=bool)
    joins[1:] = phone[1:] == phone[:-1]
    for address, is_shared in ((society.people.home, joins), (society.people.next_home, np.zeros_like(joins))):
        for row, die in enumerate(random.integers(10**9, size=len(phone)).tolist()):
            if is_shared[row]:
                address.street[row], address.postal_code[row] = address.street[row - 1], address.postal_code[row - 1]
            else:
                _move(address, row, die, families)


def _move(address: Addresses, row: int, die: int, families: dict[str, tuple[str, ...] | Text]) -> None:
    country = address.country[row]
    kinds, names = _STREETS[country], families[country]
    name = kinds[die % len(kinds)].format(names[die // 7 % len(names)])
    house = die // 7919 % _HOUSES + 1
    address.street[row] = f"{house} {name}" if country in _NUMBER_FIRST else f"{name} {house}"
    if country != "United Kingdom":
        address.postal_code[row] = f"{address.postal_code[row][:1]}{die // 31 % _POSTAL_CODES:04d}"


def _shortened(email: Text) -> Text:
    """jane.doe@ -> jdoe@, at the companies that do so."""
    for row, address in enumerate(email):
        user, _, host = (address or "").partition("@")
        first, dot, last = user.partition(".")
        if dot and host.lower().endswith(".example") and zlib.crc32(host.lower().encode()) % 10 < 3:  # noqa: PLR2004 -- three in ten
            email[row] = f"{first[0]}{last}@{host}"
    return email
