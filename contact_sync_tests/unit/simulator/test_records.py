"""Row rules: what may be written, what a refused row is told, and what the org fills in itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contact_sync.simulator.salesforce.records import RecordWriter
from contact_sync.simulator.salesforce.store import Store, Undo

START = datetime(2026, 11, 20, 12, 0, 0, 123_000, tzinfo=UTC)


class Moment:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Now."""
        return self.now


@pytest.fixture
def moment() -> Moment:
    """The clock of the store."""
    return Moment()


@pytest.fixture
def store(tmp_path: Path, moment: Moment) -> Iterator[Store]:
    """An empty org."""
    store = Store(tmp_path / "records.sqlite", instance="core", clock=moment)
    yield store
    store.close()


@pytest.fixture
def writer(store: Store) -> RecordWriter:
    """Writes into the empty org."""
    return RecordWriter(store)


def create(writer: RecordWriter, object_name: str = "Contact", **values: object) -> str:
    """A new record's id."""
    (saved,) = writer.insert(object_name, [values], user_id="author")

    assert saved.error is None
    return str(saved.id)


def test_a_new_record_is_stamped_and_named(writer: RecordWriter, store: Store) -> None:
    """A record gets id, audit fields at the clock's millisecond, an owner and its full name."""
    record = store.record("Contact", create(writer, LastName="Doe", FirstName=" Jo "))

    assert record is not None
    assert "2026-11-20T12:00:00.123Z" == record["CreatedDate"] == record["LastModifiedDate"] == record["SystemModstamp"]
    assert ("Jo Doe", "author", 0) == (record["Name"], record["OwnerId"], record["IsDeleted"])


def test_absent_stays_none_clears_value_sets(writer: RecordWriter, store: Store, moment: Moment) -> None:
    """Three states: a field left out stays, None clears it, a value replaces it; only the stamps of change move."""
    record_id = create(writer, LastName="Doe", FirstName="Jo", Phone="1", Title="CEO")
    moment.now += timedelta(seconds=1)
    writer.update("Contact", [{"Id": record_id, "Phone": None, "FirstName": "Joe"}], user_id="editor")
    record = store.record("Contact", record_id)

    assert record is not None
    assert (None, "Joe", "CEO", "Joe Doe") == tuple(record[name] for name in ("Phone", "FirstName", "Title", "Name"))
    assert record["CreatedDate"] < record["SystemModstamp"] == "2026-11-20T12:00:01.123Z"  # type: ignore[operator]
    assert ("author", "editor") == (record["CreatedById"], record["LastModifiedById"])


@pytest.mark.parametrize(
    ("object_name", "values", "code"),
    [
        ("Contact", {"FirstName": "Jo"}, "REQUIRED_FIELD_MISSING"),
        ("Account", {"Phone": "1"}, "REQUIRED_FIELD_MISSING"),
        ("Lead", {"LastName": "Doe"}, "REQUIRED_FIELD_MISSING"),
        ("Contact", {"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ("Contact", {"LastName": "Doe", "Email": "no at sign"}, "INVALID_EMAIL_ADDRESS"),
        ("Contact", {"LastName": "Doe", "AccountId": "short"}, "MALFORMED_ID"),
        ("Contact", {"LastName": "Doe", "AccountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ("Contact", {"LastName": "Doe", "Name": "Jo Doe"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("Contact", {"LastName": "Doe", "Nothing": "x"}, "INVALID_FIELD"),
        ("Contact", {"LastName": "Doe", "Account.Contact_Sync_Key__c": "nobody"}, "INVALID_FIELD"),
        ("Contact", {"LastName": "Doe", "DoNotCall": "maybe"}, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Opportunity", {"Name": "Deal", "StageName": "Closed Won"}, "REQUIRED_FIELD_MISSING"),
    ],
)
def test_a_wrong_row_is_refused_by_code(
    writer: RecordWriter, object_name: str, values: dict[str, object], code: str
) -> None:
    """Each broken rule has its own code, and the row before it is written all the same."""
    good = {"Name": "ok", "LastName": "ok", "Company": "ok", "StageName": "Prospecting", "CloseDate": "2026-01-01"}
    writable = {"Account": ["Name"], "Lead": ["LastName", "Company"], "Opportunity": ["Name", "StageName", "CloseDate"]}
    first = {name: good[name] for name in writable.get(object_name, ["LastName"])}
    saved, refused = writer.insert(object_name, [first, values], user_id="author")

    assert saved.error is None
    assert refused.error is not None
    assert code == refused.error.code


def test_the_external_id_is_unique_whatever_its_case(writer: RecordWriter) -> None:
    """A second holder of a value is refused, in the same call as well, in capitals and between blanks."""
    create(writer, LastName="One", Contact_Sync_Key__c="k")
    rows = [
        {"LastName": name, "Contact_Sync_Key__c": key}
        for name, key in (("a", "k"), ("b", " K "), ("c", "new"), ("d", "NEW"))
    ]
    codes = [saved.error and saved.error.code for saved in writer.insert("Contact", rows, user_id="author")]

    assert ["DUPLICATE_VALUE", "DUPLICATE_VALUE", None, "DUPLICATE_VALUE"] == codes


def test_a_deleted_record_gives_its_external_id_back(writer: RecordWriter) -> None:
    """The value of a record in the recycle bin can be given to another one."""
    record_id = create(writer, LastName="One", Contact_Sync_Key__c="k")
    writer.delete("Contact", [record_id], user_id="author")

    assert create(writer, LastName="Two", Contact_Sync_Key__c="k") != record_id


def test_upsert_creates_changes_and_refuses_repeated_keys(writer: RecordWriter, store: Store) -> None:
    """Upsert finds records by external id; a row without key, and all rows of a chunk that share one, are refused."""
    known = create(writer, LastName="Known", Contact_Sync_Key__c="k1")
    rows = [
        {"Contact_Sync_Key__c": "k1", "Title": "CEO"},
        {"Contact_Sync_Key__c": "k2", "LastName": "New"},
        {"LastName": "Keyless"},
        {"Contact_Sync_Key__c": "k3", "LastName": "Twin"},
        {"Contact_Sync_Key__c": "k3", "LastName": "Twin"},
    ]
    saved = writer.upsert("Contact", "Contact_Sync_Key__c", rows, user_id="author")

    assert (known, False) == (saved[0].id, saved[0].created)
    assert saved[1].created
    codes = [one.error.code for one in saved[2:] if one.error]
    assert ["MISSING_ARGUMENT", "DUPLICATE_VALUE", "DUPLICATE_VALUE"] == codes
    assert 2 == store.count("Contact")


def test_deleted_and_unknown_records_cannot_be_changed(writer: RecordWriter) -> None:
    """Updates of a deleted, an unknown and a malformed id are refused by their own codes."""
    gone = create(writer, LastName="Gone")
    writer.delete("Contact", [gone], user_id="author")
    rows = [{"Id": one, "Title": "x"} for one in (gone, "003000000000001AAA", "nonsense")]
    codes = [saved.error and saved.error.code for saved in writer.update("Contact", rows, user_id="author")]

    assert ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"] == codes


def test_a_merge_cannot_take_a_unique_value_from_the_loser(writer: RecordWriter, store: Store) -> None:
    """The External ID has to be cleared on the loser first, or nothing is merged; what is blank stays blank."""
    master = create(writer, LastName="Doe")
    loser = create(writer, LastName="Doe", Email="doe@acme.example", Contact_Sync_Key__c="k1")
    values = {"Contact_Sync_Key__c": "k1"}
    refused = writer.merge("Contact", master, loser, user_id="author", values=values)
    untouched = store.record("Contact", loser)
    writer.update("Contact", [{"Id": loser, "Contact_Sync_Key__c": None}], user_id="author")
    merged = writer.merge("Contact", master, loser, user_id="author", values=values)
    after = store.record("Contact", master)

    assert refused.error is not None
    assert merged.error is None
    assert untouched is not None
    assert after is not None
    assert ("DUPLICATE_VALUE", 0) == (refused.error.code, untouched["IsDeleted"])
    assert ("k1", None) == (after["Contact_Sync_Key__c"], after["Email"])


def test_a_duplicate_rule_refuses_inserts_and_updates(store: Store) -> None:
    """Same email address and last name as another live contact: refused, however it comes about, until that is gone."""
    writer = RecordWriter(store, duplicate_rule=True)
    known = create(writer, LastName="Doe", Email="doe@acme.example")
    other = create(writer, LastName="Doe", Email="jo@acme.example")
    change = [{"Id": other, "Email": "DOE@acme.example"}]
    inserted = writer.insert("Contact", [{"LastName": "doe", "Email": "doe@acme.example"}], user_id="author")
    updated = writer.update("Contact", change, user_id="author")
    writer.update("Contact", [{"Id": known, "Phone": "1"}], user_id="author")
    writer.delete("Contact", [known], user_id="author")

    assert ["DUPLICATES_DETECTED"] * 2 == [one.error and one.error.code for one in (*inserted, *updated)]
    assert [None] == [one.error for one in writer.update("Contact", change, user_id="author")]


def test_a_required_field_cannot_be_cleared(writer: RecordWriter) -> None:
    """Clearing LastName is refused."""
    (saved,) = writer.update("Contact", [{"Id": create(writer, LastName="Doe"), "LastName": None}], user_id="author")

    assert saved.error is not None
    assert "REQUIRED_FIELD_MISSING" == saved.error.code


def test_stages_and_statuses_drive_derived_fields(writer: RecordWriter, store: Store) -> None:
    """A won opportunity is closed with full probability; a closed case has a closing date, a reopened one has none."""
    deal = create(writer, "Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-12-01")
    writer.update("Opportunity", [{"Id": deal, "StageName": "Closed Won"}], user_id="author")
    case = create(writer, "Case", Status="Closed")
    closed = store.record("Case", case)
    writer.update("Case", [{"Id": case, "Status": "Working"}], user_id="author")
    won, reopened = store.record("Opportunity", deal), store.record("Case", case)

    assert won is not None
    assert closed is not None
    assert reopened is not None
    assert (1, 1, "100.0") == (won["IsClosed"], won["IsWon"], won["Probability"])
    assert (1, "2026-11-20T12:00:00.123Z", "00001001") == (
        closed["IsClosed"],
        closed["ClosedDate"],
        closed["CaseNumber"],
    )
    assert (0, None) == (reopened["IsClosed"], reopened["ClosedDate"])


def test_every_successful_write_is_counted_by_record(writer: RecordWriter, store: Store) -> None:
    """Creates and updates count, refused rows do not."""
    record_id = create(writer, LastName="Doe")
    for change in ({"Title": "x"}, {"LastName": None}):
        writer.update("Contact", [{"Id": record_id, **change}], user_id="author")

    assert {record_id: 2} == dict(store.write_counts)


def test_of_two_rows_in_different_chunks_the_later_one_wins(writer: RecordWriter, store: Store) -> None:
    """Only within 200 rows a key that is repeated is refused; beyond, the second row changes what the first created."""
    rows = [{"Contact_Sync_Key__c": f"k{number}", "LastName": "First"} for number in range(200)]
    saved = writer.upsert(
        "Contact", "Contact_Sync_Key__c", [*rows, {**rows[0], "LastName": "Second"}], user_id="author"
    )

    assert [None] * 201 == [one.error for one in saved]
    assert (saved[0].id, False) == (saved[-1].id, saved[-1].created)
    assert ["Second"] == [one["LastName"] for one in store.records("Contact", "Contact_Sync_Key__c = 'k0'")]


def test_one_record_twice_in_a_chunk_is_refused_twice(writer: RecordWriter, store: Store) -> None:
    """Neither row of an update, nor of a deletion, that names the same record is carried out."""
    record_id = create(writer, LastName="Doe")
    updated = writer.update("Contact", [{"Id": record_id, "Title": one} for one in "ab"], user_id="author")
    deleted = writer.delete("Contact", [record_id, record_id[:15]], user_id="author")

    assert ["DUPLICATE_VALUE"] * 4 == [one.error.code for one in (*updated, *deleted) if one.error]
    assert [(None, 0)] == [(one["Title"], one["IsDeleted"]) for one in store.records("Contact")]


def test_what_is_undone_leaves_no_trace(writer: RecordWriter, store: Store) -> None:
    """A part of a transaction can be undone on its own, and its writes do not count; the rest is committed."""
    with store.writing():
        kept = create(writer, LastName="Kept")
        with store.writing():
            create(writer, LastName="Undone")
            assert {"Kept", "Undone"} == {one["LastName"] for one in store.records("Contact")}
            raise Undo

    assert [kept] == [one["Id"] for one in store.records("Contact")] == list(store.write_counts)


def test_times_are_kept_in_whole_seconds(writer: RecordWriter, store: Store) -> None:
    """In UTC; a fraction is dropped without a word."""
    record = store.record("Event", create(writer, "Event", StartDateTime="2026-11-20T12:00:00.999+01:00"))

    assert record is not None
    assert "2026-11-20T11:00:00.000Z" == record["StartDateTime"]
