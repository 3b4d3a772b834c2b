"""What a part of this process takes, start-up apart. Does not belong here: whole processes (salesforce/measured.py)."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def told() -> Iterator[None]:
    """Print the CPU and wall seconds of the block, those spent before it, and the peak memory of the process."""
    before, started = _cpu_seconds(), time.monotonic()
    yield
    figures = {
        "cpu_seconds": _cpu_seconds() - before,
        "wall_seconds": time.monotonic() - started,
        "start_up_cpu_seconds": before,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
