"""The port of bronze: what a table of it promises, wherever its rows are kept, and its vocabulary.

Every implementation is append-only, publishes a batch in one commit together with its watermark, and refuses whoever
does not follow the newest publication of an instance. Those refusals are here, in the same words for all. Does not
belong here: any way to keep rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import pyarrow as pa

from contact_sync.arrow_values import MOMENT
from contact_sync.errors import LakeError, StaleCommitError

_LINEAGE_TYPES: Final[dict[str, pa.DataType]] = {
    "_batch_id": pa.string(),
    "_sequence": pa.int64(),
    "_extracted_at": MOMENT,
    "_partition_date": pa.date32(),
    "_record_id": pa.string(),
    "_version_at": MOMENT,
    "_is_deleted": pa.bool_(),
    "_row_hash": pa.string(),
    "_window_start": MOMENT,
    "_window_end": MOMENT,
    "_watermark": pa.string(),
}
LINEAGE: Final = pa.schema(_LINEAGE_TYPES)
"""The lineage columns of each row; the partition columns `_instance` and `_month` are those of its batch."""
PARTITION_COLUMNS: Final = ("_instance", "_month")
STATISTICS_COLUMNS: Final = ("_batch_id", "_sequence", "_extracted_at", "_version_at")
"""The columns that rows are looked for by; others must not be in logs or statistics, for they may be personal."""


@dataclass(frozen=True, kw_only=True)
class StagedRows:
    """The new rows of one page, kept but not published yet. `path` names them within the table.

    size: bytes, where they are a file. statistics: JSON of Delta's, likewise.
    """

    path: str
    row_count: int
    columns: tuple[str, ...]
    partition: Mapping[str, str]
    size: int = 0
    statistics: str = ""


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far an instance has been published: its fencing sequence (0: nothing yet) and saved watermark."""

    sequence: int
    watermark: datetime | None


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What was done to a table."""

    table: str
    files_before: int
    files_after: int
    files_removed: int


class Stage(Protocol):
    """Takes the pages of one batch."""

    def write(self, rows: pa.Table, *, file_name: str) -> StagedRows:
        """Keep one page durably, invisible to readers, and describe it for the commit.

        rows: source columns (text) and the LINEAGE columns, without the partition columns.
        """


class BronzeTable(Protocol):
    """One bronze table, opened once; every method sees the snapshot of the last `refresh`."""

    @property
    def name(self) -> str:
        """The object it holds."""

    @property
    def exists(self) -> bool:
        """Whether anything was ever published."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, lineage and partition columns included; none before the first publication."""

    def refresh(self) -> None:
        """See what has been published since."""

    def position(self, instance: str) -> Position:
        """Sequence and watermark of an instance, as one snapshot holds them."""

    def sequences(self) -> dict[str, int]:
        """instance -> newest published sequence."""

    def known_versions(self, instance: str, since: datetime | None) -> Iterable[pa.RecordBatch]:
        """(_record_id, _version_at, _row_hash) of what bronze holds of an instance, at least from a source time on."""

    def scan(self, instance: str, columns: Sequence[str]) -> pa.RecordBatchReader:
        """Stream these columns of all rows of an instance."""

    def scan_after(self, instance: str, sequence: int) -> pa.RecordBatchReader:
        """Stream all columns of what an instance published after a sequence."""

    def distinct(self, column: str, instance: str) -> set[str]:
        """The distinct values of one text column of an instance, for example the files already read."""

    def batch_rows(self, batch_id: str) -> int:
        """How many published rows a batch has."""

    def local_files(self) -> list[str] | None:
        """The Parquet files of the snapshot, where an engine can read them in place; None if it cannot."""

    def stage(self, partition: Mapping[str, str]) -> Stage:
        """Where the pages of a batch are kept until it is published; `partition` is theirs."""

    def lost(self, staged: Sequence[StagedRows]) -> list[str]:
        """The paths of the staged pages that are not there any more, or not whole."""

    def publish(self, instance: str, batch_id: str, sequence: int, staged: Sequence[StagedRows]) -> None:
        """Publish a batch's pages in one commit, replacing what the same batch published before.

        Raises StaleCommitError when the instance has moved on: the sequence must follow the published one, or the
        published one must be this very batch's. Raises LakeError when a staged page is gone.
        """

    def maintain(self) -> Maintained | None:
        """Daily care; None if there was nothing to take care of."""


class OpenTable(Protocol):
    """Opens the bronze table of an object."""

    def __call__(self, name: str) -> BronzeTable:
        """The table as it is now."""


def watermark_time(text: str | None) -> datetime | None:
    """The time in a watermark as it is kept, JSON text; None if it has none."""
    value = json.loads(text or "{}").get("time")
    return datetime.fromisoformat(value) if value else None


def raise_if_overtaken(name: str, instance: str, sequence: int, published: int, *, is_own: bool) -> None:
    """StaleCommitError unless a sequence follows the published one, or is the published one of this very batch."""
    if published + 1 != sequence and not (is_own and published == sequence):
        raise StaleCommitError(
            f"{name}, instance {instance}: another run published sequence {published} in the meantime.",
            remedy="Nothing of this run was published; run the extraction again.",
        )


def pages_are_gone(name: str, instance: str, batch_id: str, lost: Sequence[str]) -> LakeError:
    """The error of a batch whose staged pages are not there any more."""
    return LakeError(
        f"{name}, instance {instance}: {len(lost)} staged pages of batch {batch_id} are gone.",
        remedy="Nothing was published; run the extraction again.",
    )
