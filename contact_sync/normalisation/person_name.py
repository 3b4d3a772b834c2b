"""The parts of a full name that was written into one field; pure.

Does not belong here: nicknames, and titles or suffixes beside a first name, which SQL knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from contact_sync.normalisation.result import Normalized

SEPARATOR: Final = "|"


def regular_names(values: Sequence[str]) -> list[bool]:
    """Which of these last names, on records without a first name, are one word: nothing to be parted."""
    return [len(value.replace(",", " ").split()) == 1 for value in values]


def normalize_person_name(raw: str) -> Normalized:
    """`Dr. Smith, John Q., Jr.` -> `John|Smith|Jr.`: given name, family name, suffix.

    Titles and middle names are left away. A name that begins with a particle (`van der Berg`) is a family name.
    """
    from nameparser import HumanName  # noqa: PLC0415 -- only where needed

    text = raw.replace(SEPARATOR, " ")
    name = HumanName(text)
    given, family = str(name.first), str(name.last)
    if not family:
        given, family = "", given
    elif "," not in text and given.lower() in name.C.prefixes:
        given, family = "", f"{given} {family}"
    return Normalized(value=SEPARATOR.join((given, family or text, str(name.suffix))))
