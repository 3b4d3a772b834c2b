"""SQL over Arrow tables: each block for itself, and how many databases that takes."""

from __future__ import annotations

from contextlib import suppress
from unittest.mock import Mock

import duckdb
import pyarrow as pa
import pytest

from contact_sync.identity import arrow_sql
from contact_sync.identity.arrow_sql import database_over, query_over, rows_of

NUMBERS = pa.table({"number": [1, 2, 3]})


def test_blocks_do_not_see_each_other() -> None:
    """Tables of the same names, given or made, are other tables in another block."""
    with database_over({"given": NUMBERS}) as one, database_over({"given": NUMBERS.slice(1)}) as other:
        for database in (one, other):
            database.execute("create temporary table made as select count(*) as rows from given")
        counts = [rows_of(database, "select rows from made").column(0).to_pylist() for database in (one, other)]

    assert [[3], [2]] == counts


def test_nothing_of_a_block_stays() -> None:
    """Neither what it was given nor what it made, also after an error."""
    with suppress(duckdb.ConversionException), database_over({"given": NUMBERS}) as database:
        database.execute("create temporary table made as select * from given")
        database.execute("select cast('none' as integer)")

    for name in ("given", "made"):
        with pytest.raises(duckdb.CatalogException):
            query_over({}, f"select * from {name}")


def test_few_rows_share_a_database_and_many_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening one costs more than a query over few rows; what many rows took goes back when theirs ends."""
    query_over({"given": NUMBERS}, "select * from given")
    opened = Mock(wraps=arrow_sql._opened)
    monkeypatch.setattr(arrow_sql, "_opened", opened)

    for few_bytes, databases in ((NUMBERS.nbytes, 0), (NUMBERS.nbytes - 1, 2)):
        monkeypatch.setattr(arrow_sql, "_FEW_BYTES", few_bytes)
        for _ in range(2):
            query_over({"given": NUMBERS}, "select * from given")
        assert databases == opened.call_count
