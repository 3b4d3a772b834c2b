"""An org with several currencies: which records say one, which may be written, and that an org without has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.population import generate
from contact_sync.simulator.population.currencies import with_currencies
from contact_sync.simulator.salesforce.currencies import SOME_CURRENCIES, Currency
from contact_sync.simulator.salesforce.describe import describe_object
from contact_sync.simulator.salesforce.features import Features
from contact_sync.simulator.salesforce.org import Org
from contact_sync.simulator.salesforce.store import Store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    """An org with 60 object types and several currencies."""
    features = Features(currencies=SOME_CURRENCIES)
    with closing(Org("core", tmp_path / "core", clock=lambda: NOW, object_types=60, features=features)) as org:
        yield org


def insert(org: Org, **values: object) -> tuple[str | None, str]:
    """A new account: its id, and the code of its error."""
    (saved,) = org.writer.insert("Account", [{"Name": "Acme", **values}], user_id="u")
    return saved.id, "" if saved.error is None else saved.error.code


def currency_of(store: Store, record_id: str | None) -> object:
    """The currency of an account."""
    record = store.record("Account", str(record_id))
    assert record is not None
    return record["CurrencyIsoCode"]


def test_every_object_with_amounts_says_its_currency(org: Org) -> None:
    """Where there is a field of type currency there is a code beside it, and every record has one."""
    with_amounts = [one for one in org.store.schema.objects if any(field.type == "currency" for field in one.fields)]

    assert {"Account", "Opportunity", "Asset", "Generated_001__c"} < {one.name for one in with_amounts}
    assert [] == [one.name for one in with_amounts if one.find("CurrencyIsoCode") is None]
    assert [] == [one.name for one in with_amounts if org.store.count(one.name, "CurrencyIsoCode is null")]
    assert {"USD", "EUR", "JPY"} == {row["CurrencyIsoCode"] for row in org.store.records("Generated_001__c")} | {
        row["CurrencyIsoCode"] for row in org.store.records("Asset")
    }


def test_an_org_without_the_feature_has_no_trace_of_it(tmp_path: Path) -> None:
    """No object, no field."""
    with closing(Org("core", tmp_path / "core", clock=lambda: NOW, object_types=60)) as org:
        fields = {field.name for one in org.store.schema.objects for field in one.fields}

        assert org.store.schema.find("CurrencyType") is None
        assert set() == {name for name in fields if "Currency" in name}


def test_the_code_is_described_as_a_restricted_picklist(org: Org) -> None:
    """Its values are the active currencies, the corporate one is the default, and a record may leave it out."""
    described = describe_object(org.store.schema.known("Opportunity"))
    (field,) = [one for one in described["fields"] if one["name"] == "CurrencyIsoCode"]

    assert ("picklist", 3, True, True, True) == tuple(
        field[name] for name in ("type", "length", "restrictedPicklist", "defaultedOnCreate", "nillable")
    )
    assert [("USD", True), ("EUR", False), ("JPY", False)] == [
        (one["value"], one["defaultValue"]) for one in field["picklistValues"]
    ]


def test_currencies_are_records_themselves(org: Org) -> None:
    """CurrencyType tells rates to six decimals, digits and which currency is the corporate one."""
    names = ("IsoCode", "ConversionRate", "DecimalPlaces", "IsActive", "IsCorporate")
    rows = org.store.records("CurrencyType", "true")

    assert [
        ("USD", "1.0", 2, 1, 1),
        ("EUR", "0.921659", 2, 1, 0),
        ("JPY", "155.123456", 0, 1, 0),
        ("DEM", "1.8026", 2, 0, 0),
    ] == [tuple(row[name] for name in names) for row in rows]
    organization = org.store.record("Organization", org.organization_id)
    assert organization is not None
    assert "USD" == organization["DefaultCurrencyIsoCode"]


def test_a_record_has_the_currency_it_is_given_or_the_corporate_one(org: Org) -> None:
    """Left out it is the default; an update that leaves it out keeps it, and one that changes it converts nothing."""
    plain, _ = insert(org)
    dear, _ = insert(org, CurrencyIsoCode="JPY", AnnualRevenue="100")
    org.writer.update("Account", [{"Id": dear, "AnnualRevenue": "200"}], user_id="u")

    assert ("USD", "JPY") == (currency_of(org.store, plain), currency_of(org.store, dear))

    org.writer.update("Account", [{"Id": dear, "CurrencyIsoCode": "EUR"}], user_id="u")
    record = org.store.record("Account", str(dear))
    assert record is not None
    assert ("EUR", "200.0") == (record["CurrencyIsoCode"], record["AnnualRevenue"])


@pytest.mark.parametrize("code", ["DEM", "XXX", "usd", None, ""])
def test_none_but_an_active_currency_is_taken(org: Org, code: str | None) -> None:
    """A retired or unknown code is refused, and so is none."""
    assert (None, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST") == insert(org, CurrencyIsoCode=code)


@pytest.mark.parametrize(
    "currencies",
    [(Currency("EUR", Decimal("0.9")),), (Currency("USD", Decimal(1)), Currency("USD", Decimal(2)))],
    ids=["rate of the corporate currency", "a code twice"],
)
def test_currencies_that_make_no_sense_are_refused(currencies: tuple[Currency, ...]) -> None:
    """The corporate currency's rate is 1, and a code is listed once."""
    with pytest.raises(SimulatorError):
        Features(currencies=currencies).extend([], pod="00")


def test_the_population_has_several_currencies() -> None:
    """Accounts are spread over them, opportunities follow their accounts, and nothing else changes."""
    population = generate(seed=7, contacts=400, accounts=80, as_of=NOW)
    before = population.orgs["core"].objects

    after = with_currencies(before, ["USD", "EUR", "DEM"], seed=7)

    code_of = dict(zip(after["Account"]["Id"], after["Account"]["CurrencyIsoCode"], strict=True))
    opportunity = after["Opportunity"]
    assert {"USD", "EUR", "DEM"} == set(code_of.values())
    assert [code_of[one] for one in opportunity["AccountId"]] == list(opportunity["CurrencyIsoCode"])
    for name, columns in before.items():
        assert all(after[name][column] is values for column, values in columns.items())
