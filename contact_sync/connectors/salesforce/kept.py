"""In which form an org keeps a value, and which rows are refused before they are sent because it would not keep them.

Salesforce trims texts, knows no empty ones, rounds numbers and drops fractions of seconds without a word. Values have a
canonical form here, the same for what is sent and for what is read back. What an org itself refuses (too long, not in a
list, of the wrong type) is left to it, so that there is one truth about it. Does not belong here: sending anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Context
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contact_sync import arrow_values
from contact_sync.connectors.base import Field
from contact_sync.connectors.target import CLEAR, DUPLICATE_KEY, EMPTY_KEY, NOT_KEPT, Prepared

_compute: Any = pc  # its stubs lack functions and overloads
_NOTHING: Final = arrow_values.text("")
_NO: Final = arrow_values.flag(value=False)
REFUSED: Final = pa.schema([("key", pa.string()), ("code", pa.string()), ("message", pa.string())])

_LAST_BLANK: Final = 0x3000
_BLANKS: Final = "".join(chr(code) for code in range(_LAST_BLANK + 1) if chr(code).isspace())
_CONTROL: Final = "[\x00-\x08\x0b\x0c\x0e-\x1f]"
_BLANK, _LAST_PRINTABLE = 0x20, 0x7E
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_CASELESS_ID: Final = 15
_EXACT: Final = Context(prec=400)
_MOST_DIGITS: Final = 18
_YEARS: Final = range(1700, 4001)
"""Those of which Salesforce has dates."""
_FRACTION: Final = re.compile(r"\.\d*[1-9]")
_BOOLEANS: Final = dict.fromkeys(("true", "1", "yes", "y", "on"), "true") | dict.fromkeys(
    ("false", "0", "no", "n", "off"), "false"
)
"""What Bulk jobs take for true and false."""
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class _NotKeptError(Exception):
    """A value would not stay as it is; the text says why, without the value."""


def prepare(rows: pa.Table, fields: Mapping[str, Field], *, key: str) -> Prepared:
    """See Target.prepare; `fields` are those of the object by name; parents' keys (`Parent.Key__c`) are text."""
    reasons = _key_reasons(rows.column(key), is_id=key == "Id")
    columns: dict[str, Any] = {}
    for name in rows.column_names:
        # The key stays as it is, so that results are joined by it.
        columns[name], found = canonical(rows.column(name), None if name == key else fields.get(name))
        reasons += [(mask, NOT_KEPT, f"{name}: {reason}") for mask, reason in found]
    taken: Any = pa.chunked_array([arrow_values.repeat(_NO, rows.num_rows)])
    refused = [arrow_values.no_rows(REFUSED)]
    for mask, code, message in reasons:
        new = _compute.and_not(mask, taken)
        taken = _compute.or_(taken, mask)
        keys = rows.column(key).filter(new)
        refused.append(_refusals(keys, code, message))
    kept = pa.table(columns)
    if _compute.any(taken).as_py():
        kept = kept.filter(_compute.invert(taken))
    return Prepared(rows=kept, refused=pa.concat_tables(refused))


def canonical(
    values: pa.ChunkedArray[Any], field: Field | None
) -> tuple[pa.ChunkedArray[Any], list[tuple[pa.ChunkedArray[Any], str]]]:
    """The values in their canonical form, and which of them (a mask) would not stay as they are, for what reason."""
    found = [] if all(_is_plain(chunk) for chunk in values.chunks) else _not_kept(values)
    form = _FORMS.get(field.type) if field is not None else None
    if field is None or form is None:
        return values, found
    formed, reasons = _each(values, lambda text: form(text, field))
    return formed, [
        *found,
        *(
            (_compute.fill_null(_compute.equal(reasons, arrow_values.text(reason)), _NO), reason)
            for reason in _compute.unique(reasons).drop_null().to_pylist()
        ),
    ]


def _not_kept(values: pa.ChunkedArray[Any]) -> list[tuple[pa.ChunkedArray[Any], str]]:
    """Which texts (a mask) would not stay as they are, for what reason."""
    masks = (
        (
            _compute.equal(values, _NOTHING),
            f"an empty text is not kept; leave the cell empty, or write {CLEAR} to clear",
        ),
        (_compute.not_equal(_compute.utf8_trim(values, _BLANKS), values), "blanks around a value are not kept"),
        (_compute.match_substring_regex(values, _CONTROL), "control characters are not kept"),
    )
    found = [(_compute.fill_null(mask, _NO), reason) for mask, reason in masks]
    return [(mask, reason) for mask, reason in found if _compute.any(mask).as_py()]


def _is_plain(values: pa.Array[Any]) -> bool:
    """Whether no text can be one that is not kept, as of most columns: no control byte in any, none that is empty, and
    each begins and ends with a printable character of ASCII.
    """
    values = values.drop_null()
    offsets = arrow_values.offsets_of(values)
    content = values.buffers()[2]
    if content is None:
        return not len(values)
    used = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]  # type: ignore[call-overload]  # a buffer, say its docs
    if (offsets[:-1] == offsets[1:]).any() or (used < _BLANK).any():
        return False
    edges = (used[offsets[:-1] - offsets[0]], used[offsets[1:] - offsets[0] - 1])
    return not any(((edge <= _BLANK) | (edge > _LAST_PRINTABLE)).any() for edge in edges)


def _each(values: pa.ChunkedArray[Any], form: Callable[[str], str]) -> tuple[Any, Any]:
    """Each distinct value formed once: the values and, where one would not be kept, why."""
    coded: Any = values.combine_chunks().dictionary_encode()
    formed: list[str | None] = []
    reasons: list[str | None] = []
    for text in coded.dictionary.to_pylist():
        try:
            formed.append(text if text == CLEAR else form(text))
            reasons.append(None)
        except _NotKeptError as error:
            formed.append(text)
            reasons.append(str(error))
    columns = (arrow_values.texts(one).take(coded.indices) for one in (formed, reasons))
    first, second = (pa.chunked_array([column], pa.string()) for column in columns)
    return first, second


def _key_reasons(keys: pa.ChunkedArray[Any], *, is_id: bool) -> list[tuple[Any, str, str]]:
    """Rows without a key, and all rows of a key that several have: which of them is meant nobody can tell."""
    is_empty = _compute.equal(_compute.fill_null(_compute.utf8_trim(keys, _BLANKS), _NOTHING), _NOTHING)
    same = _compute.utf8_slice_codeunits(keys, 0, _CASELESS_ID) if is_id else _compute.utf8_lower(keys)
    reasons = [(is_empty, EMPTY_KEY, "the key is empty")]
    if not _ascend(same) and len(_compute.unique(same)) < len(same):
        counted = _compute.value_counts(same)
        repeated = counted.field("values").filter(_compute.greater(counted.field("counts"), arrow_values.integer(1)))
        is_repeated = _compute.and_not(_compute.is_in(same, value_set=repeated), is_empty)
        reasons.append((is_repeated, DUPLICATE_KEY, "another row has the same key"))
    return reasons


def _ascend(values: pa.ChunkedArray[Any]) -> bool:
    """Whether each is greater than the one before, as in a plan: then all differ, which costs more to find out."""
    is_greater = _compute.greater(values.slice(1), values.slice(0, len(values) - 1))
    return bool(_compute.all(_compute.fill_null(is_greater, _NO)).as_py())


def _refusals(keys: pa.ChunkedArray[Any], code: str, message: str) -> pa.Table:
    columns = [_compute.fill_null(keys, _NOTHING)]
    columns += [arrow_values.repeat(arrow_values.text(text), len(keys)) for text in (code, message)]
    return pa.Table.from_arrays(columns, schema=REFUSED)


def _boolean(text: str, _field: Field) -> str:
    return _BOOLEANS.get(text.lower(), text)


def _decimal(text: str, field: Field) -> str:
    if not _NUMBER.fullmatch(text):
        return text
    number = _EXACT.create_decimal(text).normalize(_EXACT)
    exponent = number.as_tuple().exponent
    if len(number.as_tuple().digits) > _MOST_DIGITS:
        reason = f"more than {_MOST_DIGITS} digits are not kept"
        raise _NotKeptError(reason)
    scale = 0 if field.type == "int" else field.scale
    if isinstance(exponent, int) and -exponent > scale:
        reason = f"more than {scale} decimals are not kept"
        raise _NotKeptError(reason)
    return f"{number:f}" if number else "0"


def _date(text: str, _field: Field) -> str:
    try:
        day = date.fromisoformat(text)
        is_plain = day.isoformat() == text
    except ValueError:
        is_plain = False
    if not is_plain:
        reason = "a date is written as YYYY-MM-DD"
        raise _NotKeptError(reason)
    _check_year(day.year)
    return text


def _moment(text: str, _field: Field) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        reason = "a time without a zone is ambiguous"
        raise _NotKeptError(reason)
    _check_year(moment.year)
    if _FRACTION.search(text):
        reason = "fractions of a second are not kept"
        raise _NotKeptError(reason)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _check_year(year: int) -> None:
    if year not in _YEARS:
        reason = f"years before {_YEARS[0]} or after {_YEARS[-1]} are not kept"
        raise _NotKeptError(reason)


def _choices(text: str, _field: Field) -> str:
    return ";".join(sorted(set(text.split(";"))))


def full_id(text: str, _field: Field | None = None) -> str:
    """A record id of 15 characters with the three that make it safe where upper and lower case are one."""
    if len(text) != _CASELESS_ID or not text.isascii() or not text.isalnum():
        return text
    parts = (text[start : start + 5] for start in range(0, _CASELESS_ID, 5))
    return text + "".join(
        _LETTERS[sum(letter.isupper() << place for place, letter in enumerate(part))] for part in parts
    )


_FORMS: Final[Mapping[str, Callable[[str, Field], str]]] = {
    "boolean": _boolean,
    "currency": _decimal,
    "percent": _decimal,
    "double": _decimal,
    "int": _decimal,
    "date": _date,
    "datetime": _moment,
    "multipicklist": _choices,
    "reference": full_id,
    "id": full_id,
}
