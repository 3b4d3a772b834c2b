"""What the scorer remembers between runs: records, their keys and scored pairs, in a DuckDB file of its own.

The file holds nothing that cannot be made again: it is a cache beside the warehouse, which says by a token whether the
two belong together. Does not belong here: which records have changed (pipeline/scoring.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from contact_sync.errors import IdentityError
from contact_sync.identity import scoring
from contact_sync.identity.evidence import PAIR_SCHEMA
from contact_sync.identity.model import MatchModel
from contact_sync.identity.scoring import ScoringReport

_PAIRS: Final = """
    select
        least(one.record_key, two.record_key) as record_key_1,
        greatest(one.record_key, two.record_key) as record_key_2,
        'model' as rule,
        pair.score,
        cast(pair.pattern as varchar) as evidence
    from pair
    inner join record as one on one.id = pair.one
    inner join record as two on two.id = pair.two
"""
_STREAM_ROWS: Final = 65_536
_OF_CHANGED: Final = "where pair.one in (from changed) or pair.two in (from changed)"


class PairStore:
    """An open store; use `open_store`."""

    def __init__(self, database: duckdb.DuckDBPyConnection, model: MatchModel) -> None:
        self._database = database
        self._model = model

    def token(self) -> str | None:
        """What `keep` noted last; nothing for an empty store."""
        rows = self._database.sql("select token from token").fetchall()
        return str(rows[0][0]) if rows else None

    def keep(self, token: str) -> None:
        """Note what this store now stands for."""
        self._database.execute("delete from token")
        self._database.execute("insert into token values (?)", [token])

    def score_all(self, records: pa.Table | pa.RecordBatchReader) -> tuple[ScoringReport, pa.RecordBatchReader]:
        """Score all records anew; the report, and every pair (PAIR_SCHEMA) worth keeping, to be read at once."""
        with self._registered(records=records):
            report = scoring.score_all(self._database, self._model, "records")
        return report, self._pairs("")

    def score_changes(self, records: pa.Table, gone: pa.Table) -> tuple[ScoringReport, pa.RecordBatchReader]:
        """Score new and changed records; the report, and the pairs (PAIR_SCHEMA) that they are part of.

        To be read at once, as with `score_all`. gone: (record_key) of the records that are no more.
        """
        with self._registered(records=records, gone=gone):
            report = scoring.score_changes(self._database, self._model, "records", "gone")
        return report, self._pairs(_OF_CHANGED)

    def _pairs(self, condition: str) -> pa.RecordBatchReader:
        rows: pa.RecordBatchReader = self._database.sql(f"{_PAIRS} {condition}").to_arrow_reader(_STREAM_ROWS)
        return rows.cast(PAIR_SCHEMA)

    @contextmanager
    def _registered(self, **tables: pa.Table | pa.RecordBatchReader) -> Iterator[None]:
        for name, table in tables.items():
            self._database.register(name, table)
        with _clear_errors():
            yield
        # Not after an error: the database, which is closed then, would answer with another one.
        for name in tables:
            self._database.unregister(name)


@contextmanager
def open_store(path: Path | None, model: MatchModel, *, memory_limit_mb: int = 4_000) -> Iterator[PairStore]:
    """Open the store in a file, or one in memory; what is done in it counts only when it is left without an error.

    A file that is none is begun anew. Raises IdentityError while another process holds it, or if the disk refuses.
    """
    with _clear_errors():
        database = _connect(path, memory_limit_mb)
    with database:
        with _clear_errors():
            # Nearly all of it is keys, and hashes cannot be compressed: trying costs more than all the joins.
            database.execute("pragma force_compression = 'uncompressed'")
            database.execute("begin")
            scoring.prepare(database)
            database.execute("create table if not exists token (token varchar)")
        yield PairStore(database, model)
        with _clear_errors():
            database.execute("commit")


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        # The library's message can quote values.
        raise IdentityError(
            f"The scorer's store (identity/person.duckdb) cannot be used ({type(error).__name__}).",
            remedy="See that no other process holds it and that disk and memory suffice; it may be deleted.",
        ) from None


def _connect(path: Path | None, memory_limit_mb: int) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {"threads": 2, "memory_limit": f"{memory_limit_mb}MB"}
    config["preserve_insertion_order"] = False
    if path is None:
        return duckdb.connect(":memory:", config=config)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    try:
        database = duckdb.connect(str(path), config=config)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException) as error:
        if "lock" in str(error).lower():
            raise
        path.unlink()
        is_new, database = True, duckdb.connect(str(path), config=config)
    if is_new:
        # It holds values of people, in the clear.
        path.chmod(0o600)
    return database
