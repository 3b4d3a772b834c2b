"""Bronze holds what an org holds: late commits, ties, clocks, deletions, formulas, fields that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from contact_sync.errors import QuotaExhaustedError, RequestRefusedError
from contact_sync.simulator.salesforce.schema import FieldSchema
from contact_sync.simulator.salesforce.troubles import TROUBLES
from contact_sync_tests.pipeline.bronze.org_bench import START, OrgBench, catalog_object

FORMULA = FieldSchema(
    "Account_Name__c",
    "string",
    255,
    writable=False,
    formula='select Name from "Account" where Id = {record}.AccountId',
)
ROLL_UP = FieldSchema(
    "Contacts__c",
    "double",
    writable=False,
    precision=18,
    formula='select count(*) from "Contact" where AccountId = {record}.Id and IsDeleted = 0',
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[OrgBench]:
    """An org without records, and an empty lake."""
    with closing(OrgBench(tmp_path)) as made:
        yield made


def test_a_late_commit_is_not_lost(bench: OrgBench) -> None:
    """Stamped when its transaction began and visible hours later, a record still arrives."""
    (old,) = bench.insert("Contact", {"LastName": "Old"})
    bench.later(minutes=15)
    bench.extract()
    with bench.org.store.transaction() as commit:
        for _ in range(8):
            bench.later(minutes=15)
            bench.insert("Contact", {"LastName": "Meanwhile"})
            bench.later(seconds=2)
            bench.extract()
        assert 9 == len(bench.alive())
        commit(lambda: bench.insert("Contact", {"LastName": "Late"}))
    bench.later(minutes=15)

    bench.extract()

    assert 10 == len(bench.alive())
    assert "Late" in {row["LastName"] for row in bench.current("LastName").values()}
    assert old in bench.alive()


def test_ten_thousand_records_on_one_time_stamp(bench: OrgBench) -> None:
    """All of them arrive, in many pages, whether they fall in one window or exactly on the border of two."""
    bench.insert("Contact", *({"LastName": f"Tie {number}"} for number in range(10_000)))
    bench.bench.now = START
    bench.extract()
    bench.later(minutes=15)

    report = bench.extract()

    assert 10_000 == len(bench.alive()) == len(bench.bench.rows("_record_id"))
    assert report.rows_read == report.rows_new + report.rows_known


@pytest.mark.parametrize("skew", [timedelta(minutes=45), -timedelta(minutes=45)], ids=["ahead", "behind"])
def test_a_skewed_clock_loses_nothing(bench: OrgBench, skew: timedelta) -> None:
    """The org's clock is three quarters of an hour from ours; every record arrives by the next extraction."""
    bench.org_now += skew
    for number in range(10):
        bench.later(minutes=10)
        bench.insert("Contact", {"LastName": f"Person {number}"})
        bench.later(seconds=2)
        bench.extract()

        assert number + 1 == len(bench.alive())


def test_deletions_of_every_kind(bench: OrgBench) -> None:
    """In the bin, restored, purged, merged away: bronze says of each what the org says."""
    binned, restored, purged, master, loser = bench.insert(
        "Contact", *({"LastName": name} for name in ("Binned", "Restored", "Purged", "Master", "Loser"))
    )
    bench.later(minutes=15)
    bench.extract()
    bench.later(minutes=15)
    writer = bench.org.org.writer
    writer.delete("Contact", [binned, restored], user_id=bench.user_id)
    writer.hard_delete("Contact", purged)
    writer.merge("Contact", master, loser, user_id=bench.user_id)
    bench.later(minutes=15)
    bench.extract()
    assert {master} == bench.alive()

    writer.undelete("Contact", restored)
    bench.later(minutes=15)
    bench.extract()

    assert {master, restored} == bench.alive()
    assert master == bench.current("MasterRecordId")[loser]["MasterRecordId"]


def test_a_record_purged_beyond_memory_is_found_by_a_sweep(bench: OrgBench) -> None:
    """After 20 days without an extraction getDeleted does not remember; the sweep of the keys finds what is gone."""
    kept, purged = bench.insert("Contact", {"LastName": "Kept"}, {"LastName": "Purged"})
    bench.later(minutes=15)
    bench.extract()
    bench.org.org.writer.hard_delete("Contact", purged)
    bench.later(days=20)

    report = bench.extract()

    assert {kept} == bench.alive()
    assert 1 == report.rows_deleted


def test_the_ids_of_a_converted_lead_are_kept(tmp_path: Path) -> None:
    """Conversion arrives as a change with the ids of account and contact."""
    with closing(OrgBench(tmp_path, item=catalog_object("Lead"))) as bench:
        (lead,) = bench.insert("Lead", {"LastName": "Roe", "Company": "Roe Ltd"})
        (account,) = bench.insert("Account", {"Name": "Roe Ltd"})
        (contact,) = bench.insert("Contact", {"LastName": "Roe", "AccountId": account})
        bench.later(minutes=15)
        bench.extract()
        bench.org.org.writer.convert_lead(lead, account_id=account, contact_id=contact, user_id=bench.user_id)
        bench.later(minutes=15)

        bench.extract()

        row = bench.current("IsConverted", "ConvertedAccountId", "ConvertedContactId")[lead]
        assert ("true", account, contact) == (
            row["IsConverted"],
            row["ConvertedAccountId"],
            row["ConvertedContactId"],
        )


def test_formulas_and_roll_ups_are_refreshed(tmp_path: Path) -> None:
    """Their records have not moved; within their hours the new values are in bronze, and nothing else is new."""
    with closing(OrgBench(tmp_path, item=catalog_object("Contact", calculated_hours=1))) as bench:
        bench.org.store.put_field("Contact", FORMULA)
        acme, other = bench.insert("Account", {"Name": "Acme"}, {"Name": "Other"})
        ours, theirs = bench.insert(
            "Contact", {"LastName": "Ours", "AccountId": acme}, {"LastName": "Theirs", "AccountId": other}
        )
        bench.later(minutes=15)
        bench.extract()
        bench.update("Account", acme, Name="Acme & Co")
        bench.later(minutes=15)
        assert 0 == bench.extract().rows_new
        bench.later(hours=1)

        report = bench.extract()

        found = {key: row["Account_Name__c"] for key, row in bench.current("Account_Name__c").items()}
        assert {ours: "Acme & Co", theirs: "Other"} == found
        assert (1, 2) == (report.rows_new, report.rows_checked)
        assert {"Ours", "Theirs"} == {row["LastName"] for row in bench.current("LastName").values()}


def test_a_new_field_a_hidden_one_and_a_removed_one(bench: OrgBench) -> None:
    """A new field is read alone for older records; hidden is told apart from removed; bronze keeps what it holds."""
    first, second = bench.insert("Contact", {"LastName": "A", "Title": "Dr"}, {"LastName": "B", "Title": "Ms"})
    bench.later(minutes=15)
    bench.extract()
    bench.org.store.put_field("Contact", FieldSchema("Level__c", "string", 40))
    with bench.org.store.writing() as connection:
        connection.execute("update Contact set Level__c = 'gold' where Id = ?", (first,))
    bench.later(minutes=15)

    report = bench.extract()

    assert {"added": ("Level__c",)} == report.schema
    assert {first: "gold", second: None} == {k: row["Level__c"] for k, row in bench.current("Level__c").items()}

    bench.org.store.schema.hide_field("Contact", "Title")
    bench.org.store.schema.remove_field("Contact", "Department")
    bench.update("Contact", second, LastName="B2")
    bench.later(hours=7)
    report = bench.extract()
    assert {"hidden": ("Title",), "removed": ("Department",)} == report.schema
    assert {"Dr", "Ms", None} == {row["Title"] for row in bench.bench.rows("_record_id", "Title")}

    bench.org.store.schema.hide_field("Contact", "Title", is_hidden=False)
    bench.later(hours=7)
    bench.extract()
    assert {first: "Dr", second: "Ms"} == {key: row["Title"] for key, row in bench.current("Title").items()}


def test_a_large_load_is_divided_where_the_org_is_slow(tmp_path: Path) -> None:
    """Jobs of more than 3,000 rows fail; 10,000 records arrive nevertheless, once each."""
    with closing(OrgBench(tmp_path)) as bench:
        bench.insert("Contact", *({"LastName": f"Person {number}"} for number in range(10_000)))
        bench.org.org.limits.rows_in_time = 3_000
        bench.later(minutes=15)

        report = bench.extract()

        assert (10_000, 10_000) == (report.rows_read, report.declared_rows)
        assert 10_000 == len(bench.alive()) == len(bench.bench.rows("_record_id"))
        assert bench.org.jobs["query"] > 4


def test_reading_stops_incomplete_at_the_share_and_goes_on_later(tmp_path: Path) -> None:
    """With most of the limit used an extraction is an error; its batch stays open until there is room again."""
    with closing(OrgBench(tmp_path, source_options={"page_rows": 500})) as bench:
        bench.insert("Contact", *({"LastName": f"Person {number}"} for number in range(3_000)))
        bench.later(minutes=15)
        bench.org.org.limits.api_requests = bench.org.org.api_usage + 8

        with pytest.raises(QuotaExhaustedError, match="incomplete"):
            bench.extract()
        assert [] == bench.bench.rows("_record_id")
        assert ["open"] == bench.bench.states()

        bench.org.org.limits.api_requests = 100_000
        report = bench.extract()

        assert report.is_resumed
        assert 3_000 == len(bench.alive())


@pytest.mark.parametrize(("kind", "days"), [("query_more", 2), ("bulk_query_results", 7)])
def test_a_reading_that_the_org_has_forgotten_is_begun_anew(tmp_path: Path, kind: str, days: int) -> None:
    """Gone on with when cursor or job are not kept any more: one run later everything is there, once."""
    rest_rows = 10_000 if kind == "query_more" else 500
    with closing(OrgBench(tmp_path, source_options={"page_rows": 500, "rest_rows": rest_rows})) as bench:
        bench.insert("Contact", *({"LastName": f"Person {number}"} for number in range(3_000)))
        bench.org.org.page_size = bench.org.org.limits.query_page = 300
        bench.later(minutes=15)
        # Four pages are on their way at a time, so that the fifth is asked for when the first has arrived.
        bench.org.disturbances.plan(kind, TROUBLES["request limit"], after=4)
        with pytest.raises(QuotaExhaustedError):
            bench.extract()
        assert ["open"] == bench.bench.states()
        bench.later(days=days, seconds=1)

        bench.extract()

        assert ["abandoned", "published"] == bench.bench.states()[:2]
        assert 3_000 == len(bench.alive()) == len(bench.bench.rows("_record_id"))


@pytest.mark.parametrize(("losses", "states"), [(1, ["abandoned", "published"]), (1_000, ["abandoned", "abandoned"])])
def test_a_job_that_is_forgotten_while_it_is_read_is_made_again_once(
    tmp_path: Path, losses: int, states: list[str]
) -> None:
    """Its pages are dropped and another one is read; if that one is forgotten too, nothing is published."""
    with closing(OrgBench(tmp_path, source_options={"page_rows": 500, "rest_rows": 500})) as bench:
        bench.insert("Contact", *({"LastName": f"Person {number}"} for number in range(3_000)))
        bench.org.org.page_size = 300
        bench.later(minutes=15)
        bench.org.disturbances.plan("bulk_query_results", TROUBLES["jobs and cursors forgotten"], times=losses, after=4)

        with suppress(RequestRefusedError):
            bench.extract()

        assert states == bench.bench.states()[:2]
        assert (3_000 if "published" in states else 0) == len(bench.bench.rows("_record_id"))


def test_a_job_that_fails_half_way_publishes_nothing(bench: OrgBench) -> None:
    """What it had done is not to be had; the next run brings everything."""
    bench.insert("Contact", *({"LastName": f"Person {number}"} for number in range(2_500)))
    bench.later(minutes=15)
    bench.org.disturbances.fail_job("InternalServerError : planned", after_rows=1_500)

    with pytest.raises(RequestRefusedError, match="ended as Failed \\(InternalServerError\\)"):
        bench.extract()
    assert [] == bench.bench.rows("_record_id")

    bench.extract()
    assert 2_500 == len(bench.alive())


def test_an_empty_increment_costs_few_calls(bench: OrgBench) -> None:
    """With what many objects share asked at once, an object that has not changed costs one call of its own."""
    bench.insert("Contact", {"LastName": "Only"})
    bench.later(minutes=15)
    bench.extract()
    bench.later(minutes=15)
    before = bench.org.requests.copy()

    bench.extract(is_prepared=True)

    asked = {kind: count - before[kind] for kind, count in bench.org.requests.items() if count > before[kind]}
    assert {"login": 1, "composite": 3, "query": 1} == asked


def test_a_day_of_increments_costs_less_than_two_calls_each(bench: OrgBench) -> None:
    """Every quarter of an hour for a day, sweeps and formulas included, no jobs; 25 objects share the other calls."""
    bench.org.store.put_field("Contact", FORMULA)
    (person,) = bench.insert("Contact", {"LastName": "Only"})
    bench.later(minutes=15)
    bench.extract()
    before = bench.org.requests.copy()
    for number in range(96):
        bench.later(minutes=15)
        if number % 8 == 0:
            bench.update("Contact", person, FirstName=f"Name {number}")
            bench.later(seconds=1)
        bench.extract(is_prepared=True)

    asked = {kind: count - before[kind] for kind, count in bench.org.requests.items()}
    own = sum(count for kind, count in asked.items() if kind not in {"login", "composite"})

    assert own / 96 + asked["composite"] / 96 / 25 < 2
    assert 0 == bench.org.jobs["query"]
    assert "Name 88" == bench.current("FirstName")[person]["FirstName"]
