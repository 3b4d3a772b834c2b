"""One form for a phone number: E.164, the extension left away; pure.

A number without country code is one of the country its record names. Only its length is judged: numbering plans change
faster than libraries, and a number wrongly refused is worse than an unassigned one. Does not belong here: extensions
and placeholders, which SQL splits off and refuses for all numbers alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from contact_sync.normalisation.result import Normalized, refused

# Countries and territories whose numbers have ten digits and the country code 1.
NORTH_AMERICAN_PLAN: Final = frozenset(
    {"AG", "AI", "AS", "BB", "BM", "BS", "CA", "DM", "DO", "GD", "GU", "JM", "KN", "KY", "LC", "MP", "MS", "PR", "SX"}
    | {"TC", "TT", "US", "VC", "VG", "VI"}
)
# Country code -> (fewest, most) digits after it, of plans that write no 0 there: SQL may take these as they are.
REGULAR_LENGTHS: Final = {
    **dict.fromkeys(["45", "47", "65"], (8, 8)),
    **dict.fromkeys(["32", "64"], (8, 9)),
    **dict.fromkeys(["31", "33", "34", "41", "46", "48", "61", "351", "353", "358", "420", "972"], (9, 9)),
    **dict.fromkeys(["44", "52", "90", "91"], (10, 10)),
    "43": (7, 12),
    "49": (7, 11),
    "55": (10, 11),
    "81": (9, 10),
    "86": (11, 11),
}
_INTERNATIONAL: Final = "^(?:[+]|00)(?:{})$".format(
    "|".join(f"{code}[1-9][0-9]{{{least - 1},{most - 1}}}" for code, (least, most) in REGULAR_LENGTHS.items())
)
_EXTENSION: Final = r"(?: ?(?:x|X|ext\.?|Ext\.?|#) ?[0-9]{1,6})?$"
_GROUPS: Final = r"\(?[2-9][0-9]{2}\)?[ .-]?[2-9][0-9]{2}[ .-]?[0-9]{4}" + _EXTENSION
_AMERICAN: Final = r"^(?:1[ .-]?)?" + _GROUPS
_WITH_CODE_ONE: Final = r"^(?:\+|00)1[ .-]?" + _GROUPS
# (212) 555-0123: so written, it is American wherever the record is, except where ten digits are written likewise.
_AMERICAN_STYLE: Final = (
    r"^(?:1[ .-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}" + _EXTENSION
)
_TEN_DIGITS: Final = frozenset({"CO", "IN", "IR", "MX", "PH", "PK", "TR", "VE"})
_NAMES_A_COUNTRY: Final = r"^[\s(]*(?:tel:|[+\x{FF0B}]|00)"
_EXTENSION_WORD: Final = re.compile(r"(?i)[\s,;]*(?:durchwahl|extension|poste|dw\.?|ext?\.?|x|#)[\s.:=]*\d{1,6}$")
_DIALLED_OUT: Final = re.compile(r"^\s*(?:tel:)?\s*00\s*(?=[1-9])")
_TRUNK_ZERO: Final = re.compile(r"\(0\)")


def regular_phones(values: Sequence[str], regions: Sequence[str | None]) -> list[bool]:
    """Which of these numbers SQL normalises as the library would, given the country (ISO code) of each record.

    A number that names no country, on a record without one, is left to SQL too: nobody can know more about it.
    """
    texts = pa.array(values, pa.string())
    digits = pc.replace_substring_regex(pc.replace_substring(texts, "(0)", ""), r"[ ()./-]", "")
    international = pc.or_(
        pc.match_substring_regex(digits, _INTERNATIONAL), pc.match_substring_regex(texts, _WITH_CODE_ONE)
    )
    american_style = pc.match_substring_regex(texts, _AMERICAN_STYLE)
    american = pc.match_substring_regex(texts, _AMERICAN)
    placeless = pc.invert(pc.match_substring_regex(texts, _NAMES_A_COUNTRY))
    columns = (column.to_pylist() for column in (international, american_style, american, placeless))
    return [
        bool(is_international)
        or (bool(is_styled) and region not in _TEN_DIGITS)
        or (bool(is_american) and (region is None or region in NORTH_AMERICAN_PLAN))
        or (bool(is_placeless) and region is None)
        for is_international, is_styled, is_american, is_placeless, region in zip(*columns, regions, strict=True)
    ]


def normalize_phone(raw: str, region: str | None) -> Normalized:
    """`030 555-0123 DW 12` of a record in DE -> `+49305550123`.

    region: ISO 3166 alpha-2, for numbers without country code. Rules: phone_unreadable (no number, or several),
    phone_without_country, phone_without_area_code, phone_too_short, phone_too_long, phone_impossible.
    """
    import phonenumbers  # noqa: PLC0415 -- only where needed

    text = _TRUNK_ZERO.sub("", _EXTENSION_WORD.sub("", raw))
    if re.match(_AMERICAN_STYLE, text.strip()) and region not in _TEN_DIGITS:
        region = "US"
    try:
        number = phonenumbers.parse(_DIALLED_OUT.sub("+", text), region)
    except phonenumbers.NumberParseException as error:
        is_placeless = error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE
        return refused("phone_without_country" if is_placeless else "phone_unreadable")
    rule = _length_rule(phonenumbers.is_possible_number_with_reason(number))
    if rule is not None:
        return refused(rule)
    return Normalized(value=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _length_rule(result: int) -> str | None:
    """The rule that refuses a number of this length; none for a possible one."""
    from phonenumbers import ValidationResult as Result  # noqa: PLC0415 -- as above

    return {
        Result.IS_POSSIBLE: None,
        Result.IS_POSSIBLE_LOCAL_ONLY: "phone_without_area_code",
        Result.INVALID_COUNTRY_CODE: "phone_without_country",
        Result.TOO_SHORT: "phone_too_short",
        Result.TOO_LONG: "phone_too_long",
    }.get(result, "phone_impossible")
