"""`python -m contact_sync.simulator --home DIR`: a world in a process of its own. All work is done in serve.py."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from contact_sync.simulator.errors import SimulatorError
from contact_sync.simulator.serve import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and serve; 1 when the world could not be started."""
    parser = argparse.ArgumentParser(
        prog="python -m contact_sync.simulator", description="Run simulated source systems."
    )
    parser.add_argument("--home", type=Path, required=True, help="directory for the files of the simulated systems")
    parser.add_argument("--ready", type=Path, help="file to write when all systems answer: settings, control, pid")
    parser.add_argument("--seed", type=int, default=7, help="which population (default: 7)")
    parser.add_argument("--contacts", type=int, default=20_000, help="contacts of the main org (default: 20000)")
    parser.add_argument("--accounts", type=int, default=4_000, help="accounts of the main org (default: 4000)")
    parser.add_argument("--rate", type=float, help="events per minute (default: paused)")
    parser.add_argument("--parent", type=int, metavar="PID", help="end when this process ends")
    options = vars(parser.parse_args(arguments))
    try:
        serve(**options)
    except SimulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
