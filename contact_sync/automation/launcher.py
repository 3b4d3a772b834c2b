"""Launches runs by forking a process that has everything imported, which saves seconds at the start of each run.

For one machine; a cluster uses Dagster's own launchers. The warm process is started with the first run, ends with the
process that launched it, and is replaced when the package's code has changed. Does not belong here: what the forked
process does (worker.py), and anything that makes importing this module slow, since the daemon and the UI load it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import psutil
from dagster import DagsterInstance
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass, serialize_value
from dagster._serdes.config_class import ConfigurableClassData

PROCESS_TAG: Final = "contact_sync/process"
_PACKAGE: Final = Path(__file__).parent.parent


class WarmRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """Named in dagster.yaml as `run_launcher`."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._warm: _WarmProcess | None = None
        self._one_at_a_time = threading.Lock()
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Dagster

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """How dagster.yaml describes this launcher."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """No configuration."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003 -- inherited
        """Make the launcher from dagster.yaml."""
        return cls(inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Fork a process for the run and note its pid on it."""
        run = context.dagster_run
        with self._one_at_a_time:
            if self._warm is None or not self._warm.is_usable():
                if self._warm is not None:
                    self._warm.end()
                self._warm = _WarmProcess()
            process = self._warm.fork(self._instance, run.run_id)
        self._instance.add_run_tags(run.run_id, {PROCESS_TAG: json.dumps(process)})

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run's process; False if it has ended."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        process = _process_of(run.tags)
        if process is None:
            self._instance.report_run_canceled(run, message="The run's process had ended already.")
            return False
        process.send_signal(signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """A run whose process is gone is found by run monitoring."""
        return True

    def check_run_worker_health(self, run: Any) -> CheckRunHealthResult:
        """Whether the run's process is alive."""
        if PROCESS_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN)
        if _process_of(run.tags) is None:
            return CheckRunHealthResult(WorkerStatus.FAILED, "The run's process has ended without saying so.")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def dispose(self) -> None:
        """End the warm process; runs under way go on."""
        if self._warm is not None:
            self._warm.end()
            self._warm = None


class _WarmProcess:
    """The process that is forked, spoken to by one line of JSON in each direction per run."""

    def __init__(self) -> None:
        self._code_as_of = _newest_code()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "contact_sync.automation.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def is_usable(self) -> bool:
        """Whether it runs, and with the code that lies on disk."""
        return self._process.poll() is None and self._code_as_of == _newest_code()

    def fork(self, instance: DagsterInstance, run_id: str) -> dict[str, Any]:
        """Start a run; returns pid and start time of its process."""
        request = {"instance_ref": serialize_value(instance.get_ref()), "run_id": run_id}
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            message = "the warm process has no pipes"
            raise RuntimeError(message)
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            message = "the warm process for runs has ended; see the log of the daemon"
            raise RuntimeError(message)
        pid = int(json.loads(answer)["pid"])
        return {"pid": pid, "started": _started(pid)}

    def end(self) -> None:
        """Close its input, which ends it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _newest_code() -> float:
    return max(path.stat().st_mtime for path in _PACKAGE.rglob("*.py"))


def _started(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _process_of(tags: Mapping[str, str]) -> psutil.Process | None:
    """The run's process, unless it has ended and its number is somebody else's."""
    if PROCESS_TAG not in tags:
        return None
    noted = json.loads(tags[PROCESS_TAG])
    try:
        process = psutil.Process(noted["pid"])
        is_same = abs(process.create_time() - noted["started"]) < 1
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None
