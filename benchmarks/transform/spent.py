"""What a part of this process takes, start-up apart. Does not belong here: whole processes (salesforce/measured.py)."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_RESET_PEAK: Final = "5"
"""https://docs.kernel.org/filesystems/proc.html, on clear_refs."""


def forget_peak() -> None:
    """The peak memory of this process begins anew."""
    Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


@contextmanager
def told() -> Iterator[None]:
    """Print the CPU and wall seconds of the block, those spent before it, and the peak memory of the process."""
    before, started = _cpu_seconds(), time.monotonic()
    yield
    figures = {
        "cpu_seconds": _cpu_seconds() - before,
        "wall_seconds": time.monotonic() - started,
        "start_up_cpu_seconds": before,
        "peak_rss_mb": _peak_rss_mb(),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_rss_mb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024
