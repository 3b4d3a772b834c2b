"""Writing records: insert, update, upsert and delete with the row rules and row errors of Salesforce.

REST and Bulk ingest both write through this module, and so does the life of the population. Rows are handled in chunks
of 200 like in Salesforce: one chunk has one time stamp and one transaction; a bad row never spoils its neighbours.
In a row an absent field stays as it is, None clears it. `Parent.External_Id__c` names a parent by its external id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from contact_sync.simulator.salesforce.drafts import Draft, Row
from contact_sync.simulator.salesforce.duplicate_rule import OBJECT, check_duplicates
from contact_sync.simulator.salesforce.person_writes import PersonAccounts
from contact_sync.simulator.salesforce.queues import check_owners
from contact_sync.simulator.salesforce.record_chunk import Chunk
from contact_sync.simulator.salesforce.record_types import check_record_types
from contact_sync.simulator.salesforce.row_locks import LockOwner, RowLocks, locked
from contact_sync.simulator.salesforce.row_refusals import RowRefusals
from contact_sync.simulator.salesforce.store import Store
from contact_sync.simulator.salesforce.validation_rules import ValidationRule
from contact_sync.simulator.salesforce.values import RowError

CHUNK = 200
_Sent = TypeVar("_Sent")


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one row; the same position as the row that was sent."""

    id: str | None
    created: bool = False
    error: RowError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How the integration user writes by the API; the population's own writes know none of it.

    may_save_duplicates: whether the duplicate rule is passed. owner: who locks the records. keeps_locks: whether they
    stay locked until who wrote releases them.
    """

    may_save_duplicates: bool = False
    owner: LockOwner = field(default_factory=LockOwner)
    keeps_locks: bool = False


class RecordWriter:
    """Writes rows into a store on behalf of a user."""

    def __init__(
        self,
        store: Store,
        *,
        duplicate_rule: bool = False,
        validation_rules: Sequence[ValidationRule] = (),
        refusals: RowRefusals | None = None,
    ) -> None:
        self._store = store
        self._duplicate_rule = duplicate_rule
        self._rules = validation_rules
        self._refusals = refusals or RowRefusals()
        self.locks = RowLocks()

    def insert(
        self, object_name: str, rows: Sequence[Row], *, user_id: str, options: WriteOptions | None = None
    ) -> list[Saved]:
        """Create records; a row that names an Id is refused."""
        return self._each(rows, options, lambda chunk: self._write(object_name, chunk, None, user_id, options))

    def update(
        self, object_name: str, rows: Sequence[Row], *, user_id: str, options: WriteOptions | None = None
    ) -> list[Saved]:
        """Change records by their `Id`."""
        return self._each(rows, options, lambda chunk: self._write(object_name, chunk, "Id", user_id, options))

    def upsert(
        self, object_name: str, key: str, rows: Sequence[Row], *, user_id: str, options: WriteOptions | None = None
    ) -> list[Saved]:
        """Create or change records by an external id."""
        return self._each(rows, options, lambda chunk: self._write(object_name, chunk, key, user_id, options))

    def delete(
        self, object_name: str, ids: Sequence[str], *, user_id: str, options: WriteOptions | None = None
    ) -> list[Saved]:
        """Move records to the recycle bin."""
        return self._each(ids, options, lambda chunk: self._delete(object_name, chunk, user_id, options))

    def undelete(self, object_name: str, record_id: str) -> None:
        """Take a record out of the recycle bin again."""
        with self._store.writing() as connection:
            statement = f'update "{object_name}" set IsDeleted = 0, SystemModstamp = ? where Id = ?'
            connection.execute(statement, (self._store.now(), record_id))
            PersonAccounts(self._store, connection).follow(object_name, [record_id])

    def hard_delete(self, object_name: str, record_id: str) -> None:
        """Remove a record without a trace in the recycle bin; getDeleted remembers it."""
        with self._store.writing() as connection:
            for name, one in list(PersonAccounts(self._store, connection).halves(object_name, record_id)):
                connection.execute(f'delete from "{name}" where Id = ?', (one,))
                connection.execute("insert into purged values (?, ?, ?)", (name, one, self._store.now()))

    def merge(
        self, object_name: str, master_id: str, loser_id: str, *, user_id: str, values: Row | None = None
    ) -> Saved:
        """Merge two records: the loser is deleted and names its master, whose children its own become.

        The master keeps what it holds, blanks too, but for `values`. A unique value that the loser holds cannot be one
        of them: it is refused, and nothing is merged, until it is cleared on the loser.
        """
        if values:
            (saved,) = self.update(object_name, [{"Id": master_id, **values}], user_id=user_id)
            if saved.error is not None:
                return saved
        with self._store.writing() as connection:
            now = self._store.now()
            PersonAccounts(self._store, connection).check_merge(object_name, [master_id, loser_id])
            connection.execute(
                f'update "{object_name}" set IsDeleted = 1, MasterRecordId = ?, SystemModstamp = ? where Id = ?',
                (master_id, now, loser_id),
            )
            for schema in self._store.schema.objects:
                for field in schema.stored:
                    if object_name in field.targets and field.name != "MasterRecordId":
                        connection.execute(
                            f'update "{schema.name}" set "{field.name}" = ?, SystemModstamp = ?, LastModifiedDate = ?, '
                            f'LastModifiedById = ? where "{field.name}" = ?',
                            (master_id, now, now, user_id, loser_id),
                        )
        return Saved(id=master_id)

    def convert_lead(self, lead_id: str, *, account_id: str, contact_id: str, user_id: str) -> None:
        """Convert a lead into an account and a contact that exist."""
        with self._store.writing() as connection:
            now = self._store.now()
            connection.execute(
                'update "Lead" set IsConverted = 1, Status = ?, ConvertedDate = ?, ConvertedAccountId = ?, '
                "ConvertedContactId = ?, SystemModstamp = ?, LastModifiedDate = ?, LastModifiedById = ? where Id = ?",
                ("Closed - Converted", now[:10], account_id, contact_id, now, now, user_id, lead_id),
            )

    def _write(
        self,
        object_name: str,
        rows: Sequence[Row],
        key: str | None,
        user_id: str,
        options: WriteOptions | None,
        *,
        is_patient: bool = True,
    ) -> list[Saved]:
        with self._store.writing() as connection:
            chunk = self._chunk(connection, object_name, user_id, options)
            drafts = [chunk.draft(position, row, key) for position, row in enumerate(rows)]
            if key is not None:
                chunk.find_targets(drafts, rows, key)
            chunk.follow_references(drafts)
            missing = self._prepare(chunk, drafts, options, is_last_try=not is_patient)
            if not missing:
                return self._written(connection, chunk, drafts, options, may_change=key is not None)
        self._wait(options, missing)
        return self._write(object_name, rows, key, user_id, options, is_patient=False)

    def _written(
        self,
        connection: sqlite3.Connection,
        chunk: Chunk,
        drafts: Sequence[Draft],
        options: WriteOptions | None,
        *,
        may_change: bool,
    ) -> list[Saved]:
        schema = chunk.schema
        check_record_types(schema, drafts)
        check_owners(connection, schema, drafts)
        chunk.check_unique(drafts)
        if self._duplicate_rule and schema.name == OBJECT and not (options and options.may_save_duplicates):
            check_duplicates(connection, drafts)
        persons = PersonAccounts(self._store, connection)
        persons.check(schema.name, drafts)
        inserts = [one for one in drafts if one.id is None and one.error is None]
        created_ids = chunk.create(inserts)
        if may_change:
            chunk.change([one for one in drafts if one.id is not None and one.error is None])
        created = {one.position: new for one, new in zip(inserts, created_ids, strict=True) if one.error is None}
        persons.follow(schema.name, [*created.values(), *(one.id for one in drafts if one.id and not one.error)])
        return self._outcomes(drafts, created)

    def _delete(
        self,
        object_name: str,
        ids: Sequence[str],
        user_id: str,
        options: WriteOptions | None,
        *,
        is_patient: bool = True,
    ) -> list[Saved]:
        with self._store.writing() as connection:
            chunk = self._chunk(connection, object_name, user_id, options)
            drafts = [Draft(position, None, {}, {}) for position, _ in enumerate(ids)]
            chunk.find_targets(drafts, [{"Id": one} for one in ids], "Id")
            persons = PersonAccounts(self._store, connection)
            persons.check_deletion(object_name, drafts)
            missing = self._prepare(chunk, drafts, options, is_last_try=not is_patient, is_deletion=True)
            if not missing:
                chunk.delete([one for one in drafts if one.error is None])
                persons.follow(object_name, [str(one.id) for one in drafts if one.error is None])
                return self._outcomes(drafts, {})
        self._wait(options, missing)
        return self._delete(object_name, ids, user_id, options, is_patient=False)

    def _chunk(
        self, connection: sqlite3.Connection, object_name: str, user_id: str, options: WriteOptions | None
    ) -> Chunk:
        seen = self._store.schema.visible(object_name) if options is not None else None
        schema = self._store.schema.known(object_name)
        return Chunk(self._store, connection, schema, user_id, seen=seen, rules=self._rules)

    def _prepare(
        self,
        chunk: Chunk,
        drafts: Sequence[Draft],
        options: WriteOptions | None,
        *,
        is_last_try: bool,
        is_deletion: bool = False,
    ) -> frozenset[str]:
        """Check what only the integration user is asked, and lock; the records to be waited for, or none."""
        if options is None:
            return frozenset()
        chunk.check_rights(drafts, is_deletion=is_deletion)
        wanted = chunk.lock_ids(drafts)
        missing = self.locks.take(options.owner, {one for ids in wanted.values() for one in ids})
        if missing and not is_last_try:
            return missing
        for draft in drafts:
            if stuck := missing & wanted.get(draft.position, set()):
                draft.error = locked(min(stuck))
            draft.error = draft.error or self._refusals.take(chunk.names(draft))
        return frozenset()

    def _wait(self, options: WriteOptions | None, missing: frozenset[str]) -> None:
        if options is not None:
            self.locks.wait(options.owner, missing)

    def _each(
        self, rows: Sequence[_Sent], options: WriteOptions | None, write: Callable[[Sequence[_Sent]], list[Saved]]
    ) -> list[Saved]:
        """What becomes of rows that are written chunk by chunk, each with locks of its own."""
        saved: list[Saved] = []
        for start in range(0, len(rows), CHUNK):
            try:
                saved += write(rows[start : start + CHUNK])
            finally:
                if options is not None and not options.keeps_locks:
                    self.locks.release(options.owner)
        return saved

    def _outcomes(self, drafts: Sequence[Draft], created: Mapping[int, str]) -> list[Saved]:
        saved = [_outcome(one, created.get(one.position)) for one in drafts]
        self._store.count_writes(str(one.id) for one in saved if one.error is None)
        return saved


def _outcome(draft: Draft, created_id: str | None) -> Saved:
    if draft.error is not None:
        return Saved(draft.id, error=draft.error)
    return Saved(created_id or draft.id, created=created_id is not None)
