"""Columns made of described fields: names every engine takes, types that hold what every instance describes."""

from __future__ import annotations

from typing import Any

import pytest

from contact_sync.warehouse.model_fields import model_fields

NAMES = [
    ("LastModifiedDate", "datetime", "modified_at"),
    ("StartDateTime", "datetime", "start_at"),
    ("Sent_At__c", "datetime", "sent_at"),
    ("StartDate", "date", "start_date"),
    ("Contact_Sync_Key__c", "string", "contact_sync_key"),
    ("Place__Latitude__s", "double", "place_latitude"),
    ("Type", "picklist", "campaign_type"),
    ("Order__c", "string", "campaign_order"),
    ("Record_Id__c", "string", "campaign_record_id"),
]


def described(kind: str, **more: Any) -> dict[str, Any]:
    """A field as the schema history has it."""
    return {"type": kind, "length": 0, "precision": 0, "scale": 0, "references": [], "left_out": "", **more}


@pytest.mark.parametrize(("field", "kind", "column"), NAMES)
def test_columns_are_named_like_those_written_by_hand(field: str, kind: str, column: str) -> None:
    """Snake case without custom suffixes, times end with _at, and a reserved word gets the object before it."""
    (found,) = model_fields("salesforce__campaign", [{field: described(kind)}])

    assert column == found.column


def test_no_two_fields_have_one_column() -> None:
    """A custom field of the same name, and a column that is there already, give way."""
    fields = model_fields(
        "salesforce__campaign", [{"Name": described("string"), "Name__c": described("string")}], taken={"campaign_name"}
    )

    assert ["name", "name_custom"] == [one.column for one in fields]


def test_a_column_holds_what_every_instance_describes() -> None:
    """Digits are those of the widest instance; where the kinds differ it is text; what no query returns is left out."""
    core = {"A": described("currency", precision=18, scale=2), "B": described("date"), "C": described("address")}
    emea = {"A": described("double", precision=16, scale=4), "B": described("string"), "D": described("double")}
    core["C"]["left_out"] = "a compound"

    fields = {one.field: (one.call, one.data_type) for one in model_fields("salesforce__thing", [core, emea])}

    assert {
        "A": ("as_decimal('A', 20, 4)", "decimal(20, 4)"),
        "B": ("as_text('B')", "varchar"),
        "D": ("as_decimal('D', 38, 9)", "decimal(38, 9)"),
    } == fields
