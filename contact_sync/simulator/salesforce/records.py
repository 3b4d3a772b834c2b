"""Writing records: insert, update, upsert and delete with the row rules and row errors of Salesforce.

REST and Bulk ingest both write through this module, and so does the life of the population. Rows are handled in chunks
of 200 like in Salesforce: one chunk has one time stamp and one transaction; a bad row never spoils its neighbours.
In a row an absent field stays as it is, None clears it. `Parent.External_Id__c` names a parent by its external id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contact_sync.simulator.salesforce.duplicate_rule import OBJECT, check_duplicates
from contact_sync.simulator.salesforce.person_writes import PersonAccounts
from contact_sync.simulator.salesforce.record_chunk import Chunk, Draft, Row
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.store import Store
from contact_sync.simulator.salesforce.values import RowError

CHUNK = 200
_Sent = TypeVar("_Sent")


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one row; the same position as the row that was sent."""

    id: str | None
    created: bool = False
    error: RowError | None = None


class RecordWriter:
    """Writes rows into a store on behalf of a user."""

    def __init__(self, store: Store, *, duplicate_rule: bool = False) -> None:
        self._store = store
        self._duplicate_rule = duplicate_rule

    def insert(
        self, object_name: str, rows: Sequence[Row], *, user_id: str, may_save_duplicates: bool = False
    ) -> list[Saved]:
        """Create records; a row that names an Id is refused."""
        return self._write_all(object_name, rows, None, user_id, may_save_duplicates=may_save_duplicates)

    def update(
        self, object_name: str, rows: Sequence[Row], *, user_id: str, may_save_duplicates: bool = False
    ) -> list[Saved]:
        """Change records by their `Id`."""
        return self._write_all(object_name, rows, "Id", user_id, may_save_duplicates=may_save_duplicates)

    def upsert(
        self, object_name: str, key: str, rows: Sequence[Row], *, user_id: str, may_save_duplicates: bool = False
    ) -> list[Saved]:
        """Create or change records by an external id."""
        return self._write_all(object_name, rows, key, user_id, may_save_duplicates=may_save_duplicates)

    def delete(self, object_name: str, ids: Sequence[str], *, user_id: str) -> list[Saved]:
        """Move records to the recycle bin."""
        return _in_chunks(ids, lambda chunk: self._delete(self._store.schema.known(object_name), chunk, user_id))

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

    def _write_all(
        self, object_name: str, rows: Sequence[Row], key: str | None, user_id: str, *, may_save_duplicates: bool
    ) -> list[Saved]:
        def write(chunk: Sequence[Row]) -> list[Saved]:
            return self._write(object_name, chunk, key, user_id, may_save_duplicates=may_save_duplicates)

        return _in_chunks(rows, write)

    def _write(
        self, object_name: str, rows: Sequence[Row], key: str | None, user_id: str, *, may_save_duplicates: bool
    ) -> list[Saved]:
        schema = self._store.schema.known(object_name)
        with self._store.writing() as connection:
            chunk = Chunk(self._store, connection, schema, user_id)
            drafts = [chunk.draft(position, row, key) for position, row in enumerate(rows)]
            if key is not None:
                chunk.find_targets(drafts, rows, key)
            chunk.resolve_parents(drafts)
            chunk.check_references(drafts)
            chunk.check_unique(drafts)
            if self._duplicate_rule and schema.name == OBJECT and not may_save_duplicates:
                check_duplicates(connection, drafts)
            persons = PersonAccounts(self._store, connection)
            persons.check(schema.name, drafts)
            inserts = [one for one in drafts if one.id is None and one.error is None]
            created_ids = chunk.create(inserts)
            if key is not None:
                chunk.change([one for one in drafts if one.id is not None and one.error is None])
            created = {one.position: new for one, new in zip(inserts, created_ids, strict=True) if one.error is None}
            persons.follow(schema.name, [*created.values(), *(one.id for one in drafts if one.id and not one.error)])
            return self._outcomes(drafts, created)

    def _delete(self, schema: ObjectSchema, ids: Sequence[str], user_id: str) -> list[Saved]:
        with self._store.writing() as connection:
            chunk = Chunk(self._store, connection, schema, user_id)
            drafts = [Draft(position, None, {}, {}) for position, _ in enumerate(ids)]
            chunk.find_targets(drafts, [{"Id": one} for one in ids], "Id")
            persons = PersonAccounts(self._store, connection)
            persons.check_deletion(schema.name, drafts)
            chunk.delete([one for one in drafts if one.error is None])
            persons.follow(schema.name, [str(one.id) for one in drafts if one.error is None])
            return self._outcomes(drafts, {})

    def _outcomes(self, drafts: Sequence[Draft], created: Mapping[int, str]) -> list[Saved]:
        saved = [_outcome(one, created.get(one.position)) for one in drafts]
        self._store.count_writes(str(one.id) for one in saved if one.error is None)
        return saved


def _in_chunks(rows: Sequence[_Sent], write: Callable[[Sequence[_Sent]], list[Saved]]) -> list[Saved]:
    return [saved for start in range(0, len(rows), CHUNK) for saved in write(rows[start : start + CHUNK])]


def _outcome(draft: Draft, created_id: str | None) -> Saved:
    if draft.error is not None:
        return Saved(draft.id, error=draft.error)
    return Saved(created_id or draft.id, created=created_id is not None)
