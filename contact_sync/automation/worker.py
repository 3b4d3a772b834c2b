"""The warm process of launcher.py: imports everything once, then forks a child for each run it is asked for.

It must not open connections or start threads before a fork. Started as `python -m contact_sync.automation.worker`;
reads one JSON line per run (`instance_ref`, `run_id`) and answers with one (`pid`).
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Any

_PRELOADED = ("contact_sync.definitions", "dbt.cli.main", "dbt.adapters.duckdb", "dagster._cli.api")


def serve() -> None:
    """Fork for each request until the input ends."""
    # Its threads would not survive a fork.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for module in _PRELOADED:
        importlib.import_module(module)
    # Children are reaped by the kernel; their end is seen in the event log.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become_run(json.loads(line), answers)
        answers.write(json.dumps({"pid": pid}) + "\n")
        answers.flush()


def _become_run(request: dict[str, Any], answers: Any) -> None:
    """Execute the run in this forked child and end it; never returns."""
    from dagster._cli.api import _execute_run_command_body  # noqa: PLC0415 -- imported in the parent already
    from dagster._core.instance import DagsterInstance, InstanceRef  # noqa: PLC0415 -- as above
    from dagster._serdes import deserialize_value  # noqa: PLC0415 -- as above
    from dagster._utils.interrupts import capture_interrupts  # noqa: PLC0415 -- as above

    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        answers.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
        # Answers go through a pipe that was stdout; what a run prints belongs to the log.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        reference = deserialize_value(request["instance_ref"], InstanceRef)
        with capture_interrupts(), DagsterInstance.from_ref(reference) as instance:
            status = _execute_run_command_body(request["run_id"], instance, lambda _event: None, True)  # noqa: FBT003 -- inherited
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
