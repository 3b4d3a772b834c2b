"""A PostgreSQL server for tests, and databases in it that last as long as one test."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from contact_sync.simulator.postgres import PostgresServer


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A server of its own, stopped and removed at the end."""
    # Not among pytest's directories: another run of it may remove those, and its server is another user's.
    with tempfile.TemporaryDirectory(prefix="contact-sync-postgres-") as directory:
        Path(directory).chmod(0o755)
        server = PostgresServer(Path(directory) / "server")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def new_database(server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template template0 strategy file_copy")
        yield server.url(name)
        connection.execute(f"drop database {name} with (force)")
