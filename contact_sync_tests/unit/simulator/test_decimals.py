"""Numbers with decimals: every digit is kept, told as Salesforce tells it, and compared as a number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contact_sync.simulator.salesforce import exact_json
from contact_sync.simulator.salesforce.decimals import decimal_text, stored_decimal
from contact_sync.simulator.salesforce.records import RecordWriter
from contact_sync.simulator.salesforce.schema import FieldSchema
from contact_sync.simulator.salesforce.soql import compile_query, parse
from contact_sync.simulator.salesforce.store import Store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
exact = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**11), max_value=10**11)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("0", "0.0"),
        ("-0.00", "0.0"),
        ("100", "100.0"),
        ("0.1", "0.1"),
        ("1234567", "1234567.0"),
        ("9999999.99", "9999999.99"),
        ("12345678", "1.2345678E7"),
        ("-10000000", "-1.0E7"),
        ("12345678901234.56", "1.234567890123456E13"),
        ("1234567890123456.78", "1.23456789012345678E15"),
        ("0.001", "0.001"),
        ("0.00099", "9.9E-4"),
        ("0.1234567890123456785", "0.123456789012345679"),
    ],
)
def test_numbers_are_told_as_salesforce_tells_them(written: str, told: str) -> None:
    """Plain below ten million, with an exponent from there on and below a thousandth; 18 digits, rounded half up."""
    assert told == decimal_text(Decimal(written))


@given(exact)
def test_no_digit_is_lost(number: Decimal) -> None:
    """The text of a number, and the JSON of a document with it, is the number."""
    assert number == Decimal(decimal_text(number))
    assert {"n": number} == exact_json.loads(exact_json.dumps({"n": number}))


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
@example(0.001)
@example(9999999.999999999)
@example(1e7)
def test_a_float_is_stored_as_the_decimal_it_stands_for(number: float) -> None:
    """A float of a population has the same text as the number that it is written as."""
    assert decimal_text(Decimal(repr(number))) == stored_decimal(number)


def test_json_keeps_texts_that_look_like_numbers() -> None:
    """A number is written bare, its text in quotes, and what is no JSON is refused."""
    document = {"number": Decimal("0.10"), "text": "0.10", "count": 3, "none": None}

    assert b'{"number": 0.1, "text": "0.10", "count": 3, "none": null}' == exact_json.dumps(document)
    with pytest.raises(TypeError, match="object is nothing"):
        exact_json.dumps(object())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Opportunities whose amounts sort differently as texts, and differ beyond the digits of a float."""
    store = Store(tmp_path / "records.sqlite", instance="core", clock=lambda: NOW)
    with closing(store):
        amounts = ["1234567890123456.78", "9", "10000000", "1234567890123456.79", "-5.5", None, "0.1"]
        rows = [{"Name": "x", "StageName": "x", "CloseDate": "2026-01-01", "Amount": amount} for amount in amounts]
        saved = RecordWriter(store).insert("Opportunity", rows, user_id="u")
        assert [None] * len(rows) == [one.error for one in saved]
        yield store


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("WHERE Amount > 9 ORDER BY Amount", ["1.0E7", "1.23456789012345678E15", "1.23456789012345679E15"]),
        ("WHERE Amount < 9 ORDER BY Amount DESC", ["0.1", "-5.5"]),
        ("WHERE Amount = 1234567890123456.79", ["1.23456789012345679E15"]),
        ("WHERE Amount IN (0.10, 1e7) ORDER BY Amount", ["0.1", "1.0E7"]),
        ("WHERE Amount != 9.00 AND Amount <= 0.1 ORDER BY Amount", ["-5.5", "0.1"]),
        ("WHERE Amount = null", [None]),
    ],
)
def test_amounts_compare_and_sort_as_numbers(store: Store, rest: str, found: list[str | None]) -> None:
    """In SOQL a condition or an order knows the number, to its last digit."""
    query = parse(f"SELECT Amount FROM Opportunity {rest}")
    statement = compile_query(query, store.schema, include_deleted=False, now=NOW)
    with store.reading() as connection:
        rows = connection.execute(statement.sql, statement.parameters).fetchall()

    assert found == [amount for (amount,) in rows]


def test_the_least_and_the_greatest_amount_are_numbers(store: Store) -> None:
    """What the store computes over a column compares numbers too."""
    with store.reading() as connection:
        (found,) = connection.execute('select min(Amount), max(Amount) from "Opportunity"').fetchall()

    assert ("-5.5", "1.23456789012345679E15") == found


def test_a_formula_is_told_and_sorted_like_a_field(store: Store) -> None:
    """A number that is computed has the same form, and sorts as a number."""
    store.put_field("Opportunity", FieldSchema("Double__c", "currency", writable=False, formula="{record}.Amount * 2"))
    query = parse("SELECT Double__c FROM Opportunity WHERE Amount < 20000000 ORDER BY Double__c")
    statement = compile_query(query, store.schema, include_deleted=False, now=NOW)
    with store.reading() as connection:
        rows = connection.execute(statement.sql, statement.parameters).fetchall()

    assert ["-11.0", "0.2", "18.0", "2.0E7"] == [value for (value,) in rows]


@pytest.mark.parametrize("sent", ["NaN", "Infinity", "1_000", "1,5", "0x10", "12 EUR", "1e9999", True])
def test_what_is_no_number_is_refused(store: Store, sent: object) -> None:
    """Only digits, a sign, a point and an exponent make a number."""
    (saved,) = RecordWriter(store).insert("Account", [{"Name": "x", "AnnualRevenue": sent}], user_id="u")

    assert saved.error is not None
    assert "INVALID_TYPE_ON_FIELD_IN_RECORD" == saved.error.code


@pytest.mark.parametrize(
    "values", [{"AnnualRevenue": "10000000000000000"}, {"AnnualRevenue": "-1e16"}, {"NumberOfEmployees": 2**31}]
)
def test_a_number_outside_of_the_range_is_refused(store: Store, values: dict[str, object]) -> None:
    """16 digits before the point fit into 18 with a scale of 2, one more does not."""
    writer = RecordWriter(store)
    (fits,) = writer.insert("Account", [{"Name": "x", "AnnualRevenue": "9999999999999999.99"}], user_id="u")
    (refused,) = writer.insert("Account", [{"Name": "x", **values}], user_id="u")

    assert fits.error is None
    assert refused.error is not None
    assert "NUMBER_OUTSIDE_VALID_RANGE" == refused.error.code


def test_a_decimal_of_a_request_arrives_whole() -> None:
    """The body of a request is read without floats in between."""
    assert Decimal("1234567890123456.78") == exact_json.loads(b'{"Amount": 1234567890123456.78}')["Amount"]
    assert 1234567890123456.8 == json.loads('{"Amount": 1234567890123456.78}')["Amount"]
