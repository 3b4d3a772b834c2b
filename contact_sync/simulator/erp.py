"""The ERP: a real PostgreSQL server on 127.0.0.1 with the schema `erp`, loaded by COPY, and gone when its owner is.

What the rows hold is made in population/erp.py. The server listens on TCP only: a socket's path could be too long.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from contact_sync.simulator.postgres import PostgresServer

ROLE = "erp_reader"
DATABASE = "erp"

_AUDIT = "created_at timestamptz not null, updated_at timestamptz not null"
_ADDRESS = "street text, city text, state text, postal_code text, country text"
_TABLES: tuple[LiteralString, ...] = (
    "create schema erp",
    f"""
    create table erp.customer (
        customer_number text primary key, name text not null, vat_number text, phone text, website text, {_ADDRESS},
        credit_limit numeric(18, 2), payment_terms text, is_blocked boolean not null, {_AUDIT}
    )
    """,
    f"""
    create table erp.contact (
        contact_number bigint primary key, customer_number text references erp.customer, first_name text,
        last_name text, email text, phone text, mobile_phone text, job_title text, {_ADDRESS},
        is_active boolean not null, {_AUDIT}
    )
    """,
    f"""
    create table erp."order" (
        order_number text primary key, customer_number text references erp.customer, ordered_at timestamptz not null,
        amount numeric(18, 2) not null, currency text not null, status text not null, {_AUDIT}
    )
    """,
)
_INDEXES: tuple[LiteralString, ...] = (
    "create index customer_updated_at on erp.customer (updated_at, customer_number)",
    "create index contact_updated_at on erp.contact (updated_at, contact_number)",
    'create index order_updated_at on erp."order" (updated_at, order_number)',
)
_GRANTS: tuple[LiteralString, ...] = (
    "grant usage on schema erp to {role}",
    "grant select, insert, update, delete on all tables in schema erp to {role}",
)


class Erp:
    """A running ERP database. `url` is for clients; `connect` is the simulator's own way in, as superuser."""

    def __init__(self, directory: Path, *, password: str | None = None) -> None:
        self._password = password or secrets.token_urlsafe(24)
        self._server = PostgresServer(directory)

    @property
    def url(self) -> str:
        """`postgresql://ROLE:PASSWORD@127.0.0.1:PORT/erp`."""
        return f"postgresql://{ROLE}:{self._password}@127.0.0.1:{self._server.port}/{DATABASE}"

    def start(self, tables: Mapping[str, Mapping[str, Sequence[object]]]) -> None:
        """Start the server and load the tables `customer`, `contact` and `order`."""
        self._server.start()
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            role, password = sql.Identifier(ROLE), sql.Literal(self._password)
            connection.execute(sql.SQL("create role {} login password {}").format(role, password))
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
        with self.connect() as connection:
            for statement in _TABLES:
                connection.execute(statement)
            for name in ("customer", "contact", "order"):
                _copy(connection, name, tables[name])
            for statement in (*_INDEXES, "analyze"):
                connection.execute(statement)
            for grant in _GRANTS:
                connection.execute(sql.SQL(grant).format(role=sql.Identifier(ROLE)))

    @contextlib.contextmanager
    def connect(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A connection that commits when the block ends well; the session time zone is UTC."""
        with psycopg.connect(self._server.url(DATABASE), options="-c timezone=UTC") as connection:
            yield connection

    def outage(self, is_down: bool) -> None:  # noqa: FBT001 - reads as a switch: outage(True)
        """Stop the database, or start it again with its rows on the same port."""
        if is_down:
            self._server.stop()
        elif not self._server.is_running:
            self._server.start()

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._server.stop()
        self._server.remove()


def _copy(
    connection: psycopg.Connection[tuple[object, ...]], name: str, columns: Mapping[str, Sequence[object]]
) -> None:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier("erp", name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row(row)
