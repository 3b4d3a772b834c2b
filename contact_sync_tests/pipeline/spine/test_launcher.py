"""Runs are launched by forking a warm process; their health is seen, and they can be stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus

from contact_sync.automation.launcher import PROCESS_TAG, WarmRunLauncher

CONFIGURATION = """\
telemetry: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
run_launcher: {module: contact_sync.automation.launcher, class: WarmRunLauncher}
"""
JOBS = """\
import os
import threading
from pathlib import Path

import dagster as dg


@dg.op
def leave_a_trace() -> None:
    Path(__file__).with_name("trace").write_text(f"{os.getpid()} {os.getppid()}")


@dg.op
def wait_for_ever() -> None:
    Path(__file__).with_name("waiting").touch()
    threading.Event().wait()


@dg.job(executor_def=dg.in_process_executor)
def quick():
    leave_a_trace()


@dg.job(executor_def=dg.in_process_executor)
def endless():
    wait_for_ever()


@dg.repository
def jobs():
    return [quick, endless]
"""
SECONDS = 60.0


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance whose runs start from a warm process."""
    (tmp_path / "dagster.yaml").write_text(CONFIGURATION)
    (tmp_path / "jobs.py").write_text(JOBS)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def make_run(instance: dg.DagsterInstance, directory: Path, name: str, **tags: str) -> dg.DagsterRun:
    """A run of one of the jobs, not started yet."""
    pointer = FileCodePointer(str(directory / "jobs.py"), "jobs", working_directory=str(directory))
    job = ReconstructableJob(repository=ReconstructableRepository(pointer), job_name=name)
    run: dg.DagsterRun = instance.create_run_for_job(
        job.get_definition(), status=dg.DagsterRunStatus.STARTING, tags=tags, job_code_origin=job.get_python_origin()
    )
    return run


def launch(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    """Launch a run; its process id."""
    instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
    return int(json.loads(known(instance, run).tags[PROCESS_TAG])["pid"])


def known(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    """The run as it is now."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def ended(process_id: int) -> None:
    """Wait until a process is gone."""
    try:
        psutil.Process(process_id).wait(SECONDS)
    except psutil.NoSuchProcess:
        return


def exists(path: Path) -> None:
    """Wait until a file is there."""
    for _ in range(int(SECONDS * 20)):
        if path.exists():
            return
        threading.Event().wait(0.05)
    pytest.fail(f"{path.name} did not appear")


def test_a_run_is_a_fork_of_the_warm_process(warm: dg.DagsterInstance, tmp_path: Path) -> None:
    """Runs succeed in children of one process, a running one can be stopped, and that process ends with us."""
    first, second = (make_run(warm, tmp_path, "quick") for _ in range(2))
    parents = set()
    for run in (first, second):
        process_id = launch(warm, run)
        exists(tmp_path / "trace")
        ended(process_id)
        child, asked = (tmp_path / "trace").read_text().split()
        (tmp_path / "trace").unlink()
        assert str(process_id) == child
        parents.add(int(asked))
        assert dg.DagsterRunStatus.SUCCESS is known(warm, run).status
        assert WorkerStatus.FAILED is warm.run_launcher.check_run_worker_health(known(warm, run)).status
        assert not warm.run_launcher.terminate(run.run_id)
    (parent,) = parents
    assert os.getpid() == psutil.Process(parent).ppid()

    endless = make_run(warm, tmp_path, "endless")
    process_id = launch(warm, endless)
    exists(tmp_path / "waiting")
    assert WorkerStatus.RUNNING is warm.run_launcher.check_run_worker_health(known(warm, endless)).status
    assert warm.run_launcher.terminate(endless.run_id)
    ended(process_id)
    assert dg.DagsterRunStatus.CANCELED is known(warm, endless).status

    warm.run_launcher.dispose()
    assert not psutil.pid_exists(parent)


def test_a_run_whose_process_is_gone_is_unhealthy(warm: dg.DagsterInstance, tmp_path: Path) -> None:
    """Killed is failed, a process number that is somebody else's now is failed, and no number is unknown."""
    # A shell that starts the tests in the background has SIGINT ignored, by all that they start as well.
    waits = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); print(flush=True); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", waits], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
    started = psutil.Process(process.pid).create_time()
    tag = json.dumps({"pid": process.pid, "started": started})
    reused = json.dumps({"pid": process.pid, "started": started - 100})
    alive, other, none = (
        make_run(warm, tmp_path, "endless", **tags) for tags in ({PROCESS_TAG: tag}, {PROCESS_TAG: reused}, {})
    )

    def health(run: dg.DagsterRun) -> WorkerStatus:
        return warm.run_launcher.check_run_worker_health(run).status

    assert isinstance(warm.run_launcher, WarmRunLauncher)
    assert warm.run_launcher.supports_check_run_worker_health
    assert [WorkerStatus.RUNNING, WorkerStatus.FAILED, WorkerStatus.UNKNOWN] == [
        health(run) for run in (alive, other, none)
    ]
    assert not warm.run_launcher.terminate(other.run_id)
    assert dg.DagsterRunStatus.CANCELED is known(warm, other).status
    assert warm.run_launcher.terminate(alive.run_id)
    assert -signal.SIGINT == process.wait(SECONDS)
    assert WorkerStatus.FAILED is health(alive)
