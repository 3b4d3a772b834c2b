"""Types of described fields, and casts that cannot hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from contact_sync.warehouse.types import casts, misfits, sql_type

CASES = [
    ({"type": "currency", "precision": 18, "scale": 2}, "decimal(18, 2)"),
    ({"type": "double", "precision": 18, "scale": 4}, "decimal(18, 4)"),
    ({"type": "percent", "precision": 5, "scale": 2}, "decimal(5, 2)"),
    ({"type": "double precision", "precision": 0, "scale": 0}, "decimal"),
    ({"type": "numeric", "precision": 60, "scale": 10}, "decimal(60, 10)"),
    ({"type": "int", "precision": 9}, "bigint"),
    ({"type": "datetime"}, "timestamp with time zone"),
    ({"type": "timestamp without time zone"}, "timestamp with time zone"),
    ({"type": "reference"}, "id"),
    ({"type": "multipicklist"}, "list"),
    ({"type": "picklist"}, "text"),
    ({"type": "character varying"}, "text"),
]


@pytest.mark.parametrize(("described", "expected"), CASES)
def test_a_described_field_has_one_type(described: dict[str, object], expected: str) -> None:
    """Decimals keep precision and scale; words for text are text."""
    found = sql_type(described)

    assert (expected, True) == (str(found), found.is_known)


def test_an_unknown_word_is_text_and_says_so() -> None:
    """Nothing is guessed."""
    found = sql_type({"type": "hologram"})

    assert ("text", False) == (str(found), found.is_known)


def test_the_casts_of_a_model_are_read_from_its_code() -> None:
    """Macro, field, digits and column of each typed column; what is no cast of one field is passed over."""
    code = """
        select
            _record_id as record_id,
            {{ as_decimal('Amount') }} as amount,
            {{ as_decimal('Rate__c', 18, 6) }} as rate,
            {{ as_id('AccountId') }} as account_id,
            {{ version_columns() }}
    """

    found = [(cast.field, cast.column, str(cast.type)) for cast in casts(code)]

    assert [
        ("Amount", "amount", "decimal(18, 2)"),
        ("Rate__c", "rate", "decimal(18, 6)"),
        ("AccountId", "account_id", "id"),
    ] == found


def test_a_widened_field_does_not_fit_any_more() -> None:
    """A field with more digits after the point, or before it, or of another kind, is named with both types."""
    columns = casts("{{ as_decimal('Amount') }} as amount, {{ as_date('Day') }} as day, {{ as_text('Note') }} as note")

    def found(**fields: dict[str, object]) -> list[str]:
        return [str(one) for one in misfits(columns, fields)]

    assert [] == found(Amount={"type": "currency", "precision": 18, "scale": 2}, Day={"type": "date"})
    assert ["amount is decimal(18, 2), Amount is described as decimal(18, 4)"] == found(
        Amount={"type": "double", "precision": 18, "scale": 4}
    )
    assert ["amount is decimal(18, 2), Amount is described as decimal(20, 2)"] == found(
        Amount={"type": "double", "precision": 20, "scale": 2}
    )
    assert [] == found(Amount={"type": "numeric", "precision": 0})
    assert ["day is date, Day is described as timestamp with time zone"] == found(
        Day={"type": "datetime"}, Note={"type": "datetime"}
    )


def test_every_typed_column_of_the_shipped_models_is_understood(repository: Path) -> None:
    """Each use of a typing macro in a silver source model is one of the casts that are checked."""
    for path in (repository / "dbt_project/models/silver/source_record").glob("*.sql"):
        code = path.read_text(encoding="utf-8")
        assert code.count("{{ as_") == len(casts(code)), path.name
