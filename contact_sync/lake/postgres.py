"""A bronze table in PostgreSQL, for teams without object storage: a row of `bronze.<object>` for each row.

The position of every instance is a row of `bronze._position`, changed in the transaction that adds a batch's rows; an
advisory lock orders those who publish the same object. Rows are looked for by BRIN indexes, which say of each stretch
of a table what Delta's statistics say of a file. Does not belong here: keeping pages before (postgres_stage.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from contact_sync.errors import StaleCommitError
from contact_sync.lake.bronze import (
    LINEAGE,
    STATISTICS_COLUMNS,
    Maintained,
    Position,
    StagedRows,
    pages_are_gone,
    raise_if_overtaken,
    watermark_time,
)
from contact_sync.lake.database import LakeDatabase, Transaction, ensure_schema, hold
from contact_sync.lake.postgres_columns import ensure_table
from contact_sync.lake.postgres_stage import PAGE, STAGING, PostgresStage
from contact_sync.sql_text import sql_name, sql_text, sql_texts

BRONZE: Final = "bronze"
_POSITION: Final = f"{BRONZE}._position"
_POSITION_TABLE: Final = f"""
    create table if not exists {_POSITION} (
        object_name text, instance text, sequence bigint not null, batch_id text not null, watermark text,
        primary key (object_name, instance)
    )
"""


@dataclass(frozen=True)
class _Snapshot:
    """What was published when the table was looked at: its columns, and the positions of the instances."""

    columns: tuple[str, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict)


class PostgresBronzeTable:
    """One bronze table, opened once; every method sees the snapshot of the last `refresh`."""

    def __init__(self, database: LakeDatabase, object_name: str) -> None:
        self.name = object_name
        self._database = database
        self._relation = f"{BRONZE}.{sql_name(object_name)}"
        self._staging = f"{STAGING}.{sql_name(object_name)}"
        self._what = f"Bronze table {object_name} in PostgreSQL"
        self._snapshot = _Snapshot()
        self.refresh()

    @property
    def exists(self) -> bool:
        """Whether anything was ever published."""
        return bool(self._snapshot.positions)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns; none before the first publication."""
        return self._snapshot.columns if self.exists else ()

    def refresh(self) -> None:
        """See what has been published since."""
        with self._database.transaction(self._what) as transaction:
            self._snapshot = self._look(transaction)

    def position(self, instance: str) -> Position:
        """Sequence and watermark of an instance."""
        return self._snapshot.positions.get(instance, Position(sequence=0, watermark=None))

    def sequences(self) -> dict[str, int]:
        """instance -> newest published sequence."""
        return {instance: one.sequence for instance, one in sorted(self._snapshot.positions.items())}

    def known_versions(self, instance: str, since: datetime | None) -> Iterable[pa.RecordBatch]:
        """(_record_id, _version_at, _row_hash) of what bronze holds of an instance, at least from a source time on."""
        if not self.exists:
            return ()
        condition = ""
        if since is not None:
            condition = f" and (_version_at is null or _version_at >= '{since.astimezone(UTC).isoformat()}')"
        return self._read(instance, ["_record_id", "_version_at", "_row_hash"], condition)

    def scan(self, instance: str, columns: Sequence[str]) -> pa.RecordBatchReader:
        """Stream these columns of all rows of an instance."""
        return self._reader(instance, columns)

    def scan_after(self, instance: str, sequence: int) -> pa.RecordBatchReader:
        """Stream all columns of what an instance published after a sequence."""
        return self._reader(instance, self.columns, f" and _sequence > {sequence}")

    def distinct(self, column: str, instance: str) -> set[str]:
        """The distinct values of one text column of an instance, for example the files already read."""
        if column not in self.columns:
            return set()
        condition = f" and {sql_name(column)} is not null"
        batches = self._read(instance, [column], condition, distinct=True)
        return {str(value) for batch in batches for value in batch.column(0).to_pylist()}

    def batch_rows(self, batch_id: str) -> int:
        """How many published rows a batch has."""
        if not self.exists:
            return 0
        with self._database.transaction(self._what) as transaction:
            return _count(transaction, f"{self._relation} where _batch_id = {sql_text(batch_id)}")

    def local_files(self) -> list[str] | None:
        """None: no engine reads the tables of PostgreSQL in place."""
        return None

    def stage(self, partition: Mapping[str, str]) -> PostgresStage:
        """Where the pages of a batch are kept until it is published; `partition` is theirs."""
        return PostgresStage(self._database, self.name, partition)

    def lost(self, staged: Sequence[StagedRows]) -> list[str]:
        """The paths of the staged pages that are not there any more, or not whole, as after a crash of the server."""
        if not staged:
            return []
        with self._database.transaction(self._what) as transaction:
            return self._lost(transaction, staged)

    def publish(self, instance: str, batch_id: str, sequence: int, staged: Sequence[StagedRows]) -> None:
        """Publish a batch's pages in one transaction, replacing what the same batch published before.

        Raises StaleCommitError when the instance has moved on: the sequence must follow the published one, or the
        published one must be this very batch's. Raises LakeError when a staged page is gone.
        """
        columns = sorted({column for one in staged for column in one.columns})
        pages = f"{PAGE} in ({sql_texts([one.path for one in staged])})"
        with self._database.transaction(self._what) as transaction:
            self._prepare(transaction, columns)
            self._raise_if_stale(transaction, instance, batch_id, sequence)
            self._raise_if_lost(transaction, instance, batch_id, staged)
            names = ", ".join(map(sql_name, [*columns, *staged[0].partition]))
            transaction.execute(f"delete from {self._relation} where _batch_id = {sql_text(batch_id)}")  # noqa: S608 -- quoted
            rows = f"select {names} from {self._staging} where {pages}"  # noqa: S608 -- quoted
            transaction.execute(f"insert into {self._relation} ({names}) {rows}")
            transaction.execute(
                f"insert into {_POSITION} select {sql_text(self.name)}, {sql_text(instance)}, {sequence}, "  # noqa: S608 -- quoted
                f"{sql_text(batch_id)}, max(_watermark) from {self._staging} where {pages} "
                "on conflict (object_name, instance) do update set sequence = excluded.sequence, "
                "batch_id = excluded.batch_id, watermark = excluded.watermark"
            )
            # What else the instance has staged up to here was overtaken and cannot be published any more.
            overtaken = f"_instance = {sql_text(instance)} and _sequence <= {sequence}"
            transaction.execute(f"delete from {self._staging} where {overtaken}")  # noqa: S608 -- quoted
            published = self._look(transaction)
        self._snapshot = published

    def maintain(self) -> Maintained | None:
        """None: PostgreSQL takes care of its tables itself (autovacuum)."""
        return None

    def _prepare(self, transaction: Transaction, columns: Sequence[str]) -> None:
        """Wait for whoever publishes the same object; make what is missing."""
        hold(transaction, f"{BRONZE}/{self.name}")
        ensure_schema(transaction, BRONZE)
        if not transaction.rows(f"select to_regclass({sql_text(_POSITION)}) is not null as is_there")[0]["is_there"]:
            hold(transaction, _POSITION)
            transaction.execute(_POSITION_TABLE)
        if ensure_table(transaction, BRONZE, self.name, columns):
            indexed = ", ".join(STATISTICS_COLUMNS)
            transaction.execute(f"create index on {self._relation} using brin ({indexed}) with (autosummarize = on)")

    def _raise_if_lost(
        self, transaction: Transaction, instance: str, batch_id: str, staged: Sequence[StagedRows]
    ) -> None:
        if lost := self._lost(transaction, staged):
            if self._newest(transaction, instance)[1] == batch_id:
                raise StaleCommitError(
                    f"{self.name}, instance {instance}: another run published batch {batch_id} in the meantime.",
                    remedy="There is nothing left to do.",
                )
            raise pages_are_gone(self.name, instance, batch_id, lost)

    def _newest(self, transaction: Transaction, instance: str) -> tuple[int, str | None]:
        """Sequence and batch that an instance published last."""
        where = f"object_name = {sql_text(self.name)} and instance = {sql_text(instance)}"
        found = transaction.rows(f"select sequence, batch_id from {_POSITION} where {where}")  # noqa: S608 -- quoted
        return (found[0]["sequence"], found[0]["batch_id"]) if found else (0, None)

    def _raise_if_stale(self, transaction: Transaction, instance: str, batch_id: str, sequence: int) -> None:
        published, newest = self._newest(transaction, instance)
        raise_if_overtaken(self.name, instance, sequence, published, is_own=newest == batch_id)

    def _lost(self, transaction: Transaction, staged: Sequence[StagedRows]) -> list[str]:
        found: dict[str, int] = {}
        if transaction.rows(f"select to_regclass({sql_text(self._staging)}) is not null as is_there")[0]["is_there"]:
            pages = sql_texts([one.path for one in staged])
            counts = transaction.rows(
                f"select {PAGE} as page, count(*) as rows from {self._staging} where {PAGE} in ({pages}) group by 1",  # noqa: S608 -- quoted
            )
            found = {row["page"]: row["rows"] for row in counts}
        return [one.path for one in staged if found.get(one.path) != one.row_count]

    def _look(self, transaction: Transaction) -> _Snapshot:
        there = (
            f"to_regclass({sql_text(_POSITION)}) is not null and to_regclass({sql_text(self._relation)}) is not null"
        )
        if not transaction.rows(f"select {there} as is_there")[0]["is_there"]:
            return _Snapshot()
        columns = transaction.rows(
            f"select attname::text as name from pg_attribute where attrelid = to_regclass({sql_text(self._relation)}) "  # noqa: S608 -- quoted
            "and attnum > 0 and not attisdropped order by attnum",
        )
        positions = transaction.rows(
            f"select instance, sequence, watermark from {_POSITION} where object_name = {sql_text(self.name)}",  # noqa: S608 -- quoted
        )
        return _Snapshot(
            columns=tuple(row["name"] for row in columns),
            positions={
                row["instance"]: Position(sequence=row["sequence"], watermark=watermark_time(row["watermark"]))
                for row in positions
            },
        )

    def _reader(self, instance: str, columns: Sequence[str], condition: str = "") -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(_schema(columns), self._read(instance, columns, condition))

    def _read(
        self, instance: str, columns: Sequence[str], condition: str, *, distinct: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Rows of an instance, of those batches that the snapshot knows."""
        known = f"_instance = {sql_text(instance)} and _sequence <= {self.position(instance).sequence}"
        selected = ("distinct " if distinct else "") + ", ".join(map(sql_name, columns))
        query = f"select {selected} from {self._relation} where {known}{condition}"  # noqa: S608 -- quoted
        return self._database.stream(query, _schema(columns), self._what)


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([LINEAGE.field(one) if one in LINEAGE.names else pa.field(one, pa.string()) for one in columns])


def _count(transaction: Transaction, relation: str) -> int:
    return int(transaction.rows(f"select count(*) as rows from {relation}")[0]["rows"])  # noqa: S608 -- quoted
