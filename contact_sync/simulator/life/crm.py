"""What happens in a Salesforce org without us: reps edit, people change jobs, duplicates, leads and cases appear.

Each event writes like a user in the web interface would, by the same row rules as the API.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.population import pools
from contact_sync.simulator.population.observation import Observed, observe, written_companies
from contact_sync.simulator.population.society import Society, slug
from contact_sync.simulator.salesforce.instance import SalesforceInstance
from contact_sync.simulator.salesforce.records import Saved
from contact_sync.simulator.salesforce.store import Cell

_REPS = ("rep.one", "rep.two", "rep.three")
_STAGES = ("Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")
Touched = tuple[str, ...]


class CrmLife:
    """Events of one org; every method is one event and returns the keys of the records it wrote."""

    def __init__(
        self,
        random: np.random.Generator,
        instance: SalesforceInstance,
        society: Society,
        person_of: dict[str, int],
    ) -> None:
        self._random = random
        self._instance = instance
        self._society = society
        self._person_of = person_of

    def edit_contact(self) -> Touched:
        """A rep corrects one field of a contact."""
        contact = self._any("Contact")
        phone = f"({self._number(200, 989)}) 555-01{self._number(0, 100):02d}"
        edits: tuple[dict[str, object], ...] = (
            {"Phone": phone},
            {"MobilePhone": phone},
            {"Title": self._one_of(pools.TITLES)},
            {"Description": self._one_of(pools.NOTES)},
            {"HasOptedOutOfEmail": not contact["HasOptedOutOfEmail"]},
            {"Department": None if contact["Department"] else self._one_of(pools.DEPARTMENTS)},
            {"Email": f"{slug(str(contact['LastName']))}{self._number(10, 9_999)}@{self._one_of(pools.MAIL_HOSTS)}"},
        )
        return self._update("Contact", contact, edits[self._number(0, len(edits))])

    def edit_account(self) -> Touched:
        """A rep corrects one field of an account."""
        account = self._any("Account")
        edits: tuple[dict[str, object], ...] = (
            {"Industry": self._one_of(pools.INDUSTRIES)},
            {"NumberOfEmployees": self._number(1, 5_000)},
            {"Website": f"https://www.{slug(str(account['Name']))}.example"},
            {"BillingStreet": f"{self._number(1, 400)} {self._one_of(pools.CULTURES[0].streets)}"},
        )
        return self._update("Account", account, edits[self._number(0, len(edits))])

    def change_job(self) -> Touched:
        """A person goes to another company: account, title and work address change."""
        contact, account = self._any("Contact"), self._any("Account")
        name = ".".join(filter(None, (slug(str(contact["FirstName"] or "")), slug(str(contact["LastName"])))))
        changes = {
            "AccountId": account["Id"],
            "Title": self._one_of(pools.TITLES),
            "Email": f"{name or 'office'}@{slug(str(account['Name']))}.example",
            "Phone": account["Phone"],
        }
        return self._update("Contact", contact, changes)

    def move(self) -> Touched:
        """A person moves house: the whole address changes at once."""
        contact = self._any("Contact")
        culture = pools.CULTURES[self._number(0, len(pools.CULTURES))]
        place = culture.places[self._number(0, len(culture.places))]
        changes = {
            "MailingStreet": f"{self._number(1, 400)} {self._one_of(culture.streets)}",
            "MailingCity": place.city,
            "MailingState": place.state or None,
            "MailingPostalCode": f"{place.zip_prefix}{self._number(10, 100)}",
            "MailingCountry": culture.country,
        }
        return self._update("Contact", contact, changes)

    def add_duplicate(self) -> Touched:
        """Someone enters a person again who is there already."""
        known = self._any("Contact")
        person = self._person_of[self._key("Contact", str(known["Id"]))]
        seen = self._observe(person)
        row = {**_person(seen), "AccountId": known["AccountId"], **_address("Mailing", seen)}
        return self._insert("Contact", row, person=person)

    def add_lead(self) -> Touched:
        """A person, known or not, fills in a form on the web site."""
        person = self._number(0, len(self._society.people))
        seen = self._observe(person)
        company = written_companies(self._random, self._society.companies, np.maximum(seen.company, 0))[0]
        row = {**_person(seen), **_address("", seen), "Company": company, "LeadSource": "Web"}
        return self._insert("Lead", row, person=person)

    def open_case(self) -> Touched:
        """A contact complains."""
        contact = self._any("Contact")
        row = {
            "ContactId": contact["Id"],
            "AccountId": contact["AccountId"],
            "Origin": "Phone",
            "Subject": "Late delivery",
        }
        return self._insert("Case", row)

    def advance_opportunity(self) -> Touched:
        """A deal goes to another stage."""
        return self._update("Opportunity", self._any("Opportunity"), {"StageName": self._one_of(_STAGES)})

    def delete_contact(self) -> Touched:
        """A rep deletes a contact; it goes to the recycle bin."""
        contact = self._any("Contact")
        saved = self._instance.org.writer.delete("Contact", [str(contact["Id"])], user_id=self._rep())
        return self._touched("Contact", saved[0])

    def _any(self, object_name: str) -> dict[str, Cell]:
        count = self._instance.store.count(object_name)
        record = self._instance.store.nth(object_name, self._number(0, count)) if count else None
        if record is None:
            raise SimulatorError(f"{self._instance.name} has no {object_name} left; start a world with more contacts.")
        return record

    def _update(self, object_name: str, record: Mapping[str, Cell], changes: Mapping[str, object]) -> Touched:
        row = {"Id": record["Id"], **changes}
        (saved,) = self._instance.org.writer.update(object_name, [row], user_id=self._rep())
        return self._touched(object_name, saved)

    def _insert(self, object_name: str, row: Mapping[str, object], *, person: int | None = None) -> Touched:
        (saved,) = self._instance.org.writer.insert(object_name, [row], user_id=self._rep())
        touched = self._touched(object_name, saved)
        if person is not None:
            self._person_of[touched[0]] = person
        return touched

    def _touched(self, object_name: str, saved: Saved) -> Touched:
        if saved.error is not None or saved.id is None:
            raise SimulatorError(f"The population broke a rule of {object_name}: {saved.error and saved.error.code}")
        return (self._key(object_name, saved.id),)

    def _key(self, object_name: str, record_id: str) -> str:
        return f"salesforce__{object_name.lower()}/{self._instance.name}/{record_id}"

    def _observe(self, person: int) -> Observed:
        return observe(self._random, self._society, np.array([person]))

    def _rep(self) -> str:
        return self._instance.org.user_ids[_REPS[self._number(0, len(_REPS))]]

    def _one_of(self, pool: tuple[str, ...]) -> str:
        return pool[self._number(0, len(pool))]

    def _number(self, low: int, high: int) -> int:
        return int(self._random.integers(low, high))


def _person(seen: Observed) -> dict[str, object]:
    return {
        "LastName": seen.last_name[0],
        "FirstName": seen.first_name[0],
        "Salutation": seen.salutation[0],
        "Title": seen.title[0],
        "Email": seen.email[0],
        "Phone": seen.phone[0],
        "MobilePhone": seen.mobile[0],
    }


def _address(prefix: str, seen: Observed) -> dict[str, object]:
    return {
        f"{prefix}Street": seen.address.street[0],
        f"{prefix}City": seen.address.city[0],
        f"{prefix}State": seen.address.state[0],
        f"{prefix}PostalCode": seen.address.postal_code[0],
        f"{prefix}Country": seen.address.country[0],
    }
