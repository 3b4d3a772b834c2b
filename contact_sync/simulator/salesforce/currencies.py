"""Several currencies in one org: which there are, the fields that say them, and the object that lists them.

After "CurrencyType" of the Object Reference. An amount is never converted here: neither `convertCurrency()` nor dated
rates are part of this org, and every user's default is the corporate currency. How records get one is in population/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.salesforce.ids import make_id
from contact_sync.simulator.salesforce.objects import audit_fields, identity_fields
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema
from contact_sync.simulator.salesforce.store import Cell

CURRENCY_FIELD = "CurrencyIsoCode"

_DEFAULT_FIELD = "DefaultCurrencyIsoCode"
# Objects that have a currency of their own although no amount is among the fields they have here.
_WITHOUT_AMOUNTS = frozenset({"Contact", "Lead", "User"})
_WITH_DEFAULT = frozenset({"Organization", "User"})


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency; `rate` is how much of it one unit of the corporate currency is."""

    iso_code: str
    rate: Decimal
    decimal_places: int = 2
    is_active: bool = True


SOME_CURRENCIES = (
    Currency("USD", Decimal(1)),
    Currency("EUR", Decimal("0.921659")),
    Currency("JPY", Decimal("155.123456"), decimal_places=0),
    Currency("DEM", Decimal("1.8026"), is_active=False),
)
"""The corporate currency, one with few decimals of its own and a retired one: enough for a test or a demo."""


def currency_type(currencies: Sequence[Currency]) -> ObjectSchema:
    """CurrencyType; only users who customise the org may write it, and the integration user is none."""
    return ObjectSchema(
        "CurrencyType",
        "01L",
        (
            *identity_fields()[:1],
            FieldSchema("IsoCode", "picklist", 40, required=True, values=_codes(currencies), restricted=True),
            FieldSchema("ConversionRate", "double", required=True, precision=18, scale=6),
            FieldSchema("DecimalPlaces", "int", required=True),
            FieldSchema("IsActive", "boolean"),
            FieldSchema("IsCorporate", "boolean"),
            *(field for field in audit_fields() if field.name != "OwnerId"),
        ),
        deletable=False,
    )


def with_currencies(objects: Iterable[ObjectSchema], currencies: Sequence[Currency]) -> list[ObjectSchema]:
    """The objects of an org whose corporate currency is the first of these, and CurrencyType."""
    corporate = currencies[0]
    if corporate.rate != 1 or not corporate.is_active:
        raise SimulatorError(f"{corporate.iso_code} comes first and so is the corporate currency: its rate must be 1.")
    if len({one.iso_code for one in currencies}) < len(currencies):
        raise SimulatorError("Each currency of an org can be listed once.")
    return [*(_with_fields(one, currencies) for one in objects), currency_type(currencies)]


def currency_columns(currencies: Sequence[Currency], *, pod: str, stamp: str) -> Mapping[str, list[Cell]]:
    """The records of CurrencyType as columns."""
    return {
        "Id": [make_id("01L", pod, number) for number in range(1, len(currencies) + 1)],
        "IsoCode": [one.iso_code for one in currencies],
        "ConversionRate": [str(one.rate) for one in currencies],
        "DecimalPlaces": [one.decimal_places for one in currencies],
        "IsActive": [int(one.is_active) for one in currencies],
        "IsCorporate": [int(one is currencies[0]) for one in currencies],
        **{name: [stamp] * len(currencies) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")},
    }


def _with_fields(schema: ObjectSchema, currencies: Sequence[Currency]) -> ObjectSchema:
    has_amounts = any(field.type == "currency" for field in schema.fields)
    names = [CURRENCY_FIELD] if has_amounts or schema.name in _WITHOUT_AMOUNTS else []
    names += [_DEFAULT_FIELD] if schema.name in _WITH_DEFAULT else []
    more = (_currency_field(name, currencies, writable=schema.name != "Organization") for name in names)
    return replace(schema, fields=(*schema.fields, *more))


def _currency_field(name: str, currencies: Sequence[Currency], *, writable: bool) -> FieldSchema:
    # A retired currency cannot be chosen any more; records that had it keep it.
    codes = _codes(one for one in currencies if one.is_active)
    return FieldSchema(
        name, "picklist", 3, writable=writable, values=codes, restricted=True, default=currencies[0].iso_code
    )


def _codes(currencies: Iterable[Currency]) -> tuple[str, ...]:
    return tuple(one.iso_code for one in currencies)
