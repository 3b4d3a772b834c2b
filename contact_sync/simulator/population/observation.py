"""People and companies as systems have written them down: late, incomplete and misspelt, at rates seen in real CRMs.

The columns made here are common to all systems; how each system stores them is in crm.py, erp.py and trade_show.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contact_sync.simulator.population import mess, pools
from contact_sync.simulator.population.mess import RATES
from contact_sync.simulator.population.pools import Text
from contact_sync.simulator.population.society import Addresses, Companies, Numbers, People, Society, slug

_LEGAL_FORMS = {form for culture in pools.CULTURES for form in culture.legal_forms}


@dataclass(frozen=True)
class Observed:
    """Records of people, one row each: `person` is who it is in truth, `company` a company number or -1."""

    person: Numbers
    company: Numbers
    first_name: Text
    last_name: Text
    salutation: Text
    title: Text
    email: Text
    phone: Text
    mobile: Text
    address: Addresses
    note: Text


def observe(random: np.random.Generator, society: Society, person: Numbers) -> Observed:
    """Write these people down once each, independently of what other records say."""
    people, count = society.people, len(person)
    changed_job = random.random(count) < RATES.new_job
    company = np.where(changed_job, people.next_company[person], people.company[person])
    first, last = _names(random, people, person)
    moved = random.random(count) < RATES.moved
    address = _choose(moved, people.next_home.take(person), people.home.take(person))
    salutation = np.where(people.is_woman[person], "Ms.", "Mr.").astype(object)
    mess.change(random, salutation, RATES.other_salutation, lambda _, die: ("Dr.", "Prof.", "Mx.")[die % 3])
    mess.blank(random, salutation, RATES.no_salutation)
    title = np.where(changed_job, people.next_title[person], people.title[person])
    mess.blank(random, title, RATES.no_title)
    email = _emails(random, society, person, company)
    phone = _phones(random, society, person, company)
    mobile = people.mobile[person].copy()
    mess.change(random, mobile, 1.0, mess.written_phone)
    mess.blank(random, mobile, RATES.no_mobile)
    company = np.where(random.random(count) < RATES.no_company, -1, company)
    return Observed(
        person, company, first, last, salutation, title, email, phone, mobile, address, _notes(random, count)
    )


def written_companies(random: np.random.Generator, companies: Companies, number: Numbers) -> Text:
    """Company names as written down: without legal form, in capitals, misspelt."""
    name = companies.name[number].copy()
    mess.change(random, name, 0.3, lambda value, _: _without_legal_form(value))
    mess.change(random, name, 0.06, mess.upper)
    mess.change(random, name, 0.04, mess.typo)
    return name


def _names(random: np.random.Generator, people: People, person: Numbers) -> tuple[Text, Text]:
    first, last = people.first_name[person].copy(), people.last_name[person].copy()
    renamed = people.is_woman[person] & (random.random(len(person)) < RATES.new_surname_of_women)
    last[renamed] = people.married_name[person][renamed]
    suffix = people.suffix[person]
    for row in np.nonzero((suffix != None) & (random.random(len(person)) < RATES.suffix_written))[0]:  # noqa: E711 - elementwise
        last[row] = f"{last[row]} {suffix[row]}"
    mess.change(random, first, RATES.nickname, mess.nickname)
    mess.change(random, first, RATES.typo, mess.typo)
    mess.change(random, last, RATES.typo, mess.typo)
    mess.change(random, first, RATES.initial_only, mess.initial)
    mess.change(random, last, RATES.upper_case, mess.upper)
    mess.change(random, last, RATES.surname_null, lambda _value, _die: "Null")
    swapped = mess.some(random, len(person), RATES.swapped_names)
    first[swapped], last[swapped] = last[swapped], first[swapped].copy()
    mess.blank(random, first, RATES.no_first_name)
    return first, last


def _emails(random: np.random.Generator, society: Society, person: Numbers, company: Numbers) -> Text:
    people, companies = society.people, society.companies
    private = (random.random(len(person)) < RATES.private_email) | (company < 0)
    email = np.empty(len(person), dtype=object)
    for row, (who, firm, is_private) in enumerate(zip(person, company, private, strict=True)):
        name = f"{slug(people.first_name[who])}.{slug(people.last_name[who])}"
        # The number keeps private addresses of namesakes apart; at work they share one, as in life.
        email[row] = f"{name}{who}@{people.private_host[who]}" if is_private else f"{name}@{companies.domain[firm]}"
    for row in mess.some(random, len(person), RATES.role_mailbox):
        host = "example.com" if company[row] < 0 else companies.domain[company[row]]
        email[row] = f"{pools.ROLE_MAILBOXES[row % len(pools.ROLE_MAILBOXES)]}@{host}"
    mess.change(random, email, RATES.tagged_email, mess.tagged)
    mess.change(random, email, RATES.upper_case, mess.upper)
    mess.change(random, email, RATES.placeholder, lambda _, die: pools.PLACEHOLDER_EMAILS[die % 4])
    mess.blank(random, email, RATES.no_email)
    return email


def _phones(random: np.random.Generator, society: Society, person: Numbers, company: Numbers) -> Text:
    main_line = society.companies.phone[np.maximum(company, 0)]
    at_work = (random.random(len(person)) < RATES.work_phone) & (company >= 0)
    phone = np.where(at_work, main_line, society.people.home_phone[person])
    mess.change(random, phone, 1.0, mess.written_phone)
    mess.change(random, phone, RATES.extension, mess.extension)
    mess.change(random, phone, RATES.placeholder, lambda _, die: pools.PLACEHOLDER_PHONES[die % 4])
    mess.blank(random, phone, RATES.no_phone)
    return phone


def _choose(condition: npt.NDArray[np.bool_], yes: Addresses, no: Addresses) -> Addresses:
    pairs = {name: np.where(condition, column, vars(no)[name]) for name, column in vars(yes).items()}
    return Addresses(**pairs)


def lose_parts(random: np.random.Generator, address: Addresses) -> Addresses:
    """An address with street and postal code missing here and there."""
    street, postal_code = address.street.copy(), address.postal_code.copy()
    mess.blank(random, street, RATES.no_street)
    mess.change(random, street, RATES.second_line_of_street, lambda value, die: f"{value}\nBuilding {die % 9 + 1}")
    mess.change(
        random, street, RATES.second_line_of_street, lambda value, die: f"c/o Front Desk\r\n{value}, Floor {die % 20}"
    )
    mess.blank(random, postal_code, RATES.no_postal_code)
    return Addresses(**{**vars(address), "street": street, "postal_code": postal_code})


def _notes(random: np.random.Generator, count: int) -> Text:
    note = np.array(pools.NOTES, dtype=object)[random.integers(len(pools.NOTES), size=count)]
    mess.blank(random, note, RATES.no_note)
    return note


def _without_legal_form(name: str) -> str:
    for form in sorted(_LEGAL_FORMS, key=len, reverse=True):
        if name.endswith(f" {form}"):
            return name.removesuffix(f" {form}")
    return name
