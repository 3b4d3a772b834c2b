"""Countries as people write them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from contact_sync.errors import CatalogError
from contact_sync.normalisation.country import CountryNames, folded

SEEDS = Path(__file__).parents[3] / "dbt_project/seeds"


def test_a_country_is_known_by_codes_and_names_of_several_languages() -> None:
    """Case, accents and full stops make no difference; an unknown spelling names none."""
    countries = CountryNames.read(SEEDS / "country.csv")

    spellings = ["DE", "deu", "Germany", "Allemagne", "U.S.A.", "Österreich", "Côte d'Ivoire", "the Netherlands", "UK"]
    assert ["DE", "DE", "DE", "DE", "US", "AT", "CI", "NL", "GB"] == [countries.code(one) for one in spellings]
    assert [None, None, None] == [countries.code(one) for one in ("Atlantis", "", None)]


@pytest.mark.parametrize(
    ("seed", "column", "grain"),
    [
        ("country.csv", "country", ("country",)),
        ("state.csv", "state", ("country_code", "state")),
        ("legal_form.csv", "legal_form", ("legal_form",)),
    ],
)
def test_seeds_are_folded_and_have_one_row_per_spelling(seed: str, column: str, grain: tuple[str, ...]) -> None:
    """A spelling not in the form of the values could never be found; one that is there twice would double records."""
    with (SEEDS / seed).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))

    assert [row[column] for row in rows] == [folded(row[column]) for row in rows]
    assert len(rows) == len({tuple(row[name] for name in grain) for row in rows}) > 0


def test_a_seed_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The message says which file and what it must look like."""
    with pytest.raises(CatalogError, match=r"The seed .*country\.csv cannot be read \(FileNotFoundError\)"):
        CountryNames.read(tmp_path / "country.csv")
