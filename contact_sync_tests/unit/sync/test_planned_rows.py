"""The rows of a plan as rows that a target takes, and in larger tables."""

from __future__ import annotations

from itertools import accumulate

import pyarrow as pa
import pytest

from contact_sync.sync.plan import StageCount
from contact_sync.sync.plan_table import Stage
from contact_sync.sync.planned_rows import columns_to_apply, planned_rows
from contact_sync.sync.rows import gathered
from contact_sync_tests.unit.sync.memory_target import EXTERNAL_ID, Write, plan_of
from contact_sync_tests.unit.sync.small_catalog import CATALOG

UPDATE = ("update", "003B", {"Phone": "2", "MailingCity": "#N/A"})


def test_a_cell_is_there_only_where_a_row_writes() -> None:
    """One column for every field that any row writes; fields a row does not write are null, which leaves them alone."""
    named = ("update", "003C", {"MailingStreet": 'A "quoted", ü\nname'})
    table = planned_rows(plan_of(UPDATE, named), CATALOG.entities["contact"], Stage.UPDATE, "Id").cells

    assert {"Id", "Phone", "MailingCity", "MailingStreet"} == set(table.column_names)
    nothing = {"Phone": None, "MailingCity": None, "MailingStreet": None}
    assert [
        {**nothing, "Id": "003B", "Phone": "2", "MailingCity": "#N/A"},
        {**nothing, "Id": "003C", "MailingStreet": 'A "quoted", ü\nname'},
    ] == sorted(table.to_pylist(), key=lambda row: row["Id"])


def test_a_record_is_created_under_the_key_of_its_parent() -> None:
    """Created without it, it would never be linked to it; an update leaves the link alone."""
    parent = "Account.Contact_Sync_Key__c"
    child = ("create", "per_C", {"LastName": "Lee", parent: "com_1"})
    table = planned_rows(plan_of(child), CATALOG.entities["contact"], Stage.CREATE, EXTERNAL_ID).cells

    assert [{EXTERNAL_ID: "per_C", "LastName": "Lee", parent: "com_1"}] == table.to_pylist()


@pytest.mark.parametrize(
    ("write", "planned", "sees"),
    [
        (("stamp", "003A", {EXTERNAL_ID: "per_A"}), 1, False),
        (UPDATE, CATALOG.entities["contact"].target.direct_rows, True),
        (UPDATE, CATALOG.entities["contact"].target.direct_rows + 1, False),
        (("create", "per_C", {"LastName": "Lee", "Account.Contact_Sync_Key__c": "com_1"}), 1, False),
    ],
    ids=["stamp", "few updates", "many updates", "create"],
)
def test_an_application_reads_what_its_stages_need(write: Write, planned: int, *, sees: bool) -> None:
    """Rows made of the columns that are read are those made of all; what the plan saw is read for few updates only."""
    plan, stage = plan_of(write), Stage(write[0])
    count = StageCount(entity="contact", stage=stage, planned=planned, held=0, target_records=0)

    columns = columns_to_apply(CATALOG.entities, [count])

    whole, read = (
        planned_rows(rows, CATALOG.entities["contact"], stage, "Id", with_before=sees)
        for rows in (plan, plan.select(columns))
    )
    assert whole == read
    assert sees == any(name.startswith("before_") for name in columns)


@pytest.mark.parametrize(("sizes", "expected"), [([], []), ([1], [1]), ([2, 1, 4, 1], [3, 4, 1]), ([1, 1, 1], [3])])
def test_tables_are_gathered_in_their_order(sizes: list[int], expected: list[int]) -> None:
    """Every row once, in tables of at least so many but for the last one."""
    rows = pa.table({"place": list(range(sum(sizes)))})
    ends = list(accumulate(sizes))
    tables = list(gathered([rows.slice(end - size, size) for size, end in zip(sizes, ends, strict=True)], 3))

    assert expected == [table.num_rows for table in tables]
    assert list(range(sum(sizes))) == [place for table in tables for place in table["place"].to_pylist()]
