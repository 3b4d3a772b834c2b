"""What an org can have switched on beside its objects; nothing is by default, as in a new org.

Each feature has a module of its own that knows what it means; here is only that they exist, and how an org gets them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contact_sync.simulator.salesforce import person_accounts, record_types
from contact_sync.simulator.salesforce.currencies import Currency, currency_columns, with_currencies
from contact_sync.simulator.salesforce.person_accounts import with_person_accounts
from contact_sync.simulator.salesforce.queues import Queue, queue_columns, with_queues
from contact_sync.simulator.salesforce.record_types import with_record_types
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.store import Store
from contact_sync.simulator.salesforce.validation_rules import ValidationRule


@dataclass(frozen=True, slots=True)
class Features:
    """currencies: those of a multi-currency org, the corporate one first; none for an org without.

    person_accounts: whether an account can be a person. duplicate_rule: whether contacts that are there already are
    refused. record_types: names of the record types of an object, the default one first. queues: groups that may own
    records. validation_rules: what records must not be. hard_delete: whether the integration user may use hardDelete of
    the Bulk API.
    """

    currencies: tuple[Currency, ...] = ()
    person_accounts: bool = False
    duplicate_rule: bool = False
    record_types: tuple[tuple[str, tuple[str, ...]], ...] = ()
    queues: tuple[Queue, ...] = ()
    validation_rules: tuple[ValidationRule, ...] = ()
    hard_delete: bool = False

    def extend(self, objects: Iterable[ObjectSchema], *, pod: str) -> list[ObjectSchema]:
        """The objects with the fields that the features bring, and the objects they bring."""
        found = list(objects)
        if self.person_accounts:
            found = with_person_accounts(found, pod=pod)
        if self.record_types:
            found = with_record_types(found, self.record_types, pod=pod)
        if self.queues:
            found = with_queues(found, self.queues)
        return with_currencies(found, self.currencies) if self.currencies else found

    def load(self, store: Store) -> None:
        """Put the records in that come with a feature."""
        if self.currencies:
            store.load("CurrencyType", currency_columns(self.currencies, pod=store.pod, stamp=store.now()))
        if self.person_accounts:
            store.load("RecordType", person_accounts.record_type_columns(store.pod, stamp=store.now()))
        if self.record_types:
            columns = record_types.record_type_columns(store.schema.objects, self.record_types, stamp=store.now())
            store.load("RecordType", columns)
        for name, columns in queue_columns(self.queues, pod=store.pod, stamp=store.now()).items():
            if self.queues:
                store.load(name, columns)
