"""Writing to an org at once: what is sent, and what each reply means for each row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pytest

from contact_sync.connectors.target import CHANGED_MEANWHILE, CLEAR, REPLY_LOST, Operation
from contact_sync.errors import CountMismatchError, UnknownObjectError
from contact_sync_tests.unit.connectors.scripted_org import Org, problem

if TYPE_CHECKING:
    from contact_sync.connectors.salesforce import SalesforceTarget

KEY = "Contact_Sync_Key__c"
IDS = [f"003Rb00000000{number:02}IAA" for number in range(60)]
NOON = datetime(2026, 11, 20, 12, 0, 0, 700_000, tzinfo=UTC)
COLLECTION = "/composite/sobjects"


@pytest.fixture(autouse=True)
def _contact(org: Org) -> None:
    types = {"Id": "id", KEY: "string", "LastName": "string", "Phone": "phone", "AccountId": "reference"}
    types |= {"IsActive__c": "boolean", "Number__c": "double", "Day__c": "date"}
    fields = [{"name": name, "type": kind, "scale": 4, "precision": 18} for name, kind in types.items()]
    org.on("GET /sobjects/Contact/describe", {"fields": fields})


def texts(**columns: list[str | None]) -> pa.Table:
    """Columns of text."""
    return pa.table({name.replace("Account_", "Account."): pa.array(one, pa.string()) for name, one in columns.items()})


def saved(*outcomes: dict[str, Any]) -> Any:
    """The reply to a collection."""
    return lambda _: httpx.Response(200, json=list(outcomes))


TAKEN = {"id": IDS[0], "success": True, "errors": [], "created": True}
REFUSED = {"success": False, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "too long", "fields": ["Phone"]}]}


def rows_of(results: pa.Table) -> list[tuple[Any, ...]]:
    """Key, id, is created, code of each."""
    return [tuple(row.values())[:4] for row in results.to_pylist()]


def test_values_are_sent_as_json_has_them(org: Org, target: SalesforceTarget) -> None:
    """Absent values are left out, a clear is null, a parent is named by its key, numbers keep every digit."""
    org.on(f"PATCH {COLLECTION}/Contact/{KEY}", saved(TAKEN, TAKEN))
    rows = texts(
        Contact_Sync_Key__c=["k1", "k2"],
        LastName=["Lee", None],
        Phone=[CLEAR, "NULL"],
        Account_Contact_Sync_Key__c=["com_1", CLEAR],
        IsActive__c=["true", None],
        Number__c=["12.5", "12345678901234.5678"],
    )

    results = target.write("Contact", Operation.UPSERT, rows, key=KEY)

    of_type = {"attributes": {"type": "Contact"}}
    first = {
        KEY: "k1",
        "LastName": "Lee",
        "Phone": None,
        "Account": {KEY: "com_1"},
        "IsActive__c": True,
        "Number__c": 12.5,
    }
    second = {KEY: "k2", "Phone": "NULL", "AccountId": None, "Number__c": "12345678901234.5678"}
    assert {"allOrNone": False, "records": [of_type | first | {"Number__c": 12.5}, of_type | second]} == json.loads(
        org.requests[-1].content
    )
    assert [("k1", IDS[0], True, None), ("k2", IDS[0], True, None)] == rows_of(results)


@pytest.mark.parametrize(
    ("operation", "method", "key"), [(Operation.INSERT, "POST", KEY), (Operation.UPDATE, "PATCH", "Id")]
)
def test_each_outcome_belongs_to_the_row_in_its_place(
    org: Org, target: SalesforceTarget, operation: Operation, method: str, key: str
) -> None:
    """Failed rows have no id of their own: the order of the reply is that of the rows."""
    org.on(f"{method} {COLLECTION}", saved(REFUSED, TAKEN))
    rows = texts(**{key: [IDS[1], IDS[0]], "Phone": ["1", "2"]})

    results = target.write("Contact", operation, rows, key=key)

    assert [(IDS[1], None, False, "STRING_TOO_LONG"), (IDS[0], IDS[0], True, None)] == rows_of(results)
    sent = json.loads(org.requests[-1].content)["records"]
    assert [IDS[1], IDS[0]] == [one["id" if key == "Id" else KEY] for one in sent]


def test_records_are_deleted_by_id(org: Org, target: SalesforceTarget) -> None:
    """Ids are parameters, and what could not be deleted has its reason."""
    org.on(f"DELETE {COLLECTION}", saved({**TAKEN, "created": False}, REFUSED))

    results = target.write("Contact", Operation.DELETE, texts(Id=IDS[:2]), key="Id")

    assert {"ids": f"{IDS[0]},{IDS[1]}", "allOrNone": "false"} == dict(org.requests[-1].url.params)
    assert [None, "STRING_TOO_LONG"] == results["code"].to_pylist()


def test_a_conditional_update_depends_on_the_record_being_unchanged(org: Org, target: SalesforceTarget) -> None:
    """25 in one call, each with its time in full seconds and with the client's name, which no part inherits."""
    bodies: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["compositeRequest"]
        bodies.append(asked)
        replies = [{"referenceId": one["referenceId"], "httpStatusCode": 204, "body": None} for one in asked]
        if len(bodies) == 1:
            replies[0] |= {"httpStatusCode": 412, "body": [{"errorCode": "PRECONDITION_FAILED", "message": "x"}]}
            replies[1] |= {"httpStatusCode": 400, "body": [{"errorCode": "STRING_TOO_LONG", "message": "too long"}]}
        return httpx.Response(200, json={"compositeResponse": replies[::-1]})

    org.on("POST /composite", answer)
    rows = texts(Id=IDS[:30], Phone=["2"] * 30)
    times = pa.chunked_array([pa.array([NOON] * 29 + [None], pa.timestamp("us", tz="UTC"))])

    results = target.write("Contact", Operation.UPDATE, rows, key="Id", unchanged_since=times)

    assert [25, 5] == [len(body) for body in bodies]
    first, last = bodies[0][0], bodies[1][-1]
    assert ("PATCH", {"Phone": "2"}) == (first["method"], first["body"])
    assert first["url"].endswith(f"/sobjects/Contact/{IDS[0]}")
    client = {"Sforce-Call-Options": "client=contact_sync"}
    assert client | {"If-Unmodified-Since": "Fri, 20 Nov 2026 12:00:00 GMT"} == first["httpHeaders"]
    assert client == last["httpHeaders"]
    assert [CHANGED_MEANWHILE, "STRING_TOO_LONG"] + [None] * 28 == results["code"].to_pylist()


@pytest.mark.parametrize("answer", [lambda _: httpx.Response(503), lambda _: httpx.Response(200, content=b"[")])
def test_a_lost_reply_is_told_and_nothing_more_is_sent(org: Org, target: SalesforceTarget, answer: Any) -> None:
    """Nobody knows what became of the rows of that request; those after it are left alone."""
    org.on(f"POST {COLLECTION}", answer)
    keys: list[str | None] = [f"k{number}" for number in range(201)]

    results = target.write("Contact", Operation.INSERT, texts(Contact_Sync_Key__c=keys), key=KEY)

    assert 1 == org.count(f"POST {COLLECTION}")
    assert [REPLY_LOST] * 200 + [None] == results["code"].to_pylist()
    assert 201 == results["record_id"].null_count


def test_a_request_that_is_refused_as_a_whole_is_halved_until_the_row_is_found(
    org: Org, target: SalesforceTarget
) -> None:
    """It has written nothing: the other rows are written, and the one that it was refused for has the code."""

    def answer(request: httpx.Request) -> httpx.Response:
        keys = [one[KEY] for one in json.loads(request.content)["records"]]
        return problem(400, "JSON_PARSER_ERROR") if "k2" in keys else httpx.Response(200, json=[TAKEN] * len(keys))

    org.on(f"POST {COLLECTION}", answer)
    rows = texts(Contact_Sync_Key__c=[f"k{number}" for number in range(5)])

    results = target.write("Contact", Operation.INSERT, rows, key=KEY)

    assert [None, None, "JSON_PARSER_ERROR", None, None] == results["code"].to_pylist()
    assert 5 == org.count(f"POST {COLLECTION}")


def test_what_is_there_is_found_by_key(org: Org, target: SalesforceTarget) -> None:
    """Ids, times, users and the values in canonical form; keys are quoted, and only live records are asked for."""
    stamps = {
        "CreatedDate": "2026-11-20T12:00:00.000+0000",
        "CreatedById": "005A",
        "LastModifiedDate": "2026-11-21T12:00:00.000+0000",
        "LastModifiedById": "005B",
    }
    record = {"attributes": {}, KEY: "o'k", "Id": IDS[0], **stamps, "Number__c": 1.50, "Account": {KEY: "com_1"}}
    org.on("GET /query", {"totalSize": 1, "done": True, "records": [record]})

    (found,) = target.find("Contact", ["o'k"], key=KEY, fields=["Number__c", f"Account.{KEY}"]).to_pylist()

    asked = org.requests[-1].url.params["q"]
    assert f"SELECT {KEY}, Id, CreatedDate" == asked[: len(f"SELECT {KEY}, Id, CreatedDate")]
    assert asked.endswith(f"FROM Contact WHERE {KEY} IN ('o\\'k')")
    assert ("o'k", IDS[0], "005A", "005B", "1.5", "com_1") == tuple(
        found[name] for name in ("key", "record_id", "created_by", "modified_by", "Number__c", f"Account.{KEY}")
    )
    assert datetime(2026, 11, 21, 12, tzinfo=UTC) == found["modified_at"]


@pytest.mark.parametrize("first", [0, 1])
def test_a_record_without_a_parent_is_found_like_any_other(org: Org, target: SalesforceTarget, first: int) -> None:
    """Salesforce tells a parent that is not there as null, in whatever place of the reply."""
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate"), "2026-11-20T12:00:00.000+0000")
    users = dict.fromkeys(("CreatedById", "LastModifiedById"), "005A")
    pair = [{KEY: "a", "Account": {KEY: "com_1"}}, {KEY: "b", "Account": None}]
    records = [{"attributes": {}, "Id": IDS[0], **stamps, **users, **one} for one in (pair[first], pair[1 - first])]
    org.on("GET /query", {"totalSize": 2, "done": True, "records": records})

    found = target.find("Contact", ["a", "b"], key=KEY, fields=[f"Account.{KEY}"])

    assert {"a": "com_1", "b": None} == {row["key"]: row[f"Account.{KEY}"] for row in found.to_pylist()}


@pytest.mark.parametrize("text", ["1.234.567", "1.2.3", "--5", "²", "١٢", "1,5"])
def test_what_is_no_number_is_left_to_the_org_to_refuse(org: Org, target: SalesforceTarget, text: str) -> None:
    """It is sent as it is, as a text."""
    org.on(f"POST {COLLECTION}", saved(TAKEN))
    target.write("Contact", Operation.INSERT, texts(Contact_Sync_Key__c=["k"], Number__c=[text]), key=KEY)

    assert text == json.loads(org.requests[-1].content)["records"][0]["Number__c"]


def test_nobody_is_looked_for_without_keys_and_a_cut_reply_is_an_error(org: Org, target: SalesforceTarget) -> None:
    """No keys cost no request; fewer records than declared are not taken for records that are not there."""
    assert 0 == target.find("Contact", [], key=KEY, fields=["Phone"]).num_rows
    assert 0 == org.count("GET /query")

    org.on("GET /query", {"totalSize": 1, "done": True, "records": []})
    with pytest.raises(CountMismatchError, match="Contact"):
        target.find("Contact", ["k"], key=KEY, fields=["Phone"])


def test_a_column_that_is_no_field_is_named_before_anything_is_sent(org: Org, target: SalesforceTarget) -> None:
    """The org would refuse the whole job for it."""
    with pytest.raises(UnknownObjectError, match=r"core: Contact has no field Nickname__c.*doctor"):
        target.prepare("Contact", texts(Id=["003A"], Nickname__c=["Jo"]), key="Id")


def test_rows_that_would_be_lost_or_doubled_or_changed_are_refused(target: SalesforceTarget) -> None:
    """Each once, by key and field, without its value; the others are in the form that the org gives back."""
    rows = texts(
        Id=[IDS[0], None, " ", IDS[1], IDS[1][:15], IDS[2], IDS[3], IDS[4]],
        Number__c=["1.50", "1", "1", "1", "2", "1.55555", "1", None],
        Day__c=["2026-01-02", None, None, None, None, None, "2.1.2026", CLEAR],
    )

    prepared = target.prepare("Contact", rows, key="Id")

    assert [(IDS[0], "1.5", "2026-01-02"), (IDS[4], None, CLEAR)] == [
        tuple(row.values()) for row in prepared.rows.to_pylist()
    ]
    assert [
        ("", "EMPTY_KEY", "the key is empty"),
        (" ", "EMPTY_KEY", "the key is empty"),
        (IDS[1], "DUPLICATE_KEY", "another row has the same key"),
        (IDS[1][:15], "DUPLICATE_KEY", "another row has the same key"),
        (IDS[2], "NOT_KEPT", "Number__c: more than 4 decimals are not kept"),
        (IDS[3], "NOT_KEPT", "Day__c: a date is written as YYYY-MM-DD"),
    ] == [tuple(row.values()) for row in prepared.refused.to_pylist()]
