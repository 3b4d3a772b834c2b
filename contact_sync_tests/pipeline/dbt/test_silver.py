"""Silver: bronze batches become one current, typed version of each record, in any order and however often they come."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any

from contact_sync_tests.pipeline.dbt.conftest import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

USER_ID = "005000000000001AAA"
ID = "003000000000001AAA"
NAMES = "select instance, record_id, last_name, is_deleted from silver.salesforce__contact order by all"
BATCHES: tuple[tuple[dict[str, object], ...], ...] = (
    (
        {"_record_id": "edited", "LastName": "First", "_version_at": "2026-01-01", "_extracted_at": "2026-01-02"},
        {"_record_id": "deleted", "LastName": "Gone", "_version_at": "2026-01-01", "_extracted_at": "2026-01-02"},
        {"_record_id": "restored", "LastName": "Back", "_version_at": "2026-01-01", "_extracted_at": "2026-01-02"},
    ),
    (
        {"_record_id": "edited", "LastName": "Second", "_version_at": "2026-01-03", "_extracted_at": "2026-01-04"},
        {
            "_record_id": "deleted",
            "LastName": "Gone",
            "_version_at": "2026-01-01",
            "_is_deleted": True,
            "_extracted_at": "2026-01-04",
        },
        {"_record_id": "restored", "_is_deleted": True, "_version_at": "2026-01-03", "_extracted_at": "2026-01-04"},
    ),
    (
        {"_record_id": "edited", "LastName": "Third", "_version_at": "2026-01-05", "_extracted_at": "2026-01-06"},
        {"_record_id": "restored", "LastName": "Back", "_version_at": "2026-01-05", "_extracted_at": "2026-01-06"},
    ),
)


def sequenced(batches: Iterable[Iterable[dict[str, object]]]) -> Iterator[dict[str, object]]:
    """The rows of batches, numbered as if they had been committed in this order."""
    for sequence, batch in enumerate(batches, start=1):
        for row in batch:
            yield {**row, "_sequence": sequence}


def run_contact(warehouse: Warehouse, *arguments: str) -> list[tuple[Any, ...]]:
    """Run the model of Salesforce contacts; the rows it then holds."""
    warehouse.run_models("salesforce__user", "salesforce__account", "salesforce__contact", *arguments)
    return warehouse.query(NAMES)


def test_order_of_batches_does_not_matter(warehouse: Warehouse) -> None:
    """Three batches give the same silver table in each of their six orders, one run per batch."""
    orders = {f"order_{number}": order for number, order in enumerate(permutations(BATCHES))}
    for instance, order in orders.items():
        warehouse.add_bronze("salesforce__contact", *sequenced(order), instance=instance)
    for sequence in range(1, 4):
        warehouse.set_window(after_sequence=sequence - 1, up_to_sequence=sequence, instances=orders)
        rows = run_contact(warehouse)
    expected = [("deleted", "Gone", True), ("edited", "Third", False), ("restored", "Back", False)]
    assert [(instance, *record) for instance in orders for record in expected] == rows


def test_repetition_changes_nothing(warehouse: Warehouse) -> None:
    """The same window again, the same bronze rows twice and a rebuild from nothing all leave silver as it was."""
    warehouse.add_bronze("salesforce__contact", *sequenced(BATCHES))
    warehouse.set_window()
    once = run_contact(warehouse)
    again = run_contact(warehouse)
    warehouse.add_bronze("salesforce__contact", *sequenced(BATCHES))
    doubled = run_contact(warehouse)
    warehouse.set_window(after_sequence=1_000, up_to_sequence=1_000)
    rebuilt = run_contact(warehouse, "--full-refresh")
    assert [once, once, once] == [again, doubled, rebuilt]


def test_only_the_window_is_read(warehouse: Warehouse) -> None:
    """Rows committed before or after the window, or by an instance without one, are left for another run."""
    warehouse.set_window(up_to_sequence=0)
    assert [] == run_contact(warehouse)
    rows = ({"_record_id": str(sequence), "LastName": "Doe", "_sequence": sequence} for sequence in (1, 2, 3))
    warehouse.add_bronze("salesforce__contact", *rows)
    warehouse.add_bronze("salesforce__contact", {"_record_id": "4", "_sequence": 2}, instance="unplanned")
    warehouse.set_window(after_sequence=1, up_to_sequence=2)
    assert [("core", "2", "Doe", False)] == run_contact(warehouse)


def test_text_becomes_typed(warehouse: Warehouse) -> None:
    """Text is trimmed and in NFC, empty text is null, numbers and times are typed; what does not parse is null."""
    warehouse.add_bronze(
        "salesforce__opportunity",
        {
            "_record_id": ID,
            "Name": "  Cafe\u0301\t",
            "StageName": "  ",
            "Amount": "1234.50",
            "Probability": "many",
            "CloseDate": "2026-07-24",
            "IsClosed": "true",
            "CreatedDate": "2024-07-24T14:05:58.000Z",
        },
    )
    warehouse.add_bronze(
        "erp__order", {"_record_id": "1", "ordered_at": "2026-11-20 10:11:12.123456+00"}, instance="main"
    )
    warehouse.set_window()
    warehouse.run_models("salesforce__user", "salesforce__account", "salesforce__opportunity", "erp__order")
    opportunity = warehouse.query(
        "select name, stage_name, amount, probability_percent, close_date::text, is_closed, created_at"
        " from silver.salesforce__opportunity"
    )
    created_at = datetime(2024, 7, 24, 14, 5, 58, tzinfo=UTC)
    assert [("Caf\u00e9", None, Decimal("1234.50"), None, "2026-07-24", True, created_at)] == opportunity
    ordered_at = datetime(2026, 11, 20, 10, 11, 12, 123456, tzinfo=UTC)
    assert [(ordered_at,)] == warehouse.query("select ordered_at from silver.erp__order")


def test_contact_record_holds_every_live_record_of_every_system(warehouse: Warehouse) -> None:
    """Contacts, open leads, ERP contacts and badge scans appear with their employer; deleted, converted ones do not."""
    warehouse.add_bronze(
        "salesforce__contact",
        {"_record_id": "1", "AccountId": ACCOUNT_ID, "Contact_Sync_Key__c": "key"},
        {"_record_id": "2", "AccountId": ACCOUNT_ID, "_is_deleted": True},
    )
    warehouse.add_bronze("salesforce__account", {"_record_id": ACCOUNT_ID, "Name": "Acme Corp."})
    warehouse.add_bronze(
        "salesforce__lead", {"_record_id": "3", "Company": "Beta"}, {"_record_id": "4", "IsConverted": "true"}
    )
    warehouse.add_bronze("erp__contact", {"_record_id": "5", "customer_number": "K1"}, instance="main")
    warehouse.add_bronze("erp__customer", {"_record_id": "K1", "name": "Gamma, Inc."}, instance="main")
    warehouse.add_bronze("drops__trade_show", {"_record_id": "6", "company": "Delta"}, instance="main")
    warehouse.set_window()
    warehouse.build("silver")
    assert [
        ("drops__trade_show/main/6", None, None, "Delta", "delta"),
        ("erp__contact/main/5", "erp__customer/main/K1", None, "Gamma, Inc.", "gamma"),
        ("salesforce__contact/core/1", f"salesforce__account/core/{ACCOUNT_ID}", "key", "Acme Corp.", "acme"),
        ("salesforce__lead/core/3", None, None, "Beta", "beta"),
    ] == warehouse.query(
        "select record_key, account_record_key, external_id, company_name, company_normalized"
        " from silver.contact_record order by record_key"
    )


def test_refused_values_are_listed_until_they_are_corrected(warehouse: Warehouse) -> None:
    """What is no value of its type is null and listed by record, field, kind and rule, and gone with the correction."""
    wrong: dict[str, object] = {"_record_id": "1", "Amount": "twelve", "CloseDate": "soon", "_version_at": "2026-01-01"}
    deleted: dict[str, object] = {"_record_id": "2", "Amount": "lots", "_is_deleted": True}
    warehouse.add_bronze("salesforce__opportunity", wrong, deleted, instance="emea")
    warehouse.set_window()
    warehouse.build("silver")
    listed = warehouse.query(
        "select record_key, field, rule, kind_of_value from silver.rejected_value order by record_key, field"
    )
    corrected = {**wrong, "Amount": "12", "_version_at": "2026-01-02", "_sequence": 2}
    warehouse.add_bronze("salesforce__opportunity", corrected, instance="emea")
    warehouse.run_models("salesforce__opportunity", "rejected_value")

    assert [
        ("salesforce__opportunity/emea/1", "amount", "decimal(18, 2)", "text(6)"),
        ("salesforce__opportunity/emea/1", "close_date", "date", "text(4)"),
    ] == listed
    assert [("close_date",)] == warehouse.query("select field from silver.rejected_value")


def test_ids_are_resolved_to_business_keys_whenever_those_come(warehouse: Warehouse) -> None:
    """The account's number and the owner's user name are there when the deal comes after them or before, and when a
    number has changed.
    """
    models = "salesforce__account", "salesforce__user", "salesforce__opportunity"
    found = (
        "select record_id, name, account_number, owner_username from silver.salesforce__opportunity order by record_id"
    )
    deal = {"AccountId": ACCOUNT_ID, "OwnerId": USER_ID}
    held = []
    steps: tuple[tuple[str, dict[str, object]], ...] = (
        ("salesforce__opportunity", {"_record_id": "1", "Name": "Deal", **deal}),
        ("salesforce__account", {"_record_id": ACCOUNT_ID, "AccountNumber": "K-1", "_version_at": "2026-01-01"}),
        ("salesforce__user", {"_record_id": USER_ID, "Username": "ann@one.example"}),
        ("salesforce__opportunity", {"_record_id": "2", "Name": "Other", **deal}),
        ("salesforce__account", {"_record_id": ACCOUNT_ID, "AccountNumber": "K-2", "_version_at": "2026-01-02"}),
    )
    for sequence, (name, row) in enumerate(steps, start=1):
        warehouse.add_bronze(name, {**row, "_sequence": sequence})
        warehouse.set_window(after_sequence=sequence - 1, up_to_sequence=sequence)
        warehouse.run_models(*models)
        held.append(warehouse.query(found))

    ann = "ann@one.example"
    assert [
        [("1", "Deal", None, None)],
        [("1", "Deal", "K-1", None)],
        [("1", "Deal", "K-1", ann)],
        [("1", "Deal", "K-1", ann), ("2", "Other", "K-1", ann)],
        [("1", "Deal", "K-2", ann), ("2", "Other", "K-2", ann)],
    ] == held
