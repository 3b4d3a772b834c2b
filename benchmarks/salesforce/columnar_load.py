"""The floor: Parquet to CSV by pyarrow, one PUT for each 100 MB, poll, and the three result files parsed and counted.

Run as `python columnar_load.py URL ROWS.parquet`. No value becomes one of Python's, no row is told from another,
nothing is checked or kept.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from ingest_client import KEY, load

FILE_BYTES = 100_000_000


def files(path: Path) -> Iterator[IO[bytes]]:
    """CSV files of at most 100 MB."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- its reader closes it
    for batch in pq.ParquetFile(path).iter_batches(50_000, use_threads=False):
        if file.tell() > FILE_BYTES - 10_000_000:
            yield file
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- its reader closes it
        options = pa_csv.WriteOptions(include_header=file.tell() == 0, quoting_style="all_valid")
        pa_csv.write_csv(pa.Table.from_batches([batch]), file, options)
    yield file


def count(results: dict[str, Any]) -> Counter[str]:
    """How many rows each result file has."""
    return Counter({name: rows_of(fetch()) for name, fetch in results.items()})


def rows_of(reply: IO[bytes]) -> int:
    """How many rows a reply has, by way of a file."""
    options = pa_csv.ConvertOptions(include_columns=[KEY])
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    with tempfile.TemporaryFile() as file:
        while part := reply.read(1 << 18):
            file.write(part)
        file.seek(0)
        # With threads, pyarrow aborts now and then when the process ends.
        read = pa_csv.ReadOptions(use_threads=False)
        return pa_csv.read_csv(file, read_options=read, parse_options=parse, convert_options=options).num_rows


if __name__ == "__main__":
    load(sys.argv[1], files(Path(sys.argv[2])), count)
