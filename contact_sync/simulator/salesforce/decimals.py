"""Numbers with decimals: what was written, every digit of it, as the one text that storage and all replies share.

Salesforce tells a number in the form of Java's `Double.toString`: `1234567.0`, but `1.2345678E7` (Salesforce Help, "Why
do I see exponential values for custom number field?"). It keeps more decimals than the field's scale when the API
writes them ("Salesforce Number Field Stores More Decimal Places Than Defined"), and up to 18 digits in all; that digits
beyond these are rounded half up is this org's choice, the documentation is silent. Integers do not belong here.
"""

from __future__ import annotations

import sqlite3
from decimal import ROUND_HALF_UP, Context, Decimal

COLLATION = "decimal"
SQL_FUNCTION = "decimal_text"

_DIGITS = Context(prec=18, rounding=ROUND_HALF_UP)
_FIRST_PLAIN, _FIRST_SCIENTIFIC = -3, 7
_PLAIN_FROM, _PLAIN_BELOW = 10.0**_FIRST_PLAIN, 10.0**_FIRST_SCIENTIFIC


def decimal_text(number: Decimal) -> str:
    """The text of a finite number: plain from 0.001 to below ten million, with an exponent otherwise."""
    number = number.normalize(_DIGITS)
    power = number.adjusted()
    if number.is_zero():
        return "0.0"
    if _FIRST_PLAIN <= power < _FIRST_SCIENTIFIC:
        plain = f"{number:f}"
        return plain if "." in plain else f"{plain}.0"
    sign, digits, _ = number.as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:]))
    return f"{'-' * sign}{first}.{rest or '0'}E{power}"


def stored_decimal(value: float | str | None) -> str | None:
    """A number from anywhere as it is stored; a float is the shortest decimal that it stands for."""
    if isinstance(value, float) and _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        # Python and Salesforce write these alike, and whole populations are of them.
        return float.__repr__(value)
    return None if value is None else decimal_text(Decimal(str(value)))


def register(connection: sqlite3.Connection) -> None:
    """Teach a connection to compare, sort and make such texts."""
    connection.create_collation(COLLATION, _compare)
    connection.create_function(SQL_FUNCTION, 1, stored_decimal, deterministic=True)


def _compare(left: str, right: str) -> int:
    one, other = Decimal(left), Decimal(right)
    return (one > other) - (one < other)
