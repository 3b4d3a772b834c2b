"""The reference: a client by hand with the standard library, which knows afterwards what became of each row.

Run as `python raw_load.py URL ROWS.csv`: the file is sent in parts of 500,000 rows, and the three result files are read
by key. Nothing is checked before, and a crash forgets everything.
"""

from __future__ import annotations

import csv
import io
import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ingest_client import KEY, load

ROWS_PER_JOB = 500_000


def files(path: Path) -> Iterator[IO[bytes]]:
    """Parts of the file, each with its header; no value of the benchmark has a line break."""
    with path.open("rb") as rows:
        header = rows.readline()
        while first := rows.readline():
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- its reader closes it
            file.write(header + first)
            file.writelines(itertools.islice(rows, ROWS_PER_JOB - 1))
            yield file


def count(results: dict[str, Any]) -> Counter[str]:
    """What became of each row, by key, and from that how many there are; every cell is parsed."""
    outcomes: dict[str, str] = {}
    for name, fetch in results.items():
        with io.TextIOWrapper(fetch(), encoding="utf-8", newline="") as text:
            rows = csv.reader(text)
            key = next(rows).index(KEY)
            outcomes |= dict.fromkeys([row[key] for row in rows], name)
    return Counter(outcomes.values())


if __name__ == "__main__":
    load(sys.argv[1], files(Path(sys.argv[2])), count)
