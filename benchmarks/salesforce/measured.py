"""Runs a command and writes what its process tree took: `python measured.py FIGURES COMMAND...`.

A process of its own, because the peak memory of a process begins with that of the one it was started by.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Run, wait, and write."""
    started = time.monotonic()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(child, 0)
    figures = {
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "wall_seconds": time.monotonic() - started,
        "peak_rss_mb": usage.ru_maxrss // 1024,
    }
    Path(sys.argv[1]).write_text(json.dumps(figures))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
