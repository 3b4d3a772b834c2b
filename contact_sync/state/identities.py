"""The identity ledger: every key ever given, which records hold it, and each change as an event.

It outlives the warehouse: silver and gold can be rebuilt, keys cannot be invented again. Does not belong here: deciding
which key a cluster gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from contact_sync.state.database import IDENTITY_EVENT, IDENTITY_KEY, IDENTITY_MEMBER, StateDatabase

_CHUNK = 5_000
_NAMED = 500
"""Values that one statement names."""
_READ_ROWS = 50_000
_KEY_COLUMNS: Final[tuple[sa.ColumnElement[Any], ...]] = (
    IDENTITY_KEY.c.key,
    IDENTITY_KEY.c.anchor_record_key,
    IDENTITY_KEY.c.created_at.cast(sa.String).label("created_at"),
    IDENTITY_KEY.c.superseded_by,
)


class Changes(Protocol):
    """What `record` stores: the tables of identity.assign.Assignment."""

    @property
    def moved(self) -> pa.Table:
        """(record_key, key)."""

    @property
    def created(self) -> pa.Table:
        """(key, anchor_record_key)."""

    @property
    def reinstated(self) -> pa.Table:
        """(key)."""

    @property
    def superseded(self) -> pa.Table:
        """(key, superseded_by)."""

    @property
    def events(self) -> pa.Table:
        """(kind, key, other_key, record_count)."""


class IdentityLedger:
    """Reads and writes the identity tables of the operational database."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def keys(self, entity: str) -> pa.RecordBatchReader:
        """All keys of an entity, to be read to the end: (key, anchor_record_key, created_at, superseded_by)."""
        return self._read(sa.select(*_KEY_COLUMNS).where(IDENTITY_KEY.c.entity == entity))

    def members(self, entity: str) -> pa.RecordBatchReader:
        """The last key of every record ever seen, to be read to the end: (record_key, key)."""
        query = sa.select(IDENTITY_MEMBER.c.record_key, IDENTITY_MEMBER.c.key).where(IDENTITY_MEMBER.c.entity == entity)
        return self._read(query)

    def keys_about(self, entity: str, keys: Sequence[str], anchors: Sequence[str]) -> pa.Table:
        """These keys, those derived from these records, and whatever they resolve to: as `keys` has them."""
        found: dict[str, tuple[str | None, ...]] = {}
        columns = [column.name for column in _KEY_COLUMNS]
        query = sa.select(*_KEY_COLUMNS, IDENTITY_KEY.c.entity)
        # Asked for the entity as well, SQLite would go through all keys of the entity for each part of the names.
        waiting = [(IDENTITY_KEY.c.key, sorted(set(keys))), (IDENTITY_KEY.c.anchor_record_key, sorted(set(anchors)))]
        with self._database.transaction() as connection:
            while waiting:
                column, names = waiting.pop()
                rows = _rows_about(connection, query, column, names)
                new = {row[0]: tuple(row[:4]) for row in rows if row.entity == entity}
                successors = {str(row[3]) for row in new.values() if row[3] is not None}
                found |= new
                if missing := sorted(successors - found.keys()):
                    waiting.append((IDENTITY_KEY.c.key, missing))
        values = list(zip(*found.values(), strict=True)) or [()] * len(columns)
        return pa.table({name: pa.array(column, pa.string()) for name, column in zip(columns, values, strict=True)})

    def members_among(self, entity: str, record_keys: Sequence[str]) -> pa.Table:
        """The last key of those of these records that were seen before: (record_key, key)."""
        query = sa.select(IDENTITY_MEMBER.c.record_key, IDENTITY_MEMBER.c.key).where(IDENTITY_MEMBER.c.entity == entity)
        with self._database.transaction() as connection:
            rows = list(_rows_about(connection, query, IDENTITY_MEMBER.c.record_key, record_keys))
        columns = {name: [row[place] for row in rows] for place, name in enumerate(("record_key", "key"))}
        return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})

    def key_count(self, entity: str) -> int:
        """How many keys were ever given."""
        count = sa.select(sa.func.count()).select_from(IDENTITY_KEY).where(IDENTITY_KEY.c.entity == entity)
        with self._database.transaction() as connection:
            return int(connection.execute(count).scalar() or 0)

    def position(self, entity: str) -> int:
        """The number of the last event; while it stays, so do keys and members."""
        last = sa.select(IDENTITY_EVENT.c.event_id).where(IDENTITY_EVENT.c.entity == entity)
        with self._database.transaction() as connection:
            return int(connection.execute(last.order_by(IDENTITY_EVENT.c.event_id.desc()).limit(1)).scalar() or 0)

    def events(self, entity: str, keys: Sequence[str]) -> list[dict[str, Any]]:
        """What happened to these keys, in order: at, kind, key, other_key, record_count."""
        columns = [IDENTITY_EVENT.c[name] for name in ("at", "kind", "key", "other_key", "record_count")]
        about = sa.or_(IDENTITY_EVENT.c.key.in_(keys), IDENTITY_EVENT.c.other_key.in_(keys))
        query = sa.select(*columns).where(IDENTITY_EVENT.c.entity == entity, about).order_by(IDENTITY_EVENT.c.event_id)
        with self._database.transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def superseded_by(self, entity: str, key: str) -> list[dict[str, Any]]:
        """The keys that stand for this one now, directly or through others: key, anchor_record_key, created_at."""
        columns = [IDENTITY_KEY.c[name] for name in ("key", "anchor_record_key", "created_at")]
        found: list[dict[str, Any]] = []
        waiting = [key]
        with self._database.transaction() as connection:
            while waiting:
                query = sa.select(*columns).where(
                    IDENTITY_KEY.c.entity == entity, IDENTITY_KEY.c.superseded_by.in_(waiting)
                )
                rows = [dict(row) for row in connection.execute(query.order_by(IDENTITY_KEY.c.key)).mappings()]
                found += rows
                waiting = [row["key"] for row in rows]
        return found

    def members_of(self, entity: str, key: str) -> list[str]:
        """The records that hold a key, also those that are gone, in the order of their names."""
        holders = sa.select(IDENTITY_MEMBER.c.record_key).where(
            IDENTITY_MEMBER.c.entity == entity, IDENTITY_MEMBER.c.key == key
        )
        with self._database.transaction() as connection:
            return sorted(str(row.record_key) for row in connection.execute(holders))

    def anchor(self, entity: str, key: str) -> str | None:
        """The record that stands for a key: the one it was derived from, or else another that holds it."""
        derived = sa.select(IDENTITY_KEY.c.anchor_record_key).where(IDENTITY_KEY.c.key == key)
        records = self.members_of(entity, key)
        with self._database.transaction() as connection:
            anchor = connection.execute(derived).scalar()
        return anchor if anchor in records else next(iter(records), None)

    def current_key(self, entity: str, key_or_record: str) -> str | None:
        """The key in use of a key ever given, or of a record ever seen; none if it is neither."""
        member = sa.select(IDENTITY_MEMBER.c.key).where(
            IDENTITY_MEMBER.c.entity == entity, IDENTITY_MEMBER.c.record_key == key_or_record
        )
        known = sa.select(IDENTITY_KEY.c.superseded_by).where(IDENTITY_KEY.c.entity == entity)
        with self._database.transaction() as connection:
            key = connection.execute(member).scalar() or key_or_record
            while (row := connection.execute(known.where(IDENTITY_KEY.c.key == key)).first()) is not None:
                if row.superseded_by is None:
                    return str(key)
                key = row.superseded_by
        return None

    def adopt(self, entity: str, stamps: pa.Table) -> None:
        """Take in keys that target records carry but this ledger does not know: (record_key, key).

        A lost ledger gets its keys back from the stamps; nobody is given a second one.
        """
        now = datetime.now(UTC)
        with self._database.transaction() as connection:
            given = sa.select(IDENTITY_KEY.c.key)
            keys_of_stamps = stamps.column("key").to_pylist()
            known = [row.key for row in _rows_about(connection, given, IDENTITY_KEY.c.key, keys_of_stamps)]
            adopted = stamps.filter(pc.invert(pc.is_in(stamps.column("key"), value_set=pa.array(known, pa.string()))))
            keys = adopted.select(["key", "record_key"]).rename_columns(["key", "anchor_record_key"])
            _insert(connection, IDENTITY_KEY, keys, sorted_by="key", entity=entity, created_at=now)
            _move(connection, entity, adopted.select(["record_key", "key"]))
            events = adopted.select(["key"])
            told: dict[str, Any] = {"entity": entity, "kind": "adopt", "record_count": 1, "at": now}
            _insert(connection, IDENTITY_EVENT, events, sorted_by="key", **told)

    def record(self, entity: str, changes: Changes, *, at: datetime | None = None) -> None:
        """Store changes together. at: the time of their resolution, now if there is no more of it."""
        now = at or datetime.now(UTC)
        with self._database.transaction() as connection:
            _insert(connection, IDENTITY_KEY, changes.created, sorted_by="key", entity=entity, created_at=now)
            _supersede(connection, [{"old_key": row["key"], "winner": None} for row in changes.reinstated.to_pylist()])
            superseded = [
                {"old_key": row["key"], "winner": row["superseded_by"]} for row in changes.superseded.to_pylist()
            ]
            _supersede(connection, superseded)
            _hand_over(connection, entity, superseded)
            _move(connection, entity, changes.moved)
            _insert(connection, IDENTITY_EVENT, changes.events, sorted_by="key", entity=entity, at=now)

    def _read(self, query: sa.Select[Any]) -> pa.RecordBatchReader:
        """The rows of a query, all of whose columns are text."""
        schema = pa.schema([(column.name, pa.string()) for column in query.selected_columns])
        return pa.RecordBatchReader.from_batches(schema, self._batches(query, schema))

    def _batches(self, query: sa.Select[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._database.transaction() as connection:
            rows = connection.execution_options(yield_per=_READ_ROWS).execute(query)
            for chunk in rows.partitions():
                columns = [pa.array(values, pa.string()) for values in zip(*chunk, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _rows_about(
    connection: sa.Connection, query: sa.Select[Any], column: sa.Column[str], values: Sequence[Any]
) -> Iterator[sa.Row[Any]]:
    """The rows of a query whose column has one of these values."""
    for start in range(0, len(values), _NAMED):
        yield from connection.execute(query.where(column.in_(values[start : start + _NAMED])))


def _supersede(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Let each `old_key` resolve to its `winner`, or to itself again."""
    by_key = sa.update(IDENTITY_KEY).where(IDENTITY_KEY.c.key == sa.bindparam("old_key"))
    _execute(connection, by_key.values(superseded_by=sa.bindparam("winner")), rows)


def _hand_over(connection: sa.Connection, entity: str, superseded: list[dict[str, Any]]) -> None:
    """Records that are away follow their key too: when they come back, its successor is what they had."""
    by_key = sa.update(IDENTITY_MEMBER).where(
        IDENTITY_MEMBER.c.entity == entity, IDENTITY_MEMBER.c.key == sa.bindparam("old_key")
    )
    _execute(connection, by_key.values(key=sa.bindparam("winner")), superseded)


def _move(connection: sa.Connection, entity: str, moved: pa.Table) -> None:
    """Let each record hold its key (record_key, key) and no other."""
    replacing = "on conflict (entity, record_key) do update set key = excluded.key"
    _insert(connection, IDENTITY_MEMBER, moved, sorted_by="record_key", on_conflict=replacing, entity=entity)


def _insert(
    connection: sa.Connection,
    table: sa.Table,
    rows: pa.Table,
    *,
    sorted_by: str,
    on_conflict: str = "",
    **constants: Any,
) -> None:
    """Insert rows, with what is the same for all of them. on_conflict: what SQL says of those that are there.

    The driver gets them as they are: what SQLAlchemy does for each row takes longer than the database itself. In the
    order of an index they take half as long as in any other.
    """
    rows = rows.sort_by(sorted_by)
    names = [*rows.column_names, *constants]
    compiled = sa.insert(table).compile(dialect=connection.dialect, column_keys=names)
    statement = f"{compiled} {on_conflict}"
    same = [repeat(_bound(value, table.c[name], connection.dialect)) for name, value in constants.items()]
    order = [names.index(name) for name in compiled.positiontup or names]
    for start in range(0, rows.num_rows, _CHUNK):
        columns = [*(column.to_pylist() for column in rows.slice(start, _CHUNK).columns), *same]
        values = list(zip(*(columns[place] for place in order)))  # noqa: B905 -- constants are endless
        if compiled.positional:
            connection.exec_driver_sql(statement, values)
        else:
            connection.exec_driver_sql(statement, [dict(zip(names, row, strict=True)) for row in values])


def _bound(value: Any, column: sa.Column[Any], dialect: sa.Dialect) -> Any:
    """A value of a column as the driver takes it."""
    processor = column.type.dialect_impl(dialect).bind_processor(dialect)
    return processor(value) if processor else value


def _execute(connection: sa.Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _CHUNK):
        connection.execute(statement, rows[start : start + _CHUNK])
