"""Full names written into one field."""

from __future__ import annotations

import pytest

from contact_sync.normalisation.person_name import normalize_person_name, regular_names
from contact_sync.normalisation.result import Normalized


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ("John Smith", "John|Smith|"),
        ("Dr. John Q. Smith PhD", "John|Smith|PhD"),
        ("Smith, John", "John|Smith|"),
        ("Dr. Smith, John Q., Jr.", "John|Smith|Jr."),
        ("Ludwig van Beethoven", "Ludwig|van Beethoven|"),
        ("van der Berg", "|van der Berg|"),
        ("von Trapp, Maria", "Maria|von Trapp|"),
        ("de la Cruz", "|de la Cruz|"),
        ("Smith Jr.", "|Smith|Jr."),
        ("王小明", "|王小明|"),
        ("Dr. Prof.", "|Prof.|"),
        ("a|b c", "a|c|"),
    ],
)
def test_a_full_name_is_parted(raw: str, parts: str) -> None:
    """Given name, family name, suffix; a particle begins a family name, and the family name is never empty."""
    assert Normalized(value=parts) == normalize_person_name(raw)


def test_one_word_needs_no_parting() -> None:
    """Only what has a space or a comma inside goes to the library."""
    values = ["Smith", " Smith ", "O'Neill-Weiß", "Smith, John", "John Smith", "Smith,John"]

    assert [True, True, True, False, False, False] == regular_names(values)
