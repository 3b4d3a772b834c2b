"""The country a text names, from the seed that SQL uses too: dbt_project/seeds/country.csv.

Does not belong here: guessing. A spelling that the seed lacks names no country; add it there.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contact_sync.errors import CatalogError

_LETTERS: Final = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "'": ""})
_SEPARATORS: Final = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """`Côte d'Ivoire ` -> `cote divoire`: as the macro `folded`, lower case, no accents, words by one space."""
    plain = unicodedata.normalize("NFD", text.lower().translate(_LETTERS))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", letters).strip()


@dataclass(frozen=True)
class CountryNames:
    """Folded spelling -> ISO 3166 alpha-2; `fingerprint` stands for the whole table."""

    codes: dict[str, str]
    fingerprint: str

    @classmethod
    def read(cls, seed: Path) -> CountryNames:
        """Read the seed with the columns country and country_code; CatalogError if it cannot be."""
        try:
            content = seed.read_bytes()
            rows = csv.DictReader(content.decode("utf-8").splitlines())
            codes = {row["country"]: row["country_code"] for row in rows}
        except (OSError, UnicodeDecodeError, KeyError) as error:
            raise CatalogError(
                f"The seed {seed} cannot be read ({type(error).__name__}).",
                remedy="It is a CSV file in UTF-8 with the columns country and country_code.",
            ) from None
        return cls(codes, hashlib.sha256(content).hexdigest()[:8])

    def code(self, text: str | None) -> str | None:
        """The ISO code of a country as people write it; none if it is not known."""
        return self.codes.get(folded(text)) if text else None

    def regions(self, texts: Sequence[str]) -> list[str | None]:
        """The codes of many; each spelling is looked up once."""
        known = {text: self.code(text) for text in set(texts)}
        return [known[text] for text in texts]
