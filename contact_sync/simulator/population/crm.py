"""The records of one Salesforce org, as columns ready to load: who is in it, with duplicates, deletes and merges.

Row rules of Salesforce are kept here by construction (lengths, derived names, times in order); times are UTC text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from contact_sync.simulator.population import mess, pools
from contact_sync.simulator.population.activities import TASK_SUBJECTS, appointments, days, subjects
from contact_sync.simulator.population.observation import Observed, lose_parts, observe, written_companies
from contact_sync.simulator.population.pools import Columns, Text
from contact_sync.simulator.population.society import Addresses, Numbers, Society
from contact_sync.simulator.population.times import history, salesforce_text
from contact_sync.simulator.salesforce.derived import STAGE_PROBABILITY
from contact_sync.simulator.salesforce.ids import make_id, pod_of
from contact_sync.simulator.salesforce.objects import find_object

_DELETED = 0.01
_MERGED = 0.3
_USERS = 4


@dataclass(frozen=True)
class OrgRecords:
    """Objects of an org as columns, and which person or company each record is in truth."""

    objects: dict[str, Columns]
    person_of: dict[str, int]
    company_of: dict[str, int]


@dataclass(frozen=True)
class OrgSize:
    """How many records of each object an org has."""

    contacts: int
    accounts: int
    leads: int
    opportunities: int
    cases: int
    tasks: int
    events: int


class OrgMaker:
    """Makes the records of one org out of the people and companies it knows."""

    def __init__(self, random: np.random.Generator, society: Society, instance: str, as_of: datetime) -> None:
        self._random = random
        self._society = society
        self._instance = instance
        self._as_of = as_of

    def make(self, size: OrgSize, *, people: Numbers, companies: Numbers, lead_people: Numbers) -> OrgRecords:
        """All objects of the org."""
        firms = with_duplicates(self._random, companies, size.accounts)
        persons = with_duplicates(self._random, people, size.contacts)
        prospects = with_duplicates(self._random, lead_people, size.leads)
        account = self._accounts(firms)
        contact = self._contacts(observe(self._random, self._society, persons), account["Id"], firms)
        lead = self._leads(observe(self._random, self._society, prospects))
        objects = {
            "Account": account,
            "Contact": contact,
            "Lead": lead,
            "Opportunity": self._opportunities(size.opportunities, account, contact),
            "Case": self._cases(size.cases, contact),
        }
        objects |= {"Task": self._tasks(size.tasks, objects), "Event": self._events(size.events, objects)}
        person_of = self._keys("contact", contact["Id"], persons) | self._keys("lead", lead["Id"], prospects)
        return OrgRecords(objects, person_of, self._keys("account", account["Id"], firms))

    def _accounts(self, firms: Numbers) -> Columns:
        count, companies = len(firms), self._society.companies
        address = lose_parts(self._random, companies.address.take(firms))
        phone = companies.phone[firms]
        mess.change(self._random, phone, 1.0, mess.written_phone)
        mess.blank(self._random, phone, 0.2)
        website = np.array([f"https://www.{domain}" for domain in companies.domain[firms]], dtype=object)
        mess.change(self._random, website, 0.3, lambda value, _: value.removeprefix("https://www."))
        mess.blank(self._random, website, 0.25)
        revenue = companies.revenue[firms].astype(object)
        mess.blank(self._random, revenue, 0.4)
        return {
            **self._base("Account", count),
            "Name": written_companies(self._random, companies, firms),
            "Type": self._pick(
                ("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner", "Other"), count, 0.2
            ),
            "ParentId": _nothing(count),
            **_address("Billing", address),
            "Phone": phone,
            "Website": website,
            "Industry": _copy_some(self._random, companies.industry[firms], 0.7),
            "AnnualRevenue": revenue,
            "NumberOfEmployees": _copy_some(self._random, companies.employees[firms].astype(object), 0.6),
            "AccountNumber": _copy_some(self._random, np.array([f"{firm:06d}" for firm in firms], dtype=object), 0.5),
            "Description": self._pick(pools.NOTES, count, 0.85),
        }

    def _contacts(self, seen: Observed, account_ids: Text, firms: Numbers) -> Columns:
        count = len(seen.person)
        department = self._pick(pools.DEPARTMENTS, count, 0.6)
        base = self._base("Contact", count)
        return {
            **base,
            "AccountId": self._account_of(seen.company, account_ids, firms),
            **_person(seen),
            **_address("Mailing", lose_parts(self._random, seen.address)),
            "Phone": seen.phone,
            "MobilePhone": seen.mobile,
            "Email": seen.email,
            "Title": seen.title,
            "Department": department,
            "LeadSource": self._pick(pools.LEAD_SOURCES, count, 0.3),
            "HasOptedOutOfEmail": self._flags(count, 0.06),
            "DoNotCall": self._flags(count, 0.04),
            "Description": seen.note,
            "MasterRecordId": self._masters(base),
        }

    def _leads(self, seen: Observed) -> Columns:
        count = len(seen.person)
        companies = self._society.companies
        company = written_companies(self._random, companies, np.maximum(seen.company, 0))
        company[seen.company < 0] = "[not provided]"
        return {
            **self._base("Lead", count),
            **_person(seen),
            "Title": seen.title,
            "Company": company,
            **_address("", lose_parts(self._random, seen.address)),
            "Phone": seen.phone,
            "MobilePhone": seen.mobile,
            "Email": seen.email,
            "LeadSource": self._pick(pools.LEAD_SOURCES, count, 0.1),
            "Status": self._pick(("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"), count, 0.0),
            "Industry": self._pick(pools.INDUSTRIES, count, 0.5),
            "HasOptedOutOfEmail": self._flags(count, 0.06),
            "DoNotCall": self._flags(count, 0.04),
            "IsConverted": self._flags(count, 0.0),
        }

    def _opportunities(self, count: int, account: Columns, contact: Columns) -> Columns:
        at = self._random.integers(len(contact["Id"]), size=count)
        random_account = account["Id"][self._random.integers(len(account["Id"]), size=count)]
        known_account = contact["AccountId"][at]
        stage = self._pick(tuple(STAGE_PROBABILITY), count, 0.0)
        base = self._base("Opportunity", count)
        close = np.array([text[:10] for text in base["LastModifiedDate"]], dtype=object)
        return {
            **base,
            "AccountId": _filled(known_account, random_account),
            "ContactId": contact["Id"][at],
            "Name": np.array([f"Opportunity {number:05d}" for number in range(1, count + 1)], dtype=object),
            "StageName": stage,
            "Amount": np.round(np.exp(self._random.normal(9.5, 1.2, size=count)), 2).astype(object),
            "Probability": np.array([float(STAGE_PROBABILITY[one]) for one in stage], dtype=object),
            "CloseDate": close,
            "Type": self._pick(("New Customer", "Existing Customer - Upgrade"), count, 0.3),
            "LeadSource": self._pick(pools.LEAD_SOURCES, count, 0.4),
            "IsClosed": np.array([int(one.startswith("Closed")) for one in stage], dtype=object),
            "IsWon": np.array([int(one == "Closed Won") for one in stage], dtype=object),
        }

    def _cases(self, count: int, contact: Columns) -> Columns:
        at = self._random.integers(len(contact["Id"]), size=count)
        base = self._base("Case", count)
        status = self._pick(("New", "Working", "Escalated", "Closed"), count, 0.0)
        is_closed = status == "Closed"
        return {
            **base,
            "CaseNumber": np.array([f"{1000 + number:08d}" for number in range(1, count + 1)], dtype=object),
            "AccountId": contact["AccountId"][at],
            "ContactId": contact["Id"][at],
            "Status": status,
            "Priority": self._pick(("High", "Medium", "Low"), count, 0.0),
            "Origin": self._pick(("Phone", "Email", "Web"), count, 0.1),
            "Subject": self._pick(
                ("Invoice question", "Late delivery", "Login, again", 'Error "0x80"', "Rücksendung"), count, 0.02
            ),
            "Description": self._pick(pools.NOTES, count, 0.6),
            "IsClosed": is_closed.astype(int).astype(object),
            "ClosedDate": np.where(is_closed, base["LastModifiedDate"], _nothing(count)),
        }

    def _tasks(self, count: int, objects: Mapping[str, Columns]) -> Columns:
        base = self._base("Task", count)
        status = self._pick(("Not Started", "In Progress", "Completed", "Completed", "Completed"), count, 0.0)
        kind = self._pick(("Task", "Call", "Email"), count, 0.0)
        seconds = self._random.integers(20, 1_800, size=count).astype(object)
        return {
            **base,
            **subjects(self._random, count, objects),
            "Subject": np.array([TASK_SUBJECTS[one] for one in kind], dtype=object),
            "ActivityDate": days(base["LastModifiedDate"]),
            "Status": status,
            "Priority": self._pick(("High", "Normal", "Normal", "Low"), count, 0.0),
            "TaskSubtype": kind,
            "IsClosed": (status == "Completed").astype(int).astype(object),
            "CallDurationInSeconds": np.where(kind == "Call", seconds, _nothing(count)),
        }

    def _events(self, count: int, objects: Mapping[str, Columns]) -> Columns:
        base = self._base("Event", count)
        return {
            **base,
            **subjects(self._random, count, objects),
            "Subject": self._pick(("Meeting", "Demonstration", "Site visit"), count, 0.0),
            **appointments(self._random, base["LastModifiedDate"]),
            "IsAllDayEvent": self._flags(count, 0.0),
            "Location": self._pick(("Video call", "Their office", "Our office"), count, 0.3),
        }

    def _base(self, object_name: str, count: int) -> Columns:
        """Ids and audit fields."""
        schema = find_object(object_name)
        prefix, pod = schema.key_prefix if schema else "", pod_of(self._instance)
        users = np.array([make_id("005", pod, number) for number in range(1, _USERS + 1)], dtype=object)
        owner, author = (users[self._random.integers(1, _USERS, size=count)] for _ in range(2))
        times = history(self._random, count, self._as_of)
        return {
            "Id": np.array([make_id(prefix, pod, number) for number in range(1, count + 1)], dtype=object),
            "IsDeleted": self._flags(count, _DELETED),
            "OwnerId": owner,
            "CreatedDate": salesforce_text(times.created),
            "CreatedById": owner,
            "LastModifiedDate": salesforce_text(times.modified),
            "LastModifiedById": author,
            "SystemModstamp": salesforce_text(times.stamped),
        }

    def _masters(self, base: Columns) -> Text:
        """Some deleted records were merged into one that lives on."""
        masters = _nothing(len(base["Id"]))
        (alive,) = np.nonzero(base["IsDeleted"] == 0)
        (dead,) = np.nonzero(base["IsDeleted"] == 1)
        merged = dead[self._random.random(len(dead)) < _MERGED]
        masters[merged] = base["Id"][alive[self._random.integers(len(alive), size=len(merged))]]
        return masters

    def _account_of(self, company: Numbers, account_ids: Text, firms: Numbers) -> Text:
        """An account of each company, any one where it has several; None where the org does not know it."""
        order = self._random.permutation(len(firms))
        account = dict(zip(firms[order].tolist(), account_ids[order], strict=True))
        return np.array([account.get(one) for one in company.tolist()], dtype=object)

    def _pick(self, pool: tuple[str, ...], count: int, missing: float) -> Text:
        chosen = np.array(pool, dtype=object)[self._random.integers(len(pool), size=count)]
        mess.blank(self._random, chosen, missing)
        return chosen

    def _flags(self, count: int, rate: float) -> Text:
        return (self._random.random(count) < rate).astype(int).astype(object)

    def _keys(self, object_name: str, ids: Text, truth: Numbers) -> dict[str, int]:
        prefix = f"salesforce__{object_name}/{self._instance}/"
        return {prefix + record_id: number for record_id, number in zip(ids.tolist(), truth.tolist(), strict=True)}


def with_duplicates(random: np.random.Generator, known: Numbers, count: int) -> Numbers:
    """`count` records of these people or companies, in random order: everyone once, then some again."""
    if count <= len(known):
        return random.permutation(known)[:count]
    again = known[random.integers(len(known), size=count - len(known))]
    return random.permutation(np.concatenate([known, again]))


def _person(seen: Observed) -> Columns:
    names = zip(seen.first_name, seen.last_name, strict=True)
    return {
        "LastName": seen.last_name,
        "FirstName": seen.first_name,
        "Salutation": seen.salutation,
        "Name": np.array([" ".join(part for part in pair if part) for pair in names], dtype=object),
    }


def _address(prefix: str, address: Addresses) -> Columns:
    return {
        f"{prefix}Street": address.street,
        f"{prefix}City": address.city,
        f"{prefix}State": address.state,
        f"{prefix}PostalCode": address.postal_code,
        f"{prefix}Country": address.country,
    }


def _copy_some(random: np.random.Generator, column: Text, rate: float) -> Text:
    copied = column.copy()
    mess.blank(random, copied, 1 - rate)
    return copied


def _nothing(count: int) -> Text:
    return np.full(count, None, dtype=object)


def _filled(column: Text, otherwise: Text) -> Text:
    pairs = zip(column, otherwise, strict=True)
    return np.array([fallback if value is None else value for value, fallback in pairs], dtype=object)
