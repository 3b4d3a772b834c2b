"""SOQL: what is written is what is parsed, wrong queries are refused by code, nulls compare as promised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_sync.simulator.salesforce.faults import Fault
from contact_sync.simulator.salesforce.objects import OBJECTS
from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.records import RecordWriter
from contact_sync.simulator.salesforce.soql import compile_query, parse
from contact_sync.simulator.salesforce.soql.dates import date_range
from contact_sync.simulator.salesforce.soql.syntax import Comparison, Condition, Junction, Not, Ordering, Query, Value
from contact_sync.simulator.salesforce.store import Store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCHEMA = OrgSchema(OBJECTS.values(), lambda: NOW)

KEYWORDS = {
    "select",
    "from",
    "where",
    "and",
    "or",
    "not",
    "in",
    "like",
    "order",
    "by",
    "limit",
    "offset",
    "true",
    "false",
}
KEYWORDS |= {"null", "asc", "desc", "nulls", "first", "last", "count", "today", "yesterday", "tomorrow"}
names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}(__c)?", fullmatch=True).filter(lambda one: one.lower() not in KEYWORDS)
paths = st.lists(names, min_size=1, max_size=3).map(tuple)
values = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12).map(lambda text: Value("string", text)),
    st.decimals(-(10**18), 10**18, places=3).map(lambda number: Value("number", number)),
    st.booleans().map(lambda flag: Value("boolean", flag)),
    st.just(Value("null", None)),
    st.dates().map(lambda day: Value("date", day.isoformat())),
    st.datetimes().map(lambda at: Value("datetime", at.isoformat(timespec="milliseconds") + "Z")),
    st.sampled_from(["TODAY", "LAST_N_DAYS:7", "THIS_MONTH"]).map(lambda name: Value("range", name)),
)
comparisons = st.one_of(
    st.builds(Comparison, paths, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values.map(lambda one: (one,))),
    st.builds(
        Comparison, paths, st.sampled_from(["in", "not in"]), st.lists(values, min_size=1, max_size=3).map(tuple)
    ),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Junction, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
queries = st.builds(
    Query,
    names,
    st.lists(paths, min_size=1, max_size=4, unique_by=lambda path: tuple(part.lower() for part in path)).map(tuple),
    is_count=st.just(False),
    where=st.none() | conditions,
    order_by=st.lists(st.builds(Ordering, paths, st.booleans(), st.booleans()), max_size=2).map(tuple),
    limit=st.none() | st.integers(0, 50_000),
    offset=st.none() | st.integers(0, 2_000),
)


def written(query: Query) -> str:
    """A query as SOQL text."""
    text = f"SELECT {', '.join(map('.'.join, query.fields))} FROM {query.object_name}"
    if query.where is not None:
        text += f" WHERE {written_condition(query.where)}"
    if query.order_by:
        text += " ORDER BY " + ", ".join(map(written_ordering, query.order_by))
    text += "" if query.limit is None else f" LIMIT {query.limit}"
    return text + ("" if query.offset is None else f" OFFSET {query.offset}")


def written_ordering(ordering: Ordering) -> str:
    """One key of an order as SOQL text."""
    return f"{'.'.join(ordering.path)} {'DESC' if ordering.descending else 'ASC'} NULLS " + (
        "LAST" if ordering.nulls_last else "FIRST"
    )


def written_condition(condition: Condition) -> str:
    """A condition as SOQL text, with parentheses wherever two conditions meet."""
    if isinstance(condition, Not):
        return f"NOT ({written_condition(condition.condition)})"
    if isinstance(condition, Junction):
        return f" {condition.operator.upper()} ".join(f"({written_condition(one)})" for one in condition.conditions)
    literals = [written_value(value) for value in condition.values]
    if condition.operator in ("in", "not in"):
        return f"{'.'.join(condition.path)} {condition.operator.upper()} ({', '.join(literals)})"
    return f"{'.'.join(condition.path)} {condition.operator} {literals[0]}"


def written_value(value: Value) -> str:
    """A literal as SOQL text."""
    if value.kind == "string":
        escaped = str(value.value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
        return f"'{escaped}'"
    if value.kind in ("boolean", "null"):
        return {True: "true", False: "FALSE", None: "null"}[value.value]  # type: ignore[index]
    return str(value.value)


@given(queries)
def test_a_written_query_is_read_back(query: Query) -> None:
    """Parsing the text of any query gives the same tree."""
    assert query == parse(written(query))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "select",
        "select Id",
        "select from Contact",
        "select Id from Contact where",
        "select Id from Contact where Name = 'open",
        "select Id from Contact where Name = 'a' and Email = 'b' or Phone = 'c'",
        "select Id from Contact where Name == 'a'",
        "select Id from Contact limit -1",
        "select Id from Contact where Name = '\\x'",
        "select Id, from Contact",
        "select Id from Contact; drop table Contact",
        "select Id from Contact where CreatedDate > 2026-13-01T00:00:00Z",
    ],
)
def test_what_is_not_soql_is_refused(text: str) -> None:
    """Text outside of the grammar is a MALFORMED_QUERY."""
    with pytest.raises(Fault) as refused:
        parse(text)

    assert (400, "MALFORMED_QUERY") == (refused.value.status, refused.value.code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select Id from Nothing", "INVALID_TYPE"),
        ("select Nothing from Contact", "INVALID_FIELD"),
        ("select Nobody.Name from Contact", "INVALID_FIELD"),
        ("select Id from Contact where SystemModstamp > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("select Id from Contact where IsDeleted = 'false'", "INVALID_FIELD"),
        ("select Id from Contact where Email = 5", "INVALID_FIELD"),
        ("select Id from Contact where Description = 'x'", "INVALID_FIELD"),
        ("select Id from Contact where HasOptedOutOfEmail > null", "INVALID_FIELD"),
        ("select Id, ID from Contact", "INVALID_FIELD"),
        ("select Id from Contact where Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ],
)
def test_names_and_types_are_checked(text: str, code: str) -> None:
    """Unknown names, and literals that do not fit their field, are refused by their own code."""
    with pytest.raises(Fault) as refused:
        compile_query(parse(text), SCHEMA, include_deleted=False, now=NOW)

    assert code == refused.value.code


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Four contacts, one without first name, one deleted, one with an account."""
    store = Store(tmp_path_factory.mktemp("soql") / "records.sqlite", instance="core", clock=lambda: NOW)
    writer = RecordWriter(store)
    writer.insert("Account", [{"Name": "Acme", "Contact_Sync_Key__c": "acme"}], user_id="u")
    rows = [
        {"LastName": "Ång", "FirstName": "Ann", "Account.Contact_Sync_Key__c": "acme"},
        {"LastName": "Bo_b", "FirstName": None},
        {"LastName": "BoXb", "FirstName": "ann", "HasOptedOutOfEmail": True},
        {"LastName": "Gone", "FirstName": "Ann"},
    ]
    saved = writer.insert("Contact", rows, user_id="u")
    writer.delete("Contact", [str(saved[3].id)], user_id="u")
    yield store
    store.close()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("FirstName = 'ANN'", ["BoXb", "Ång"]),
        ("FirstName != 'ann'", ["Bo_b"]),
        ("FirstName = null", ["Bo_b"]),
        ("not FirstName = 'ann'", ["Bo_b"]),
        ("not (FirstName = 'x' or LastName = 'Ång')", ["BoXb", "Bo_b"]),
        ("FirstName not in ('ann')", ["Bo_b"]),
        ("FirstName in ('ann', null)", ["BoXb", "Bo_b", "Ång"]),
        ("LastName like 'bo%'", ["BoXb", "Bo_b"]),
        ("LastName like 'Bo\\_b'", ["Bo_b"]),
        ("Account.Name = 'Acme'", ["Ång"]),
        ("Account.Name = null", ["BoXb", "Bo_b"]),
        ("HasOptedOutOfEmail = true", ["BoXb"]),
        ("CreatedDate = TODAY and SystemModstamp >= 2026-11-20T13:00:00+01:00", ["BoXb", "Bo_b", "Ång"]),
        ("CreatedDate < TODAY", []),
        ("LastModifiedDate = LAST_N_DAYS:3 and FirstName = 'Ann' and LastName != 'Ång'", ["BoXb"]),
    ],
)
def test_conditions_find_what_salesforce_would(store: Store, where: str, found: list[str]) -> None:
    """Case, nulls, escapes, parents, flags and dates compare as in Salesforce; deleted records stay out."""
    parsed = parse(f"select LastName from Contact where {where}")
    statement = compile_query(parsed, SCHEMA, include_deleted=False, now=NOW)
    with store.reading() as connection:
        rows = connection.execute(statement.sql, statement.parameters).fetchall()

    assert found == sorted(name for (name,) in rows)


def test_query_all_finds_deleted_records(store: Store) -> None:
    """With deleted records included, the record in the recycle bin is there."""
    statement = compile_query(
        parse("select LastName from Contact order by LastName desc"), SCHEMA, include_deleted=True, now=NOW
    )
    with store.reading() as connection:
        rows = connection.execute(statement.sql, statement.parameters).fetchall()

    assert 4 == len(rows)
    assert ("Gone",) in rows


@pytest.mark.parametrize(
    ("literal", "first", "after"),
    [
        ("TODAY", date(2026, 11, 20), date(2026, 11, 21)),
        ("YESTERDAY", date(2026, 11, 19), date(2026, 11, 20)),
        ("LAST_N_DAYS:2", date(2026, 11, 18), date(2026, 11, 21)),
        ("NEXT_N_DAYS:2", date(2026, 11, 21), date(2026, 11, 23)),
        ("THIS_WEEK", date(2026, 11, 15), date(2026, 11, 22)),
        ("LAST_MONTH", date(2026, 10, 1), date(2026, 11, 1)),
        ("NEXT_MONTH", date(2026, 12, 1), date(2027, 1, 1)),
        ("LAST_N_MONTHS:2", date(2026, 9, 1), date(2026, 11, 1)),
        ("THIS_YEAR", date(2026, 1, 1), date(2027, 1, 1)),
        ("LAST_90_DAYS", date(2026, 8, 22), date(2026, 11, 21)),
    ],
)
def test_date_literals_are_ranges(literal: str, first: date, after: date) -> None:
    """A date literal stands for a half-open range of days."""
    assert (first, after) == date_range(literal, NOW.date())
