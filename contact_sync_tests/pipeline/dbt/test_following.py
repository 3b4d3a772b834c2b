"""Tables that follow changes hold what a build from nothing would hold, whatever happened in between.

The bronze of five kinds of records of people and companies changes at random; after each refresh the tables that
replaced what had changed are compared with those that are filled anew.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from contact_sync_tests.pipeline.dbt.conftest import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

ACCOUNTS: Final = [ACCOUNT_ID, *(f"00100000000000{number}AAA" for number in (2, 3))]
RECORDS: Final = {
    "salesforce__contact": [f"00300000000000{number}AAA" for number in range(6)],
    "salesforce__lead": [f"00Q00000000000{number}AAA" for number in range(4)],
    "salesforce__account": ACCOUNTS,
    "erp__customer": ["K1", "K2"],
    "drops__trade_show": ["b1", "b2", "b3"],
}
VALUES: Final[dict[str, list[str | None]]] = {
    "FirstName": ["Bob", "Robert", "Ann", None],
    "LastName": ["Miller", "Baker"],
    "Email": ["bob@acme.com", "ann@acme.com", None],
    "Phone": ["+1 212 555 0123", "+1 212 555 0199", None],
    "MailingStreet": ["12 Main Street", "5 Oak Avenue", None],
    "MailingPostalCode": ["10001", None],
    "Street": ["12 Main Street", None],
    "PostalCode": ["10001", None],
    "Company": ["Acme Inc.", "Zeta"],
    "AccountId": [*ACCOUNTS, None],
    "Name": ["Acme Inc.", "Zeta"],
    "Website": ["acme.com", None],
    "Contact_Sync_Key__c": ["per_1", "per_2", None, None, None],
    "name": ["Acme", "Zeta"],
    "vat_number": ["DE1", None],
    "first_name": ["Bob", "Ann"],
    "last_name": ["Miller", "Baker"],
    "email": ["bob@acme.com", None],
    "company": ["Acme", None],
}
MODELS: Final = {
    "silver.contact_record": "record_key",
    "silver.account_record": "record_key",
    "identity.person_match_key": "record_key, rule, match_key",
    "identity.company_match_key": "record_key, rule, match_key",
    "identity.person_possible_match_key": "record_key, rule, match_key",
    "identity.company_possible_match_key": "record_key, rule, match_key",
    "identity.person_joining_key": "record_key, rule, match_key",
}
COUNTED: Final = "changed_in"
"""The one column that a build from nothing fills otherwise."""


def edits(warehouse: Warehouse, chance: random.Random, sequence: int) -> None:
    """A batch of new versions: other values, deletions, merges, conversions, stamps."""
    columns = {name: {row[0] for row in warehouse.query(f"describe bronze.{name}")} for name in RECORDS}
    for object_name, record_ids in RECORDS.items():
        for record_id in record_ids:
            if chance.random() < 0.6:
                continue
            row: dict[str, Any] = {
                name: chance.choice(of) for name, of in VALUES.items() if name in columns[object_name]
            }
            if chance.random() < 0.2:
                row["_is_deleted"] = True
                if object_name == "salesforce__contact" and chance.random() < 0.7:
                    row["MasterRecordId"] = chance.choice([one for one in record_ids if one != record_id])
            if object_name == "salesforce__lead" and chance.random() < 0.2:
                row |= {"IsConverted": "true", "ConvertedContactId": chance.choice(RECORDS["salesforce__contact"])}
            day = f"2026-04-{sequence:02} 00:00:00+00"
            lineage = {"_version_at": day, "_extracted_at": day, "_sequence": sequence, "_row_hash": str(sequence)}
            instance = "main" if object_name.startswith(("erp", "drops")) else "core"
            warehouse.add_bronze(object_name, {"_record_id": record_id, **row, **lineage}, instance=instance)


def contents(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """Table -> its rows."""
    found = {}
    for table, order in MODELS.items():
        chosen = f"* exclude ({COUNTED})" if table.startswith("silver") else order
        found[table] = warehouse.query(f"select {chosen} from {table} order by {order}")
    return found


@pytest.fixture
def refreshes(warehouse: Warehouse) -> Iterator[tuple[Warehouse, int]]:
    """The warehouse after each of some random refreshes, with its number."""

    def refresh() -> Iterator[tuple[Warehouse, int]]:
        chance = random.Random(4)
        for number in range(1, 5):
            warehouse.query(f"update pipeline.refresh set number = {number}")
            edits(warehouse, chance, number)
            warehouse.set_window(after_sequence=number - 1, up_to_sequence=number)
            yield warehouse, number

    return refresh()


def test_what_has_changed_is_replaced_and_nothing_else(
    refreshes: Iterator[tuple[Warehouse, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each refresh the tables are those of a build from nothing; only what has changed was written."""
    followers = [name.partition(".")[2] for name in MODELS]
    for warehouse, number in refreshes:
        seen = ",".join(f"{name}={number - 1}" for name in [*followers, "person_common_key", "company_common_key"])
        monkeypatch.setenv("CONTACT_SYNC_CHANGES_SEEN", seen if number > 1 else "")
        warehouse.run_models(*(f"+{name}" for name in followers))
        found = contents(warehouse)
        written = warehouse.query(f"select {COUNTED}, count(*) from silver.contact_record group by all order by all")

        warehouse.set_window(after_sequence=0, up_to_sequence=number)
        warehouse.query("create or replace table kept as from silver.contact_record")
        warehouse.run_models(*followers, "--full-refresh")
        for table, rows in contents(warehouse).items():
            assert rows == found[table], (number, table)
        # What follows goes on from rows with their own numbers.
        warehouse.query("delete from silver.contact_record; insert into silver.contact_record by name from kept")
    assert len(written) > 2
    assert written[-1][0] == number
