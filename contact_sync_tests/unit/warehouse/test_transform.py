"""What of dbt's messages may be shown."""

from __future__ import annotations

import pytest

from contact_sync.errors import TransformError
from contact_sync.warehouse.transform import NodeOutcome, _safe, raise_for_failures

WHERE = "Runtime Error in model contact (models/gold/contact.sql)\n  "


@pytest.mark.parametrize(
    "message",
    [
        f'{WHERE}Binder Error: Referenced column "nme" not found in FROM clause!',
        f"{WHERE}Catalog Error: Table with name contact does not exist!",
        "Compilation Error in model contact\n  This model has an enforced contract that failed.",
    ],
)
def test_messages_about_sql_are_shown(message: str) -> None:
    """Whoever writes a model needs them whole."""
    assert message == _safe(message)


@pytest.mark.parametrize(
    "message",
    [
        f"{WHERE}Conversion Error: Could not convert string 'Lee Miller, Contractor' to INT32",
        f'{WHERE}Constraint Error: Duplicate key "email: lee@miller.com" violates primary key constraint.',
        f"{WHERE}Conversion Error: Could not convert string 'Miller\nBinder Error' to INT32",
        f"{WHERE}Invalid Input Error: Miller is in breach of the enforced contract",
    ],
)
def test_messages_that_quote_values_are_cut(message: str) -> None:
    """Whatever words the value itself has, also such as begin a message that may be shown."""
    assert "Runtime Error in model contact (models/gold/contact.sql)" == _safe(message)


def test_failed_nodes_are_named() -> None:
    """What failed and why; what went well, or only warned, is not told."""
    outcomes = [
        NodeOutcome(unique_id="model.a", status="success", message="OK"),
        NodeOutcome(unique_id="test.warned", status="warn", message="Got 1 result"),
        *(NodeOutcome(unique_id=f"test.t{number}", status="fail", message="Got 3 results") for number in range(7)),
    ]
    with pytest.raises(TransformError) as error:
        raise_for_failures(outcomes)

    assert "test.t0: Got 3 results" in str(error.value)
    assert "and 2 more" in str(error.value)
    assert "model.a" not in str(error.value)
    raise_for_failures(outcomes[:2])


def test_a_model_that_needs_too_much_memory_names_the_setting() -> None:
    """DuckDB's own advice is about statements that nobody types here."""
    message = f"{WHERE}Out of Memory Error: could not allocate block of size 256.0 KiB"

    assert "DuckDB needs more memory; raise CONTACT_SYNC_WAREHOUSE_MEMORY_MB" == _safe(message)
