"""A PostgreSQL server for tests, and databases in it that last as long as one test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from contact_sync.simulator.postgres import PostgresServer


@contextmanager
def running_server(directory: Path) -> Iterator[PostgresServer]:
    """A server of its own, stopped and removed at the end."""
    server = PostgresServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.remove()


@contextmanager
def new_database(server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template template0 strategy file_copy")
        yield server.url(name)
        connection.execute(f"drop database {name} with (force)")
