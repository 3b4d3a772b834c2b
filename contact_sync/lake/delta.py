"""A bronze table in Delta Lake: partitioned by instance and month, one fencing sequence per instance.

Belongs here: the table's schema, its position, and the one commit that publishes a batch. Staging pages is stage.py.
The rules (own Parquet plus `create_write_transaction`, statistics on lineage columns only, check and commit on the same
snapshot) were measured; docs/decisions/ says why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Field, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from contact_sync.errors import LakeError, StaleCommitError, StorageError
from contact_sync.lake.bronze import (
    LINEAGE,
    PARTITION_COLUMNS,
    STATISTICS_COLUMNS,
    Maintained,
    Position,
    StagedRows,
    pages_are_gone,
    raise_if_overtaken,
    watermark_time,
)
from contact_sync.lake.files import actions_of, files_of, read_files
from contact_sync.lake.location import LakeLocation, storage_errors
from contact_sync.lake.scan import scan
from contact_sync.lake.stage import DeltaStage
from contact_sync.sql_text import sql_text

RETENTION_HOURS: Final = 168
"""Unpublished files younger than this stay: an interrupted batch may still be resumed."""
_COMMIT_ATTEMPTS: Final = 10
_CONFIGURATION: Final = {
    "delta.dataSkippingStatsColumns": ",".join(STATISTICS_COLUMNS),
    "delta.checkpointInterval": "20",
}


class DeltaBronzeTable:
    """One bronze table, opened once; every method sees the snapshot of the last `refresh`."""

    def __init__(self, location: LakeLocation, name: str) -> None:
        self.name = name
        self.location = location
        self.url = location.table_url("bronze", name)
        self._delta = self._open()
        self._positions: dict[tuple[str, int], Position] = {}

    @property
    def exists(self) -> bool:
        """Whether anything was ever published."""
        return self._delta is not None

    @property
    def delta(self) -> DeltaTable:
        """The opened Delta table; LakeError if there is none yet."""
        if self._delta is None:
            raise LakeError(f"Bronze table {self.name} does not exist yet.", remedy=f"Extract {self.name} first.")
        return self._delta

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns; none before the first publication."""
        return () if self._delta is None else tuple(field.name for field in self._delta.schema().fields)

    def refresh(self) -> None:
        """See what has been published since."""
        if self._delta is None:
            self._delta = self._open()
        else:
            self._delta.update_incremental()

    def position(self, instance: str) -> Position:
        """Sequence and watermark of an instance, as one snapshot holds them."""
        if self._delta is None:
            return Position(sequence=0, watermark=None)
        at = (instance, self._delta.version())
        if at not in self._positions:
            # An extraction asks several times, and each time a file would be opened.
            self._positions[at] = self._position_of(self._delta, instance)
        return self._positions[at]

    def sequences(self) -> dict[str, int]:
        """instance -> newest published sequence."""
        if self._delta is None:
            return {}
        instances = {row["_instance"] for row in self._delta.partitions()}
        return {name: self._delta.transaction_version(_application(name)) or 0 for name in sorted(instances)}

    def known_versions(self, instance: str, since: datetime | None) -> Iterable[pa.RecordBatch]:
        """(_record_id, _version_at, _row_hash) of what bronze holds of an instance, at least from a source time on."""
        if self._delta is None:
            return ()
        paths = files_of(self._delta, instance, _version_at=None if since is None else int(since.timestamp() * 1e6))
        return read_files(self.location, self.url, paths, ["_record_id", "_version_at", "_row_hash"])

    def scan(self, instance: str, columns: Sequence[str]) -> pa.RecordBatchReader:
        """Stream these columns of all rows of an instance."""
        return scan(self.delta, columns=columns, predicate=f"_instance = {sql_text(instance)}")

    def scan_after(self, instance: str, sequence: int) -> pa.RecordBatchReader:
        """Stream all columns of what an instance published after a sequence."""
        return scan(self.delta, predicate=f"_instance = {sql_text(instance)} and _sequence > {sequence}")

    def distinct(self, column: str, instance: str) -> set[str]:
        """The distinct values of one text column of an instance, for example the files already read."""
        found: set[str] = set()
        if self._delta is None or column not in self.columns:
            return found
        for batch in scan(self._delta, columns=[column], predicate=f"_instance = {sql_text(instance)}"):
            # As text: the distinct values of a view have an empty text for null.
            values = pa.record_batch(batch).column(0).cast(pa.string()).unique().to_pylist()
            found.update(str(value) for value in values if value is not None)
        return found

    def batch_rows(self, batch_id: str) -> int:
        """How many published rows a batch has; counted, because compaction puts several batches in one file."""
        if self._delta is None:
            return 0
        found = scan(self._delta, columns=["_batch_id"], predicate=f"_batch_id = {sql_text(batch_id)}")
        return sum(pa.record_batch(batch).num_rows for batch in found)

    def local_files(self) -> list[str] | None:
        """The files of the snapshot, if the lake is on this machine."""
        return [uri.removeprefix("file://") for uri in self.delta.file_uris()] if self.location.is_local else None

    def stage(self, partition: Mapping[str, str]) -> DeltaStage:
        """Where the pages of a batch are kept until it is published; `partition` is theirs."""
        return DeltaStage(self.location, self.name, partition)

    def lost(self, staged: Sequence[StagedRows]) -> list[str]:
        """The staged files that are not there any more, or not whole: an old batch's may have been vacuumed."""
        paths = [self.location.path(f"{self.url}/{file.path}") for file in staged]
        found = self.location.file_system().get_file_info(paths) if paths else []
        return [file.path for file, info in zip(staged, found, strict=True) if info.size != file.size]

    def publish(self, instance: str, batch_id: str, sequence: int, staged: Sequence[StagedRows]) -> None:
        """Publish a batch's files in one commit, replacing what the same batch published before.

        Raises StaleCommitError when the instance has moved on: the sequence must follow the published one, or the
        published one must be this very batch's. Raises LakeError when a file is gone: delta-rs would not notice.
        """
        if lost := self.lost(staged):
            raise pages_are_gone(self.name, instance, batch_id, lost)
        # What the pages took is given back before delta-rs takes as much.
        pa.default_memory_pool().release_unused()
        # Instances share the log: whoever was second looks at what the first has made of it, and decides anew.
        with storage_errors(f"the log of bronze table {self.name}"), _commit_errors(self.name):
            for _ in range(_COMMIT_ATTEMPTS - 1):
                try:
                    return self._commit(instance, batch_id, sequence, staged)
                except CommitFailedError:
                    self._delta = self._open()
            return self._commit(instance, batch_id, sequence, staged)

    def maintain(self) -> Maintained | None:
        """Make few files of many, and remove those that nobody can see any more."""
        if not self.exists:
            return None
        with storage_errors(f"bronze table {self.name}"):
            before = len(self.delta.file_uris())
            self.delta.optimize.compact()
            removed = self.delta.vacuum(retention_hours=RETENTION_HOURS, full=True, dry_run=False)
        after = len(self.delta.file_uris())
        return Maintained(table=self.name, files_before=before, files_after=after, files_removed=len(removed))

    def _commit(self, instance: str, batch_id: str, sequence: int, staged: Sequence[StagedRows]) -> None:
        """Commit on the newest snapshot; raise CommitFailedError if it is not the newest any more."""
        table = self._create_or_evolve(sorted({column for file in staged for column in file.columns}))
        replaced = self._actions_of(batch_id)
        published = table.transaction_version(_application(instance)) or 0
        raise_if_overtaken(self.name, instance, sequence, published, is_own=bool(replaced))
        # A file that stays must not be named as removed and added by the same commit.
        old, new = {row["path"] for row in replaced}, {file.path for file in staged}
        table.create_write_transaction(
            [
                *(_remove(row) for row in replaced if row["path"] not in new),
                *(_add(file) for file in staged if file.path not in old),
            ],
            "append",
            table.schema(),
            partition_by=list(PARTITION_COLUMNS),
            commit_properties=CommitProperties(
                app_transactions=[Transaction(_application(instance), sequence)], max_commit_retries=0
            ),
        )
        table.update_incremental()
        if self.location.is_local:
            self.location.make_durable(f"{self.url}/_delta_log/{table.version():020d}.json")

    def _position_of(self, delta: DeltaTable, instance: str) -> Position:
        sequence = delta.transaction_version(_application(instance)) or 0
        if sequence == 0:
            return Position(sequence=0, watermark=None)
        paths = files_of(delta, instance, _sequence=sequence)
        for batch in read_files(self.location, self.url, paths, ["_sequence", "_watermark"]):
            for number, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if number == sequence:
                    return Position(sequence=sequence, watermark=watermark_time(text))
        raise LakeError(f"{self.name}: sequence {sequence} of instance {instance} has no rows in the lake.")

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(self.url, storage_options=self.location.storage_options or None)
        except TableNotFoundError:
            return None

    def _create_or_evolve(self, columns: Sequence[str]) -> DeltaTable:
        _raise_if_alike(self.name, [*self.columns, *columns])
        if self._delta is None:
            schema = pa.schema(
                [(name, pa.string()) for name in (*columns, *PARTITION_COLUMNS) if name not in LINEAGE.names]
            )
            self._delta = DeltaTable.create(
                self.url,
                schema=Schema.from_arrow(pa.unify_schemas([schema, LINEAGE])),
                mode="ignore",
                partition_by=list(PARTITION_COLUMNS),
                configuration=dict(_CONFIGURATION),
                storage_options=self.location.storage_options or None,
            )
        self._delta.update_incremental()
        known = {field.name for field in self._delta.schema().fields}
        added = [Field(name, PrimitiveType("string"), nullable=True) for name in columns if name not in known]
        if added:
            self._delta.alter.add_columns(added)
        return self._delta

    def _actions_of(self, batch_id: str) -> list[dict[str, Any]]:
        actions = actions_of(self.delta)
        if "min._batch_id" not in actions.column_names:
            return []
        wanted = ("path", "size_bytes", "partition._instance", "partition._month")
        rows = actions.select([*wanted, "min._batch_id", "max._batch_id"]).to_pylist()
        return [row for row in rows if row["min._batch_id"] == batch_id == row["max._batch_id"]]


def _raise_if_alike(table: str, columns: Sequence[str]) -> None:
    """Delta Lake knows no difference between upper and lower case in the names of columns."""
    alike = {one.lower(): one for one in columns}
    lost = sorted(set(columns) - set(alike.values()))
    if lost:
        raise LakeError(
            f"{table}: columns {', '.join(f'{one} and {alike[one.lower()]}' for one in lost[:5])} differ in case only, "
            "which Delta Lake cannot hold.",
            remedy="Leave one out with the object's `columns`, or keep bronze in PostgreSQL.",
        )


def _remove(row: Mapping[str, Any]) -> RemoveAction:
    return RemoveAction(
        path=row["path"],
        data_change=True,
        deletion_timestamp=int(time.time() * 1000),
        size=row["size_bytes"],
        partition_values={name: row[f"partition.{name}"] for name in PARTITION_COLUMNS},
    )


def _add(file: StagedRows) -> AddAction:
    return AddAction(
        path=file.path,
        size=file.size,
        partition_values=dict(file.partition),
        modification_time=0,
        data_change=True,
        stats=file.statistics,
    )


def _application(instance: str) -> str:
    return f"contact_sync/{instance}"


@contextmanager
def _commit_errors(name: str) -> Iterator[None]:
    """Translate a lost race or a storage failure inside delta-rs."""
    try:
        yield
    except CommitFailedError:
        raise StaleCommitError(
            f"{name}: another run committed at the same moment.",
            remedy="Nothing of this run was published; run the extraction again.",
        ) from None
    except DeltaError as error:
        reason = "no space left" if "No space left" in str(error) else "the storage refused it"
        raise StorageError(f"The log of bronze table {name} cannot be written: {reason}.") from None
