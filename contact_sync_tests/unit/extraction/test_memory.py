"""How much memory an extraction takes; rows are generated, so that only the extraction's own memory is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 1_000_000
GROWTH_LIMIT_MB = 300

PROGRAM = """
import sys
from datetime import timedelta
from pathlib import Path
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from contact_sync.connectors.base import Page
from contact_sync.extraction.report import peak_rss_mb
from contact_sync.extraction.select import Days
from contact_sync_tests.unit.extraction.memory_source import NOON, Bench, MemorySource, record

class Generated(MemorySource):
    def read(self, item, selection, *, resume=None):
        page_rows, rows = 50_000, int(sys.argv[2])
        for number in range(rows // page_rows):
            keys = pa.array(np.arange(number * page_rows, (number + 1) * page_rows)).cast(pa.string())
            times = pa.array([(NOON - timedelta(hours=1)).isoformat()] * page_rows)
            text = pc.binary_join_element_wise(keys, "a value of some length", " ")
            table = pa.table({"Id": keys, "ModifiedAt": times, **{f"column_{one}": text for one in range(20)}})
            done = (number + 1) * page_rows
            yield Page(rows=table, number=number + 1, declared_rows=page_rows, declared_total=rows,
                       checkpoint={"rows": done} if done < rows else None, byte_count=table.nbytes)

bench = Bench(Path(sys.argv[1]))
warm = MemorySource()
warm.put(record("warm", NOON - timedelta(hours=2)))
bench.run(warm, instance="warm")
before = peak_rss_mb()
first = bench.run(Generated())
growth = first.peak_rss_mb - before
everything = Days(first=NOON.date(), last=NOON.date() + timedelta(days=1), is_first_partition=True)
second = bench.run(Generated(), days=everything)
print(first.rows_new, second.rows_new, growth, second.peak_rss_mb - before)
"""


@pytest.mark.deep
@pytest.mark.timeout(600)
def test_memory_is_bounded(tmp_path: Path, repository: Path) -> None:
    """A million rows of 22 columns, and again the same million as known ones, stay below the limit."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(ROWS)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )

    new, new_again, growth, growth_again = map(int, done.stdout.split())

    assert (ROWS, 0) == (new, new_again)
    assert max(growth, growth_again) < GROWTH_LIMIT_MB, (growth, growth_again)
