"""Figures as a Markdown page: printed, and written where the results lie. Does not belong here: measuring."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def write(path: Path, title: str, remarks: list[str], rows: list[dict[str, Any]]) -> None:
    """One row a measurement, all of them with the same columns; the first remark ends with where it was measured."""
    names = list(rows[0])
    taken = f"{datetime.now(UTC).date()}, {os.cpu_count()} cores, Python {platform.python_version()}."
    lines = [f"# {title}", "", f"{remarks[0]}, {taken}"]
    for remark in remarks[1:]:
        lines += ["", remark]
    lines += ["", "| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]
    sys.stdout.write("\n".join(lines) + "\n")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
