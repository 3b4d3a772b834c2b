"""The reference: one thread downloads pages, DuckDB parses each and writes it as Parquet (zstd). No lineage, no hashes.

Run as `python reference.py URL DIRECTORY`; the least that a columnar reader written by hand could do.
"""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

RESULTS = "/services/data/v62.0/jobs/query/750Hr000000000AAAA/results"


def main(url: str, directory: Path) -> None:
    """Read the whole job."""
    database = duckdb.connect(config={"threads": 1})
    rows = 0
    for number, page in enumerate(pages(url, directory)):
        target = directory / f"{number:05d}.parquet"
        source = f"read_csv('{page}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
        (copied,) = database.execute(f"copy (from {source}) to '{target}' (format parquet, codec zstd)").fetchone()
        rows += copied
        page.unlink()
    print(rows)


def pages(url: str, directory: Path) -> Iterator[Path]:
    """Files of CSV; the next one is being fetched while one is used."""
    with ThreadPoolExecutor(max_workers=1) as background:
        coming = background.submit(download, url, directory, None)
        while coming is not None:
            path, locator = coming.result()
            coming = background.submit(download, url, directory, locator) if locator != "null" else None
            yield path


def download(url: str, directory: Path, locator: str | None) -> tuple[Path, str]:
    """Fetch one page into a file and tell where the next one starts."""
    address = f"{url}{RESULTS}" + (f"?locator={locator}" if locator else "")
    path = directory / f"page-{locator or 0}.csv"
    with urllib.request.urlopen(address) as reply, path.open("wb") as file:  # noqa: S310 -- loopback
        while chunk := reply.read(1 << 20):
            file.write(chunk)
        return path, reply.headers["Sforce-Locator"]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
