"""Writing person accounts: one account and one contact that are the same person, whichever of them is written.

"The timestamp fields of the account and contact records must match" (Change Data Capture Developer Guide, "Updating a
Person Account"). The contact comes and goes with the account. Not part of this org: turning a business account into a
person and back, and merging persons. In an org without person accounts nothing here does anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.derived import full_name
from contact_sync.simulator.salesforce.drafts import Draft
from contact_sync.simulator.salesforce.person_accounts import person_only, shared_fields
from contact_sync.simulator.salesforce.store import Store, insert_statement
from contact_sync.simulator.salesforce.values import RowError

_STAMPS = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")
_TWINS = {
    "Account": ("Contact", "twin.Id = written.PersonContactId"),
    "Contact": ("Account", "twin.Id = written.AccountId"),
}


class PersonAccounts:
    """The rules of person accounts inside one transaction."""

    def __init__(self, store: Store, connection: sqlite3.Connection) -> None:
        self._store = store
        self._connection = connection
        self._account = store.schema.known("Account")
        self._contact = store.schema.known("Contact")
        self._is_on = self._account.find("IsPersonAccount") is not None

    def check(self, object_name: str, drafts: Sequence[Draft]) -> None:
        """Refuse what cannot be written to a person, or to a business; complete the persons that will be created."""
        if not self._is_on or object_name not in _TWINS:
            return
        persons = self._persons(object_name, [str(one.id) for one in drafts if one.id])
        owners = self._persons("Account", [str(one.values["AccountId"]) for one in drafts if "AccountId" in one.values])
        for draft in drafts:
            if draft.error is None and object_name == "Account":
                draft.error = self._account_error(draft, is_person=draft.id in persons)
            elif draft.error is None:
                draft.error = _contact_error(draft, is_person=draft.id in persons, owners=owners)

    def check_deletion(self, object_name: str, drafts: Sequence[Draft]) -> None:
        """Refuse to delete the contact of a person account; the code is this org's, the documentation tells none."""
        if not self._is_on or object_name != "Contact":
            return
        persons = self._persons("Contact", [str(one.id) for one in drafts])
        for draft in drafts:
            if draft.id in persons and draft.error is None:
                draft.error = RowError("DELETE_FAILED", "The contact of a person account is deleted with its account")

    def check_merge(self, object_name: str, ids: Sequence[str]) -> None:
        """Refuse to merge persons, which would have to merge both halves of them."""
        if self._persons(object_name, ids):
            raise SimulatorError("Person accounts cannot be merged in a simulated org; merge records that are none.")

    def follow(self, object_name: str, ids: Iterable[str]) -> None:
        """Bring the other half of each person among these records up to date, and make it if there is none yet."""
        if not self._is_on or object_name not in _TWINS:
            return
        written = list(ids)
        if object_name == "Account":
            self._create_contacts(written)
        twin, joined = _TWINS[object_name]
        pairs = shared_fields(self._account, self._contact) | {name: name for name in _STAMPS}
        if object_name == "Contact":
            pairs = {theirs: ours for ours, theirs in pairs.items()}
        assignments = ", ".join(f'"{theirs}" = written."{ours}"' for ours, theirs in pairs.items())
        self._connection.execute(
            f'update "{twin}" as twin set {assignments} from "{object_name}" as written '
            f"where {joined} and written.IsPersonAccount = 1 and written.Id in ({_marks(written)})",
            written,
        )

    def halves(self, object_name: str, record_id: str) -> Iterator[tuple[str, str]]:
        """Object and id of a record, and of its other half if it is a person."""
        yield object_name, record_id
        if record_id in self._persons(object_name, [record_id]):
            twin, joined = _TWINS[object_name]
            statement = f'select twin.Id from "{twin}" as twin, "{object_name}" as written where {joined}'
            (found,) = self._connection.execute(f"{statement} and written.Id = ?", (record_id,)).fetchone()
            yield twin, found

    def _account_error(self, draft: Draft, *, is_person: bool) -> RowError | None:
        kinds = {one.id: one.is_person for one in self._account.record_types}
        kind = draft.values.get("RecordTypeId")
        if kind is None:
            draft.values.pop("RecordTypeId", None)
        elif kind not in kinds:
            message = f"Record Type ID: this ID value isn't valid for the user: {kind}"
            return RowError("INVALID_CROSS_REFERENCE_KEY", message, ("RecordTypeId",))
        asked = kinds.get(str(kind), is_person if draft.id else bool(draft.values.get("LastName")))
        if draft.id and asked != is_person:
            return RowError("FIELD_INTEGRITY_EXCEPTION", "Accounts are not converted in this org", ("RecordTypeId",))
        if not asked:
            return self._business_error(draft)
        if "Name" in draft.values:
            return _bad_fields(["Name"])
        if not draft.values.get("LastName", draft.id):
            return RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName",))
        if draft.id is None:
            person = next(one.id for one in self._account.record_types if one.is_person)
            name = full_name(draft.values.get("FirstName"), draft.values["LastName"])
            draft.values |= {"Name": name, "RecordTypeId": kind or person, "IsPersonAccount": 1}
        return None

    def _business_error(self, draft: Draft) -> RowError | None:
        named = [name for name in draft.values if name in person_only(self._account)]
        # To clear what a business has not is no mistake.
        if bad := [name for name in named if draft.values[name]]:
            return _bad_fields(bad)
        for name in named:
            del draft.values[name]
        return None

    def _create_contacts(self, account_ids: Sequence[str]) -> None:
        new = self._connection.execute(
            "select Id, CreatedDate, CreatedById from Account "
            f"where IsPersonAccount = 1 and PersonContactId is null and Id in ({_marks(account_ids)}) order by Id",
            account_ids,
        ).fetchall()
        contact_ids = self._store.new_ids("Contact", len(new))
        columns = ["Id", "AccountId", "CreatedDate", "CreatedById", "IsPersonAccount"]
        rows = [(contact_id, *audit, 1) for contact_id, audit in zip(contact_ids, new, strict=True)]
        self._connection.executemany(insert_statement("Contact", columns), rows)
        pairs = [(contact_id, account_id) for contact_id, account_id, *_ in rows]
        self._connection.executemany("update Account set PersonContactId = ? where Id = ?", pairs)

    def _persons(self, object_name: str, ids: Sequence[str]) -> set[str]:
        if not self._is_on or object_name not in _TWINS:
            return set()
        statement = f'select Id from "{object_name}" where IsPersonAccount = 1 and Id in ({_marks(ids)})'
        return {record_id for (record_id,) in self._connection.execute(statement, ids)}


def _contact_error(draft: Draft, *, is_person: bool, owners: set[str]) -> RowError | None:
    """A person account has no contact but its own, and that belongs to no other account."""
    account = draft.values.get("AccountId")
    if ("AccountId" in draft.values and is_person) or account in owners:
        message = "Account ID: the contact of a person account comes with the account, which has no other"
        return RowError("FIELD_INTEGRITY_EXCEPTION", message, ("AccountId",))
    return None


def _bad_fields(names: Sequence[str]) -> RowError:
    message = f"Account: bad field names on insert/update call: {', '.join(names)}"
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, tuple(names))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
