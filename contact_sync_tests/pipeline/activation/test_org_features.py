"""What becomes of our writes in orgs that have more than the standard: written, or refused with a code and set aside.

Every load goes by each of the two lanes into a simulated org, over HTTP, and is kept in a ledger as `apply` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contact_sync.catalog import load_catalog
from contact_sync.connectors.base import Columns
from contact_sync.connectors.salesforce import SalesforceSource, SalesforceTarget
from contact_sync.connectors.target import Operation
from contact_sync.settings import SalesforceInstance
from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.instance import SalesforceInstance as SimulatedInstance
from contact_sync.simulator.salesforce.objects import find_object
from contact_sync.simulator.salesforce.queues import Queue
from contact_sync.simulator.salesforce.schema import FieldSchema
from contact_sync.simulator.salesforce.validation_rules import ValidationRule
from contact_sync.state.database import StateDatabase
from contact_sync.state.writes import INTENT, Lane, WriteLedger
from contact_sync.sync.lanes import Destination
from contact_sync.sync.load import Loader, Tally
from contact_sync.sync.plan_table import Stage
from contact_sync.sync.rows import Rows

KEY = "Contact_Sync_Key__c"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERSON = {"FirstName": "Ada", "LastName": "Byron", "PersonEmail": "ada@example.com"}
NO_OLD_CODE = ValidationRule("Contact", "Title = 'OLD'", "This title is not used any more.", "Title")


@dataclass(frozen=True)
class Bench:
    """One org with a feature, what writes to it, and the ledger of what it refused."""

    simulated: SimulatedInstance
    target: SalesforceTarget
    ledger: WriteLedger
    lane: Lane

    def load(self, stage: Stage, object_name: str, rows: Mapping[str, Mapping[str, str]]) -> Tally:
        """Write key -> fields as a stage of a plan is written: creates by the External ID, all else by record id."""
        is_create = stage is Stage.CREATE
        to = Destination(
            plan_id="0123456789abcdef",
            stage=stage.value,
            instance="core",
            object_name=f"salesforce__{object_name.lower()}",
            target_object=object_name,
            operation=Operation.UPSERT if is_create else Operation.UPDATE,
            key=KEY if is_create else "Id",
        )
        names = sorted({name for fields in rows.values() for name in fields})
        cells = [{to.key: key, **{name: fields.get(name) for name in names}} for key, fields in rows.items()]
        intents = [{"row_key": key, "value_hash": f"hash of {key}"} for key in rows]
        to_write = Rows(cells=pa.Table.from_pylist(cells), intents=pa.Table.from_pylist(intents, INTENT))
        return Loader(self.target, self.ledger).load(to, to_write, self.lane)

    def made_by_people(self, object_name: str, fields: Mapping[str, object]) -> str:
        """The id of a record that a person enters."""
        org = self.simulated.org
        (saved,) = org.writer.insert(object_name, [fields], user_id=org.user_ids["rep.one"])
        assert saved.error is None
        return saved.id

    def record(self, object_name: str, where: str, *names: str) -> tuple[Any, ...]:
        """These fields of the one record that a condition holds for."""
        with self.simulated.store.reading() as connection:
            (found,) = connection.execute(f'select {", ".join(names)} from "{object_name}" where {where}').fetchall()
        return tuple(found)

    def count(self, object_name: str) -> int:
        """How many records there are."""
        (found,) = self.record(object_name, "1 = 1", "count(*)")
        return int(found)

    def set_aside(self) -> dict[str, str]:
        """Row key -> the code with which the org refused it; such rows stay out of later plans."""
        refusals = self.ledger.refusals().to_pylist()
        return {row["row_key"]: row["code"] for row in refusals}


MakeBench = Callable[..., Bench]


@pytest.fixture(params=list(Lane), ids=lambda lane: lane.value)
def bench(request: pytest.FixtureRequest, tmp_path: Path, repository: Path) -> Iterator[MakeBench]:
    """Makes an org with features."""
    opened: list[tuple[SimulatedInstance, SalesforceTarget, StateDatabase]] = []

    def make(**features: Any) -> Bench:
        simulated = SimulatedInstance("core", tmp_path / "org", clock=lambda: NOW, features=Features(**features))
        simulated.start()
        state = StateDatabase(f"sqlite:///{tmp_path / 'state.sqlite'}")
        target = SalesforceTarget("core", settings(simulated))
        opened.append((simulated, target, state))
        return Bench(simulated, target, WriteLedger(state), request.param)

    yield make
    for simulated, target, state in opened:
        target.close()
        state.close()
        simulated.stop()


def settings(simulated: SimulatedInstance) -> SalesforceInstance:
    """How an org is reached."""
    credentials = {"client_id": simulated.client_id, "client_secret": simulated.client_secret}
    return SalesforceInstance.model_validate({"url": simulated.url, "kind": "simulator", **credentials})


def field_of(object_name: str, name: str) -> FieldSchema:
    """A field as every org has it."""
    schema = find_object(object_name)
    field = schema.find(name) if schema is not None else None
    assert field is not None
    return field


def outcome(tally: Tally) -> tuple[int, int, Mapping[str, int]]:
    """Rows written, rows refused, and the codes."""
    return tally.written, tally.refused, tally.codes


def test_person_accounts_are_stamped_and_updated_as_what_they_are(bench: MakeBench) -> None:
    """Owned fields of the account reach a person, its contact is written by itself, and a company stays a company."""
    org = bench(person_accounts=True)
    person = org.made_by_people("Account", PERSON)
    (contact,) = org.record("Account", f"Id = '{person}'", "PersonContactId")

    account = org.load(Stage.UPDATE, "Account", {person: {KEY: "com_1", "BillingCity": "Ulm"}})
    twin = org.load(Stage.UPDATE, "Contact", {contact: {KEY: "per_1", "MailingCity": "Bonn"}})
    company = org.load(Stage.CREATE, "Account", {"com_2": {"Name": "Acme"}})

    assert [(1, 0, {})] * 3 == [outcome(account), outcome(twin), outcome(company)]
    assert ("com_1", "Ulm", "Bonn", 1) == org.record(
        "Account", f"Id = '{person}'", KEY, "BillingCity", "PersonMailingCity", "IsPersonAccount"
    )
    assert ("per_1", "Bonn") == org.record("Contact", f"Id = '{contact}'", KEY, "MailingCity")
    assert (0,) == org.record("Account", f"{KEY} = 'com_2'", "IsPersonAccount")


def test_a_person_account_takes_no_other_contact_and_no_name(bench: MakeBench) -> None:
    """A contact below it and a Name of the account are refused; nothing is half-written."""
    org = bench(person_accounts=True)
    person = org.made_by_people("Account", {**PERSON, KEY: "com_1"})

    contact = org.load(Stage.CREATE, "Contact", {"per_2": {"LastName": "Roe", f"Account.{KEY}": "com_1"}})
    name = org.load(Stage.UPDATE, "Account", {person: {"Name": "Acme", "BillingCity": "Ulm"}})

    assert (0, 1, {"FIELD_INTEGRITY_EXCEPTION": 1}) == outcome(contact)
    assert (0, 1, {"INVALID_FIELD_FOR_INSERT_UPDATE": 1}) == outcome(name)
    assert {"per_2": "FIELD_INTEGRITY_EXCEPTION", person: "INVALID_FIELD_FOR_INSERT_UPDATE"} == org.set_aside()
    assert 1 == org.count("Contact")
    assert (None,) == org.record("Account", f"Id = '{person}'", "BillingCity")


def test_a_row_whose_parent_is_not_there_has_a_code_of_its_own(bench: MakeBench) -> None:
    """On both lanes, and no value in what is kept; once the parent is there, the row is written and linked to it."""
    org = bench()
    rows = {"per_1": {"LastName": "Roe", f"Account.{KEY}": "com_1"}, "per_2": {"LastName": "Doe"}}

    assert (1, 1, {"PARENT_NOT_FOUND": 1}) == outcome(org.load(Stage.CREATE, "Contact", rows))
    assert {"per_1": "PARENT_NOT_FOUND"} == org.set_aside()
    org.load(Stage.CREATE, "Account", {"com_1": {"Name": "Acme"}})
    assert (1, 0, {}) == outcome(org.load(Stage.CREATE, "Contact", {"per_1": rows["per_1"]}))
    assert org.record("Account", "1 = 1", "Id") == org.record("Contact", f"{KEY} = 'per_1'", "AccountId")


def test_new_records_get_the_default_record_type_and_others_keep_theirs(bench: MakeBench) -> None:
    """contact_sync writes no record type."""
    org = bench(record_types=(("Contact", ("Customer", "Partner")),))
    customer, partner = (org.record("RecordType", f"Name = '{name}'", "Id")[0] for name in ("Customer", "Partner"))
    kept = org.made_by_people("Contact", {"LastName": "Roe", "RecordTypeId": partner})

    org.load(Stage.CREATE, "Contact", {"per_1": {"LastName": "Byron"}})
    org.load(Stage.STAMP, "Contact", {kept: {KEY: "per_2"}})

    assert (customer,) == org.record("Contact", f"{KEY} = 'per_1'", "RecordTypeId")
    assert (partner,) == org.record("Contact", f"{KEY} = 'per_2'", "RecordTypeId")


def test_new_records_get_the_currency_of_the_org_and_others_keep_theirs(bench: MakeBench) -> None:
    """contact_sync writes neither currencies nor amounts."""
    org = bench(currencies=SOME_CURRENCIES)
    kept = org.made_by_people("Account", {"Name": "Acme", "AnnualRevenue": "1000.5", "CurrencyIsoCode": "EUR"})

    org.load(Stage.CREATE, "Account", {"com_1": {"Name": "Globex"}})
    org.load(Stage.UPDATE, "Account", {kept: {KEY: "com_2", "Phone": "1"}})

    assert ("USD",) == org.record("Account", f"{KEY} = 'com_1'", "CurrencyIsoCode")
    assert ("EUR", "1000.5") == org.record("Account", f"{KEY} = 'com_2'", "CurrencyIsoCode", "AnnualRevenue")


def test_a_validation_rule_refuses_its_rows_and_no_other(bench: MakeBench) -> None:
    """The rule judges the whole record, so that an old record refuses even a stamp; the other rows are written."""
    org = bench(validation_rules=(NO_OLD_CODE,))
    (old,) = org.simulated.store.new_ids("Contact", 1)
    org.simulated.store.load("Contact", {"Id": [old], "LastName": ["Old"], "Title": ["OLD"], "IsDeleted": [0]})
    new = org.made_by_people("Contact", {"LastName": "New"})

    stamps = org.load(Stage.STAMP, "Contact", {old: {KEY: "per_1"}, new: {KEY: "per_2"}})
    creates = org.load(
        Stage.CREATE,
        "Contact",
        {"per_3": {"LastName": "Roe", "Title": "OLD"}, "per_4": {"LastName": "Doe", "Title": "CEO"}},
    )

    assert [(1, 1, {"FIELD_CUSTOM_VALIDATION_EXCEPTION": 1})] * 2 == [outcome(stamps), outcome(creates)]
    assert dict.fromkeys((old, "per_3"), "FIELD_CUSTOM_VALIDATION_EXCEPTION") == org.set_aside()
    assert (None,) == org.record("Contact", f"Id = '{old}'", KEY)
    assert ("per_2",) == org.record("Contact", f"Id = '{new}'", KEY)
    assert 3 == org.count("Contact")


def test_a_duplicate_rule_refuses_what_is_there_already(bench: MakeBench) -> None:
    """No header lets a duplicate pass, on neither lane: a person has to look."""
    org = bench(duplicate_rule=True)
    org.made_by_people("Contact", {"LastName": "Byron", "Email": "ada@example.com"})

    tally = org.load(
        Stage.CREATE,
        "Contact",
        {
            "per_1": {"LastName": "Byron", "Email": "ADA@example.com"},
            "per_2": {"LastName": "Roe", "Email": "jane@example.com"},
        },
    )

    assert (1, 1, {"DUPLICATES_DETECTED": 1}) == outcome(tally)
    assert {"per_1": "DUPLICATES_DETECTED"} == org.set_aside()
    assert 2 == org.count("Contact")


def test_new_records_belong_to_the_integration_user_and_others_keep_their_owner(bench: MakeBench) -> None:
    """contact_sync writes no owner, neither a user nor a queue."""
    org = bench(queues=(Queue("Support", ("Case",)),))
    users = org.simulated.org.user_ids
    kept = org.made_by_people("Contact", {"LastName": "Roe"})

    org.load(Stage.CREATE, "Contact", {"per_1": {"LastName": "Byron"}})
    org.load(Stage.STAMP, "Contact", {kept: {KEY: "per_2"}})

    assert (users["integration"],) == org.record("Contact", f"{KEY} = 'per_1'", "OwnerId")
    assert (users["rep.one"],) == org.record("Contact", f"{KEY} = 'per_2'", "OwnerId")


def test_a_field_that_our_user_may_only_read_refuses_every_row_that_names_it(bench: MakeBench) -> None:
    """As `doctor` says before; rows that do not name it are written."""
    org = bench()
    org.simulated.store.schema.lock_field("Contact", "Phone")

    with_phone = org.load(Stage.CREATE, "Contact", {"per_1": {"LastName": "Roe", "Phone": "1"}})
    without = org.load(Stage.CREATE, "Contact", {"per_2": {"LastName": "Doe"}})

    assert [(0, 1, {"INVALID_FIELD_FOR_INSERT_UPDATE": 1}), (1, 0, {})] == [outcome(with_phone), outcome(without)]
    assert {"per_1": "INVALID_FIELD_FOR_INSERT_UPDATE"} == org.set_aside()
    assert 1 == org.count("Contact")


def test_a_field_with_a_list_refuses_every_other_value(bench: MakeBench) -> None:
    """A restricted picklist takes its own values as they are spelt."""
    org = bench()
    title = replace(field_of("Contact", "Title"), type="picklist", values=("CEO", "CTO"), restricted=True)
    org.simulated.store.schema.put_field("Contact", title)

    rows = {"per_1": {"LastName": "Roe", "Title": "CEO"}, "per_2": {"LastName": "Doe", "Title": "Chief"}}
    tally = org.load(Stage.CREATE, "Contact", rows)

    assert (1, 1, {"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": 1}) == outcome(tally)
    assert {"per_2": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"} == org.set_aside()


def test_records_of_queues_are_read_with_the_queue_as_owner(tmp_path: Path, repository: Path) -> None:
    """A case in a queue comes with the queue's id, which is no user's; silver has no owner name for it."""
    features = Features(queues=(Queue("Support", ("Case",)),))
    simulated = SimulatedInstance("core", tmp_path, clock=lambda: NOW, features=features)
    simulated.start()
    source = SalesforceSource("core", settings(simulated))
    try:
        with simulated.store.reading() as connection:
            ((queue,),) = connection.execute("select Id from \"Group\" where Type = 'Queue'").fetchall()
        org = simulated.org
        (saved,) = org.writer.insert("Case", [{"OwnerId": queue}], user_id=org.user_ids["rep.one"])
        assert saved.error is None
        item = load_catalog(repository / "contact_sync" / "catalog").objects["salesforce__case"]
        pages = list(source.read(item, Columns(names=("OwnerId",))))
    finally:
        source.close()
        simulated.stop()

    assert [queue] == [owner for page in pages for owner in page.rows["OwnerId"].to_pylist()]
    assert queue.startswith("00G")
