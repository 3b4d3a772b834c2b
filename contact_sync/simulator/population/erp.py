"""The rows of the ERP: customers, their contacts and their orders. How they get into PostgreSQL is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from contact_sync.simulator.population import mess
from contact_sync.simulator.population.crm import with_duplicates
from contact_sync.simulator.population.observation import lose_parts, observe, written_companies
from contact_sync.simulator.population.pools import Text
from contact_sync.simulator.population.society import Numbers, Society
from contact_sync.simulator.population.times import history, to_datetimes

Table = dict[str, list[object]]
_CURRENCIES = {"United States": "USD", "United Kingdom": "GBP", "Poland": "PLN", "Sweden": "SEK"}
_BLOCKED = 0.03
_INACTIVE = 0.05


@dataclass(frozen=True)
class ErpRecords:
    """Tables by name (`customer`, `contact`, `order`) as columns, and who each row is in truth."""

    tables: dict[str, Table]
    person_of: dict[str, int]
    company_of: dict[str, int]


def make_erp(
    random: np.random.Generator,
    society: Society,
    *,
    companies: Numbers,
    people: Numbers,
    contacts: int,
    orders: int,
    as_of: datetime,
) -> ErpRecords:
    """One customer for each company; every contact works for the customer it is filed under."""
    numbers = [f"{100_000 + row:08d}" for row in range(len(companies))]
    customer_of = dict(zip(companies.tolist(), numbers, strict=True))
    persons = with_duplicates(random, people, contacts)
    tables = {
        "customer": _customers(random, society, companies, numbers, as_of),
        "contact": _contacts(random, society, persons, customer_of, as_of),
        "order": _orders(random, society.companies.address.country[companies], numbers, count=orders, as_of=as_of),
    }
    contact_keys = [f"erp__contact/main/{number}" for number in tables["contact"]["contact_number"]]
    customer_keys = [f"erp__customer/main/{number}" for number in numbers]
    return ErpRecords(
        tables,
        dict(zip(contact_keys, persons.tolist(), strict=True)),
        dict(zip(customer_keys, companies.tolist(), strict=True)),
    )


def _customers(
    random: np.random.Generator, society: Society, companies: Numbers, numbers: list[str], as_of: datetime
) -> Table:
    firms, count = society.companies, len(companies)
    address = lose_parts(random, firms.address.take(companies))
    name = written_companies(random, firms, companies)
    mess.change(random, name, 0.2, mess.upper)
    phone = firms.phone[companies]
    mess.change(random, phone, 1.0, mess.written_phone)
    mess.blank(random, phone, 0.15)
    vat_number = firms.vat_number[companies]
    mess.blank(random, vat_number, 0.2)
    website = firms.domain[companies]
    mess.blank(random, website, 0.4)
    terms = np.array(["NET30", "NET14", "NET60", "PREPAID"], dtype=object)[random.integers(4, size=count)]
    credit = np.round(random.random(count) * 200_000, 2).astype(object)
    mess.blank(random, credit, 0.1)
    return {
        "customer_number": list(numbers),
        "name": list(name),
        "vat_number": list(vat_number),
        "phone": list(phone),
        "website": list(website),
        "street": list(address.street),
        "city": list(address.city),
        "state": list(address.state),
        "postal_code": list(address.postal_code),
        "country": list(address.country),
        "credit_limit": list(credit),
        "payment_terms": list(terms),
        "is_blocked": (random.random(count) < _BLOCKED).tolist(),
        **_audit(random, count, as_of),
    }


def _contacts(
    random: np.random.Generator, society: Society, persons: Numbers, customer_of: dict[int, str], as_of: datetime
) -> Table:
    seen, count = observe(random, society, persons), len(persons)
    address = lose_parts(random, seen.address)
    at_home = society.people.company[persons].tolist()
    customer = [
        customer_of.get(now) or customer_of[known] for now, known in zip(seen.company.tolist(), at_home, strict=True)
    ]
    first_name = seen.first_name.copy()
    mess.blank(random, first_name, 0.03)
    return {
        "contact_number": list(range(500_001, 500_001 + count)),
        "customer_number": list(customer),
        "first_name": list(first_name),
        "last_name": list(seen.last_name),
        "email": list(seen.email),
        "phone": list(seen.phone),
        "mobile_phone": list(seen.mobile),
        "job_title": list(seen.title),
        "street": list(address.street),
        "city": list(address.city),
        "state": list(address.state),
        "postal_code": list(address.postal_code),
        "country": list(address.country),
        "is_active": (random.random(count) >= _INACTIVE).tolist(),
        **_audit(random, count, as_of),
    }


def _orders(random: np.random.Generator, country_of: Text, numbers: list[str], *, count: int, as_of: datetime) -> Table:
    at = random.integers(len(numbers), size=count)
    audit = _audit(random, count, as_of)
    delay = random.integers(1, 3_600, size=count).tolist()
    statuses = np.array(["open", "shipped", "invoiced", "cancelled"], dtype=object)
    return {
        "order_number": [f"SO-{number:07d}" for number in range(1, count + 1)],
        "customer_number": [numbers[row] for row in at],
        "ordered_at": [made - timedelta(seconds=late) for made, late in zip(audit["created_at"], delay, strict=True)],  # type: ignore[operator]
        "amount": np.round(np.exp(random.normal(7.5, 1.3, size=count)), 2).tolist(),
        "currency": [_CURRENCIES.get(one, "EUR") for one in country_of[at]],
        "status": list(statuses[random.integers(4, size=count)]),
        **audit,
    }


def _audit(random: np.random.Generator, count: int, as_of: datetime) -> Table:
    times = history(random, count, as_of)
    # PostgreSQL keeps microseconds, so the rows of this system have them.
    micros = [timedelta(microseconds=extra) for extra in random.integers(0, 1_000, size=count).tolist()]
    created = [at + extra for at, extra in zip(to_datetimes(times.created), micros, strict=True)]
    updated = [min(at + extra, as_of) for at, extra in zip(to_datetimes(times.modified), micros, strict=True)]
    return {"created_at": list(created), "updated_at": list(updated)}
