"""The records of one org: a SQLite file with one table per object, one writer at a time and any number of readers.

Storage only. Rules about what may be written are in records.py, about what may be asked in soql/. Booleans are 0 and 1,
dates and times ISO text in UTC, numbers with decimals the text of decimals.py, everything else is as it is; an empty
value is null, as in Salesforce.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contact_sync.simulator.salesforce.decimals import COLLATION, register, stored_decimal
from contact_sync.simulator.salesforce.ids import make_id, number_of, pod_of
from contact_sync.simulator.salesforce.objects import OBJECTS
from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.schema import (
    DECIMAL_TYPES,
    TEXT_TYPES,
    FieldSchema,
    ObjectSchema,
)

Cell = str | int | float | None


class Undo(Exception):  # noqa: N818 - an order, not an error
    """Raised inside of `Store.writing` to leave it without a trace; it goes no further."""


class Store:
    """Tables of an org. Reads see a snapshot; writes are serialised and all or nothing per `writing` block."""

    def __init__(
        self,
        path: Path,
        *,
        instance: str,
        clock: Callable[[], datetime],
        objects: Iterable[ObjectSchema] = OBJECTS.values(),
    ) -> None:
        self.schema = OrgSchema(objects, clock)
        self._path = path
        self.pod = pod_of(instance)
        self._clock = clock
        self._lock = threading.RLock()
        self._stamp = threading.local()
        self._open: list[datetime] = []
        self._writer: int | None = None
        self._written: list[str] = []
        self.write_counts: Counter[str] = Counter()
        self._numbers = {schema.name: itertools.count(1) for schema in self.schema.objects}
        self._connection = self._connect()
        self._connection.execute("pragma journal_mode = wal")
        # A simulator that loses power starts a new world; waiting for the disk would only slow it down.
        self._connection.execute("pragma synchronous = off")
        with self.writing() as connection:
            connection.execute("create table purged (object text, Id text, deleted_at text)")
            for schema in self.schema.objects:
                for statement in _table(schema):
                    connection.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        """A connection that knows how this database compares its values, as every one has to."""
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        register(connection)
        return connection

    def close(self) -> None:
        """Close the writing connection."""
        with self._lock:
            self._connection.close()

    def now(self) -> str:
        """The time that a write made now is stamped with: ISO 8601 UTC with milliseconds."""
        return timestamp(getattr(self._stamp, "moment", None) or self._clock())

    @contextmanager
    def transaction(self) -> Iterator[Callable[[Callable[[], object]], None]]:
        """A long transaction: what is given to its `commit` is stamped with when it began, and visible from then on.

        While it is open nothing from its beginning on is settled.
        """
        began = self._clock()
        self._open.append(began)

        def commit(write: Callable[[], object]) -> None:
            self._stamp.moment = began
            try:
                write()
            finally:
                self._stamp.moment = None

        try:
            yield commit
        finally:
            self._open.remove(began)

    def settled(self) -> datetime:
        """The time before which no transaction is open."""
        return min([self._clock(), *self._open])

    def put_field(self, object_name: str, field: FieldSchema) -> None:
        """Add a field to an object, with an empty column unless it is computed."""
        with self.writing() as connection:
            known = {row[1] for row in connection.execute(f'pragma table_info("{object_name}")')}
            if field.is_stored and field.name not in known:
                connection.execute(f'alter table "{object_name}" add column {_column(field)}')
            self.schema.put_field(object_name, field)

    @property
    def clock(self) -> Callable[[], datetime]:
        """Where the time of this org comes from."""
        return self._clock

    def new_ids(self, object_name: str, count: int) -> list[str]:
        """The next ids of an object; they rise in the order of their text."""
        schema = self.schema.known(object_name)
        with self._lock:
            numbers = list(itertools.islice(self._numbers[schema.name], count))
        return [make_id(schema.key_prefix, self.pod, number) for number in numbers]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees the org as it was when its first statement ran; inside `writing`, what it has done."""
        if self._writer == threading.get_ident():
            try:
                yield self._connection
            finally:
                self._connection.row_factory = None
            return
        with closing(self._connect()) as connection:
            connection.execute("begin")
            yield connection

    def keep(self, sql: str, parameters: Sequence[Cell], path: Path) -> int:
        """Write what a statement finds to a table `kept` in a database of its own; the number of rows."""
        with closing(self._connect()) as connection:
            connection.execute("attach ? as aside", (str(path),))
            connection.execute("pragma aside.journal_mode = off")
            connection.execute("pragma aside.synchronous = off")
            connection.execute(f"create table aside.kept as {sql}", parameters)
            return int(connection.execute("select count(*) from aside.kept").fetchone()[0])

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The writing connection inside a transaction; rolled back when the block raises, quietly if it is Undo.

        Inside another block of the same thread it is a part of that transaction, which can be undone on its own.
        """
        with self._lock:
            is_part = self._writer is not None
            written = len(self._written)
            self._connection.execute("savepoint part" if is_part else "begin immediate")
            self._writer = threading.get_ident()
            try:
                yield self._connection
            except BaseException as error:
                del self._written[written:]
                self._end(("rollback to part", "release part") if is_part else ("rollback",), is_part=is_part)
                if isinstance(error, Undo):
                    return
                raise
            self._end(("release part",) if is_part else ("commit",), is_part=is_part)
            if not is_part:
                self.write_counts.update(self._written)
                self._written.clear()

    def _end(self, statements: Iterable[str], *, is_part: bool) -> None:
        self._writer = self._writer if is_part else None
        for statement in statements:
            self._connection.execute(statement)

    def count_writes(self, ids: Iterable[str]) -> None:
        """Count records as written once the transaction that is open has been committed."""
        self._written.extend(ids)

    def load(self, object_name: str, columns: Mapping[str, Any]) -> int:
        """Put whole columns in as they are, ids and audit fields included; none of it counts as a write.

        Columns that are not there hold the defaults of their fields.
        """
        schema = self.schema.known(object_name)
        columns = {**{name: [value] * len(columns["Id"]) for name, value in schema.defaults.items()}, **columns}
        with self.writing() as connection:
            names = list(columns)
            rows = list(zip(*(_stored(schema, name, column) for name, column in columns.items()), strict=True))
            connection.executemany(insert_statement(object_name, names), rows)
            self._numbers[object_name] = itertools.count(max(map(number_of, columns["Id"]), default=0) + 1)
        return len(rows)

    def record(self, object_name: str, record_id: str) -> dict[str, Cell] | None:
        """All stored fields of one record, deleted or not."""
        with self.reading() as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute(f'select * from "{object_name}" where Id = ?', (record_id,)).fetchone()
        return None if found is None else dict(found)

    def records(
        self, object_name: str, where: str = "IsDeleted = 0", parameters: Iterable[Cell] = ()
    ) -> list[dict[str, Cell]]:
        """Records by a SQL condition, in the order of their ids: for tests and for the life of the population."""
        with self.reading() as connection:
            connection.row_factory = sqlite3.Row
            statement = f'select * from "{object_name}" where {where} order by Id'
            return [dict(row) for row in connection.execute(statement, tuple(parameters))]

    def nth(self, object_name: str, position: int, where: str = "IsDeleted = 0") -> dict[str, Cell] | None:
        """The record at a position in the order of ids, counted from 0, of those that satisfy a SQL condition."""
        with self.reading() as connection:
            connection.row_factory = sqlite3.Row
            statement = f'select * from "{object_name}" where {where} order by Id limit 1 offset ?'
            row = connection.execute(statement, (position,)).fetchone()
        return None if row is None else dict(row)

    def count(self, object_name: str, where: str = "IsDeleted = 0", parameters: Iterable[Cell] = ()) -> int:
        """How many records satisfy a SQL condition."""
        with self.reading() as connection:
            statement = f'select count(*) from "{object_name}" where {where}'
            return int(connection.execute(statement, tuple(parameters)).fetchone()[0])


def timestamp(moment: datetime) -> str:
    """`2024-07-24T14:05:58.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def insert_statement(object_name: str, names: Sequence[str]) -> str:
    """SQL that inserts these columns of one row."""
    columns = ", ".join(f'"{name}"' for name in names)
    return f'insert into "{object_name}" ({columns}) values ({", ".join("?" * len(names))})'


def _stored(schema: ObjectSchema, name: str, column: Iterable[Cell]) -> Iterable[Cell]:
    field = schema.find(name)
    return map(stored_decimal, column) if field is not None and field.type in DECIMAL_TYPES else column


def _table(schema: ObjectSchema) -> Iterator[str]:
    columns = ", ".join(_column(field) for field in schema.stored)
    yield f'create table "{schema.name}" ({columns}) without rowid'
    if schema.find("SystemModstamp"):
        yield f'create index "{schema.name}_SystemModstamp" on "{schema.name}" (SystemModstamp)'
    for field in schema.external_ids.values():
        # A record in the recycle bin does not hold its unique value any more.
        yield (
            f'create unique index "{schema.name}_{field.name}" on "{schema.name}" ("{field.name}") '
            f'where "{field.name}" is not null and IsDeleted = 0'
        )


def _column(field: FieldSchema) -> str:
    if field.type == "id":
        return f'"{field.name}" text not null primary key'
    if field.type == "boolean":
        return f'"{field.name}" integer not null default 0'
    if field.type == "int":
        return f'"{field.name}" integer'
    if field.type in DECIMAL_TYPES:
        return f'"{field.name}" text collate {COLLATION}'
    # Text compares without case in SOQL; ids, dates and case-sensitive external ids do not.
    case = " collate nocase" if field.type in TEXT_TYPES and not (field.external_id and field.case_sensitive) else ""
    return f'"{field.name}" text{case}'
