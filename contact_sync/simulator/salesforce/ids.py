"""Salesforce record ids: 15 case-sensitive characters and 3 that make them safe where case is lost.

Shape: 3 characters key prefix of the object, 2 of the pod, one reserved, 9 digits to base 62, 3 of checksum.
"""

from __future__ import annotations

import re
import zlib

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")


def checksum(short_id: str) -> str:
    """The 3 characters after a 15-character id: bit i of each is set when character i of its group is upper case."""
    return "".join(
        _CHECKSUM[sum(1 << place for place, letter in enumerate(short_id[start : start + 5]) if "A" <= letter <= "Z")]
        for start in (0, 5, 10)
    )


def canonical_id(text: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None when it is malformed or its checksum is wrong."""
    if not _SHAPE.fullmatch(text):
        return None
    whole = text[:15] + checksum(text[:15])
    return whole if whole.startswith(text) else None


def pod_of(instance: str) -> str:
    """Two characters that tell the ids of one org from those of another."""
    number = zlib.crc32(instance.encode()) % len(_DIGITS) ** 2
    return _DIGITS[number // len(_DIGITS)] + _DIGITS[number % len(_DIGITS)]


def make_id(key_prefix: str, pod: str, number: int) -> str:
    """The 18-character id of the n-th record of an object; ids of one object sort by number."""
    digits = []
    for _ in range(9):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    short_id = f"{key_prefix}{pod}0{''.join(reversed(digits))}"
    return short_id + checksum(short_id)


def number_of(record_id: str) -> int:
    """Which record of its object an id was made for."""
    number = 0
    for letter in record_id[6:15]:
        number = number * len(_DIGITS) + _DIGITS.index(letter)
    return number
