"""A bench of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contact_sync_tests.unit.extraction.memory_source import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An extractor with an empty lake."""
    with closing(Bench(tmp_path)) as bench:
        yield bench
