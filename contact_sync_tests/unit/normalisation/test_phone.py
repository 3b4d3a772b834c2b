"""Phone numbers of many countries: E.164 with the help of the record's country, a rule for impossible ones."""

from __future__ import annotations

import phonenumbers
import pytest

from contact_sync.normalisation.phone import NORTH_AMERICAN_PLAN, REGULAR_LENGTHS, normalize_phone, regular_phones
from contact_sync.normalisation.result import Normalized, refused


@pytest.mark.parametrize(
    ("raw", "region", "normalized"),
    [
        ("030 555-0123", "DE", "+49305550123"),
        ("030 5550123 Durchwahl 12", "DE", "+49305550123"),
        ("+49 (0) 30 5550123", None, "+49305550123"),
        ("0049 30 5550123", "US", "+49305550123"),
        ("011 49 30 5550123", "US", "+49305550123"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("06 1234567", "IT", "+39061234567"),
        ("8 (495) 555-01-23", "RU", "+74955550123"),
        ("(212) 555-0123 x45", "US", "+12125550123"),
        ("212-555-0123", "PR", "+12125550123"),
        ("tel:+1-212-555-0123;ext=9", None, "+12125550123"),
        ("+٤٩ 30 5550123", None, "+49305550123"),
    ],
)
def test_a_number_has_one_form(raw: str, region: str | None, normalized: str) -> None:
    """Trunk zeros, dial-out prefixes, extensions, separators and digits of other scripts make no difference."""
    assert Normalized(value=normalized) == normalize_phone(raw, region)


@pytest.mark.parametrize(
    ("raw", "region", "rule"),
    [
        ("none", "DE", "phone_unreadable"),
        ("212 555 0123 / 212 555 0124", "US", "phone_unreadable"),
        ("030 5550123", None, "phone_without_country"),
        ("+999 5550123", None, "phone_without_country"),
        ("555-0123", "US", "phone_without_area_code"),
        ("12", "US", "phone_too_short"),
        ("+33 1 55 50 12 34 56", None, "phone_too_long"),
        ("+49 30 555012345678901", None, "phone_too_long"),
    ],
)
def test_an_impossible_number_is_refused_by_a_rule(raw: str, region: str | None, rule: str) -> None:
    """Only what no plan allows is refused; an unassigned number is not."""
    assert refused(rule) == normalize_phone(raw, region)


@pytest.mark.parametrize(
    ("code", "length"), [(code, length) for code, lengths in REGULAR_LENGTHS.items() for length in set(lengths)]
)
def test_sql_is_left_regular_international_numbers(code: str, length: int) -> None:
    """Of each listed plan, + and digits are what the library gives, so that it need not be asked."""
    number = f"+{code}2{'1234567890123'[: length - 1]}"

    written = [number, f"00{number[1:4]} ({number[4:6]}) {number[6:]}", f"{number[:4]} (0) {number[4:]}"]
    assert [True] * 3 == regular_phones(written, [None, "US", "FR"])
    assert [Normalized(value=number)] * 3 == [normalize_phone(raw, "DE") for raw in written]


@pytest.mark.parametrize(
    ("raw", "region", "is_regular"),
    [
        ("2125550123", None, True),
        ("2125550123", "CA", True),
        ("2125550123", "DE", False),
        ("(212) 555-0123", "DE", True),
        ("212.555.0123 x45", "DE", True),
        ("(222) 123-4567", "MX", False),
        ("+1 (212) 555-0123 ext. 7", "DE", True),
        ("111 222 3333", "US", False),
        ("030 5550123", None, True),
        ("030 5550123", "DE", False),
        ("+49 30 55", None, False),
        ("tel:030 5550123", None, False),
    ],
)
def test_sql_reads_ten_digits_only_where_they_are_american(raw: str, region: str | None, is_regular: bool) -> None:
    """By the country of the record, or by the way they are written; without a country nobody knows better."""
    assert [is_regular] == regular_phones([raw], [region])


def test_american_writing_is_read_as_american() -> None:
    """Also on a record elsewhere, unless its country writes ten digits the same way."""
    assert Normalized(value="+12125550123") == normalize_phone("(212) 555-0123 x45", "DE")
    assert Normalized(value="+522221234567") == normalize_phone("(222) 123-4567", "MX")


def test_the_north_american_plan_is_the_librarys() -> None:
    """Every country and territory with the country code 1, and no other."""
    assert set(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]) == NORTH_AMERICAN_PLAN
