"""Values between the wire and the store: what a client sent, checked against the field, and what it is answered.

Row errors that concern one value are raised here; errors that need other records are in records.py.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from contact_sync.simulator.salesforce.decimals import decimal_text
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.schema import DECIMAL_TYPES, NUMBER_TYPES, TEXT_TYPES, FieldSchema
from contact_sync.simulator.salesforce.store import Cell, timestamp

_AFTER_INT = 2**31
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s,;<>()\[\].]+(?:\.[^@\s,;<>()\[\].]+)+")


class RowError(Exception):
    """Why one record was not written: code, message, the fields concerned, and the ids of records it would repeat."""

    def __init__(
        self, code: str, message: str, fields: tuple[str, ...] = (), *, duplicates: tuple[str, ...] = ()
    ) -> None:
        super().__init__(code, message, fields)
        self.code = code
        self.message = message
        self.fields = fields
        self.duplicates = duplicates

    def __str__(self) -> str:
        """As the Bulk API writes it into `sf__Error`."""
        return f"{self.code}:{self.message}:{','.join(self.fields)}{' ' * bool(self.fields)}--"


def stored_value(field: FieldSchema, sent: object) -> Cell:
    """The value to store for what JSON or CSV brought; RowError when the field cannot hold it."""
    if field.restricted and sent not in field.values:
        message = f"{field.name}: bad value for restricted picklist field: {sent}"
        raise RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (field.name,))
    if sent is None or sent == "":
        return 0 if field.type == "boolean" else None
    if field.type in TEXT_TYPES:
        return _text(field, str(sent))
    if field.type == "reference":
        return _reference(field, str(sent))
    if field.type == "boolean":
        return _boolean(field, sent)
    if field.type in NUMBER_TYPES:
        return _number(field, sent)
    return _moment(field, str(sent))


def json_value(field: FieldSchema, stored: Cell) -> Any:
    """The value as the REST API writes it; a compound address is an object, or null when all its parts are."""
    if field.type == "address" and isinstance(stored, str):
        parts = json.loads(stored)
        return parts if any(parts.values()) else None
    if field.type == "boolean":
        return bool(stored)
    if field.type == "datetime" and isinstance(stored, str):
        return stored.replace("Z", "+0000")
    if field.type in DECIMAL_TYPES and isinstance(stored, str):
        return Decimal(stored)
    return stored


def _text(field: FieldSchema, sent: str) -> Cell:
    # Salesforce keeps no blanks around a value, and no empty text.
    text = sent.strip()
    if len(text) > field.length:
        message = f"{field.name}: data value too large: {text[:40]} (max length={field.length})"
        raise RowError("STRING_TOO_LONG", message, (field.name,))
    if field.type == "email" and text and not _EMAIL.fullmatch(text):
        raise RowError("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", (field.name,))
    return text or None


def _reference(field: FieldSchema, sent: str) -> str:
    record_id = canonical_id(sent.strip())
    if record_id is None:
        raise RowError("MALFORMED_ID", f"{field.name}: id value of incorrect type: {sent[:40]}", (field.name,))
    return record_id


def _boolean(field: FieldSchema, sent: object) -> int:
    text = str(sent).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise _wrong_type(field)
    return int(text in ("true", "1"))


def _number(field: FieldSchema, sent: object) -> Cell:
    """More decimals than the scale are kept; only too many digits before the point are refused."""
    text = str(sent).strip()
    if not _NUMBER.fullmatch(text):
        raise _wrong_type(field)
    number = Decimal(text)
    precision, scale = field.digits
    is_int = field.type == "int"
    if abs(number) >= (_AFTER_INT if is_int else 10 ** (precision - scale)):
        message = f"{field.name}: value outside of valid range on numeric field: {decimal_text(number)}"
        raise RowError("NUMBER_OUTSIDE_VALID_RANGE", message, (field.name,))
    return int(number) if is_int else decimal_text(number)


def _moment(field: FieldSchema, sent: str) -> str:
    try:
        if field.type == "date":
            return date.fromisoformat(sent[:10]).isoformat()
        # Fields that are written hold whole seconds; only the org's own time stamps are finer here.
        moment = datetime.fromisoformat(sent).replace(microsecond=0)
    except ValueError as error:
        raise _wrong_type(field) from error
    return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _wrong_type(field: FieldSchema) -> RowError:
    message = f"{field.name}: value not of required type: {field.type}"
    return RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.name,))
