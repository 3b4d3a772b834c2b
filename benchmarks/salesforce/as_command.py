"""Runs `our_load` as the command runs its verbs: `python as_command.py URL PLAN.parquet STATE.sqlite`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from contact_sync.cli.start import loaded

if __name__ == "__main__":
    loaded(lambda: import_module("our_load")).main(sys.argv[1], *map(Path, sys.argv[2:]))
