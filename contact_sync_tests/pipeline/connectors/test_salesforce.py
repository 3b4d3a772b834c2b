"""The Salesforce connector against a simulated org over real HTTP; the two share no code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from contact_sync.catalog import CatalogObject
from contact_sync.connectors.base import Page, Window
from contact_sync.connectors.salesforce import SalesforceSource, SalesforceTarget
from contact_sync.connectors.target import CLEAR, JobState, Operation
from contact_sync.errors import AuthenticationError, SourceUnreachableError, UnknownObjectError
from contact_sync.settings import SalesforceInstance
from contact_sync.simulator.salesforce.instance import SalesforceInstance as SimulatedInstance
from contact_sync.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "Contact_Sync_Key__c"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVERYTHING = Window(start=None, end=NOW + timedelta(days=1))
LAST_DAY = Window(start=NOW - timedelta(days=1), end=NOW + timedelta(days=1))
NASTY = ["NULL", "NA", "#N/A!", 'say "hi"', "a,b", "line\r\nline", "01234", "😀 Zoë", "=1+1", "x\u2028y"]


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[SimulatedInstance]:
    """An org without records whose pages are small."""
    instance = SimulatedInstance("core", tmp_path, clock=lambda: NOW, page_size=1_000)
    instance.start()
    yield instance
    instance.stop()


@pytest.fixture
def settings(simulated: SimulatedInstance) -> SalesforceInstance:
    """How the org is reached."""
    return SalesforceInstance.model_validate(
        {
            "url": simulated.url,
            "kind": "simulator",
            "client_id": simulated.client_id,
            "client_secret": simulated.client_secret,
        }
    )


@pytest.fixture
def source(settings: SalesforceInstance) -> Iterator[SalesforceSource]:
    """The org as a source."""
    source = SalesforceSource("core", settings, page_rows=1_000)
    yield source
    source.close()


@pytest.fixture
def in_bulk(settings: SalesforceInstance, source: SalesforceSource) -> SalesforceSource:
    """The org as a source that reads whatever there is by Bulk API 2.0."""
    return SalesforceSource("core", settings, client=source.client, page_rows=1_000, rest_rows=0)


@pytest.fixture
def target(settings: SalesforceInstance, source: SalesforceSource) -> SalesforceTarget:
    """The org as a target, on the same connections."""
    return SalesforceTarget("core", settings, client=source.client)


@pytest.fixture
def contact() -> CatalogObject:
    """The catalog's line for contacts."""
    return CatalogObject(
        source="salesforce",
        connector="salesforce",
        object="Contact",
        description="People.",
        owner="team:test",
        key="Id",
        cursor="SystemModstamp",
        deleted="IsDeleted",
    )


def write(target: SalesforceTarget, operation: Operation, key: str, rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Run one job to its end and return its results by key."""
    job_id = target.create_job("Contact", operation, key=key)
    assert JobState.OPEN is target.job_status(job_id).state
    target.upload(job_id, rows)
    assert JobState.FINISHED is target.wait(job_id, timeout_seconds=30).state
    results = pa.concat_tables(target.results(job_id, key=key)).to_pylist()
    assert rows.num_rows == len(results)
    return {result["key"]: result for result in results}


def people(count: int) -> pa.Table:
    """New contacts whose last names are hard to carry."""
    return pa.table(
        {
            KEY: [f"key-{number}" for number in range(count)],
            "LastName": [NASTY[number % len(NASTY)] for number in range(count)],
        }
    )


def rows_of(pages: list[Page]) -> list[dict[str, str | None]]:
    """All rows, in the order of their ids."""
    table: pa.Table = pa.concat_tables([page.rows for page in pages])
    return table.sort_by("Id").to_pylist()


def test_what_is_written_is_read_back_on_both_lanes(
    simulated: SimulatedInstance,
    source: SalesforceSource,
    in_bulk: SalesforceSource,
    target: SalesforceTarget,
    contact: CatalogObject,
) -> None:
    """Every text survives the way there and back, and REST and Bulk bring the very same rows."""
    sent = people(50)

    results = write(target, Operation.UPSERT, KEY, sent)
    bulk = list(in_bulk.read(contact, EVERYTHING))
    rest = list(source.read(contact, LAST_DAY))

    assert all(result["is_created"] and result["code"] is None for result in results.values())
    assert sent.to_pylist() == [{KEY: row[KEY], "LastName": row["LastName"]} for row in rows_of(bulk)]
    assert rows_of(bulk) == rows_of(rest)
    assert ("bulk", "rest") == (bulk[0].origin["_lane"], rest[0].origin["_lane"])
    assert 50 == target.count("Contact")
    assert 1 == simulated.jobs["query"]


def test_a_large_window_is_read_by_bulk_and_resumes_after_the_session_has_ended(
    simulated: SimulatedInstance, source: SalesforceSource, target: SalesforceTarget, contact: CatalogObject
) -> None:
    """More than 2,000 changed rows come as counted pages of one job, which is continued by a new login."""
    write(target, Operation.UPSERT, KEY, people(2_500))

    pages = list(source.read(contact, LAST_DAY))
    simulated.expire_tokens()
    rest = list(source.read(contact, LAST_DAY, resume=pages[0].checkpoint))

    assert [(1_000, 2_500), (1_000, 2_500), (500, 2_500)] == [
        (page.declared_rows, page.declared_total) for page in pages
    ]
    assert rows_of(pages[1:]) == rows_of(rest)
    assert 1 == simulated.jobs["query"]


def test_null_leaves_a_field_and_clear_empties_it(
    source: SalesforceSource, target: SalesforceTarget, contact: CatalogObject
) -> None:
    """An update tells leaving alone from emptying."""
    created = write(target, Operation.UPSERT, KEY, people(2).append_column("Phone", pa.array(["1", "2"])))
    ids = [created["key-0"]["record_id"], created["key-1"]["record_id"]]

    write(target, Operation.UPDATE, "Id", pa.table({"Id": ids, "Phone": [None, CLEAR]}, schema=text("Id", "Phone")))

    assert ["1", None] == [row["Phone"] for row in rows_of(list(source.read(contact, EVERYTHING)))]


def text(*names: str) -> pa.Schema:
    """Columns of text."""
    return pa.schema([(name, pa.string()) for name in names])


def test_refused_rows_have_their_reason(target: SalesforceTarget) -> None:
    """A row without its required field is refused with a code while the other is written."""
    rows = pa.table({KEY: ["a", "b"], "LastName": ["Roe", None]}, schema=text(KEY, "LastName"))

    results = write(target, Operation.UPSERT, KEY, rows)

    assert (None, "REQUIRED_FIELD_MISSING") == (results["a"]["code"], results["b"]["code"])


def test_deleted_records_are_read(
    source: SalesforceSource, in_bulk: SalesforceSource, target: SalesforceTarget, contact: CatalogObject
) -> None:
    """A deletion arrives as a change on both lanes, and does not count as a live record."""
    created = write(target, Operation.UPSERT, KEY, people(2))
    write(target, Operation.DELETE, "Id", pa.table({"Id": [created["key-1"]["record_id"]]}))

    for lane in (source, in_bulk):
        deleted = {row["Id"]: row["IsDeleted"] for row in rows_of(list(lane.read(contact, EVERYTHING)))}
        assert {created["key-0"]["record_id"]: "false", created["key-1"]["record_id"]: "true"} == deleted
    assert 1 == target.count("Contact")


def test_an_aborted_job_has_no_effect(target: SalesforceTarget) -> None:
    """A job that is given up before it started writes nothing."""
    job_id = target.create_job("Contact", Operation.UPSERT, key=KEY)

    target.abort(job_id)

    assert JobState.ABORTED is target.job_status(job_id).state
    assert 0 == target.count("Contact")


def test_has_changed_sees_newer_records_only(
    source: SalesforceSource, target: SalesforceTarget, contact: CatalogObject
) -> None:
    """The small question tells a change after `since` from none."""
    assert not source.has_changed(contact, None)

    write(target, Operation.UPSERT, KEY, people(1))

    assert source.has_changed(contact, NOW - timedelta(seconds=1))
    assert not source.has_changed(contact, NOW + timedelta(seconds=1))


def test_check_knows_the_org(source: SalesforceSource) -> None:
    """The identity is an Organization Id, and the remaining calls are told."""
    health = source.check()

    assert health.identity.startswith("00D")
    assert health.remaining_calls is not None


def test_an_object_the_org_does_not_have_is_named(source: SalesforceSource, contact: CatalogObject) -> None:
    """An unknown object is an error of its own kind."""
    with pytest.raises(UnknownObjectError, match="Unicorn"):
        source.fields(contact.model_copy(update={"object": "Unicorn"}))


def test_a_wrong_secret_names_the_setting(settings: SalesforceInstance) -> None:
    """The refused login names the settings to check."""
    wrong = SalesforceInstance.model_validate({**settings.model_dump(), "client_secret": "wrong"})
    source = SalesforceSource("core", wrong)

    with pytest.raises(AuthenticationError, match="CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET"):
        source.check()

    source.close()


def test_an_outage_names_the_instance(
    simulated: SimulatedInstance, source: SalesforceSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An org that refuses connections is named with its address."""
    monkeypatch.setattr("contact_sync.connectors.retry.Retry.delay", lambda *_: 0.0)
    simulated.outage(is_down=True)

    with pytest.raises(SourceUnreachableError, match=f"core at {simulated.url}"):
        source.check()


@pytest.mark.parametrize("name", ["Contact", "Account", "Lead", "Opportunity", "Case", "Task", "Event"])
def test_a_living_population_is_the_same_on_both_lanes(tmp_path: Path, contact: CatalogObject, name: str) -> None:
    """Every object of a generated org has the same rows by REST and by Bulk, types of all kinds included."""
    world = World.start(tmp_path, contacts=300, accounts=60, instances=("core",), erp=False, objects=False)
    try:
        org = world.org("core")
        document = {"url": org.url, "client_id": org.client_id, "client_secret": org.client_secret}
        settings = SalesforceInstance.model_validate({**document, "kind": "simulator"})
        source = SalesforceSource("core", settings)
        always_bulk = SalesforceSource("core", settings, client=source.client, rest_rows=0)
        item = contact.model_copy(update={"object": name})
        end = datetime.now(UTC) + timedelta(days=2)
        bulk = list(always_bulk.read(item, Window(start=None, end=end)))
        rest = list(source.read(item, Window(start=datetime(2000, 1, 1, tzinfo=UTC), end=end)))
        source.close()
    finally:
        world.stop()

    assert {"bulk"} == {page.origin["_lane"] for page in bulk}
    assert {"rest"} == {page.origin["_lane"] for page in rest}
    assert len(rows_of(bulk)) > 0
    assert rows_of(bulk) == rows_of(rest)


@pytest.mark.parametrize("lane", ["bulk", "direct"])
def test_every_operation_on_both_lanes(simulated: SimulatedInstance, target: SalesforceTarget, lane: str) -> None:
    """Insert, update, upsert and delete: the same records and the same refusals, whatever the lane."""

    def written(operation: Operation, key: str, **columns: list[str | None]) -> dict[str, dict[str, Any]]:
        rows = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
        if lane == "bulk":
            return write(target, operation, key, rows)
        results = target.write("Contact", operation, rows, key=key).to_pylist()
        return {result["key"]: result for result in results}

    made = written(Operation.INSERT, KEY, Contact_Sync_Key__c=["a", "b"], LastName=["Lee", None], Phone=["1", "1"])
    changed = written(Operation.UPDATE, "Id", Id=[made["a"]["record_id"]], Phone=[CLEAR], Title=["Dr"])
    upserted = written(
        Operation.UPSERT, KEY, Contact_Sync_Key__c=["a", "c"], LastName=["Roe", "Roe"], Phone=[None, "3"]
    )
    gone = written(Operation.DELETE, "Id", Id=[upserted["c"]["record_id"], "003Rb0000009999IAA"])

    (record,) = simulated.store.records("Contact", "IsDeleted = 0", ())
    assert ("a", "Roe", None, "Dr") == tuple(record[name] for name in (KEY, "LastName", "Phone", "Title"))
    outcomes = [(one["is_created"], one["code"]) for part in (made, changed, upserted) for one in part.values()]
    created, kept = (True, None), (False, None)
    assert sorted([created, (False, "REQUIRED_FIELD_MISSING"), kept, kept, created], key=str) == sorted(
        outcomes, key=str
    )
    assert 1 == sum(one["code"] is None for one in gone.values())
    assert {"contact_sync"} == {client for _, client in simulated.client_names}
