"""The database of a crashed simulator that outlived it is stopped by the next start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from contact_sync.simulator.postgres import stop_leftover

LISTENS = "import signal, time; signal.signal(signal.SIGQUIT, signal.SIG_DFL); print(flush=True); time.sleep(600)"
"""Ends when it is told to, also where these tests were started in the background, whose children ignore that."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory of a server."""
    return tmp_path


def test_a_server_of_this_directory_is_stopped(directory: Path) -> None:
    """The process that the pid file names is ended when its command line names the directory."""
    command = [sys.executable, "-c", LISTENS, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (directory / "postmaster.pid").write_text(f"{process.pid}\n")

        assert stop_leftover(directory)
        assert not psutil.pid_exists(process.pid)


def test_an_unrelated_process_is_left_alone(directory: Path) -> None:
    """A process that got the same number since is not touched."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        (directory / "postmaster.pid").write_text(f"{process.pid}\n")
        try:
            assert not stop_leftover(directory)
            assert process.poll() is None
        finally:
            process.kill()


def test_nothing_to_stop(directory: Path) -> None:
    """A directory without a server is fine."""
    assert not stop_leftover(directory)
