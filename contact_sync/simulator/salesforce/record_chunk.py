"""The steps of writing up to 200 rows inside one transaction: clean, find, check, then insert or update.

records.py takes the steps in order and decides about chunks and transactions.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contact_sync.simulator.salesforce.derived import INPUTS, defaults, derive
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.org_schema import OrgSchema
from contact_sync.simulator.salesforce.schema import FieldSchema, ObjectSchema
from contact_sync.simulator.salesforce.store import Cell, Store, insert_statement
from contact_sync.simulator.salesforce.values import RowError, stored_value

Row = Mapping[str, object]


@dataclass(slots=True)
class Draft:
    """A row on its way: its cleaned values, and the first thing found wrong with it."""

    position: int
    id: str | None
    values: dict[str, Cell]
    parents: dict[str, tuple[FieldSchema, str]]
    error: RowError | None = None


class Chunk:
    """The steps of writing up to 200 rows inside one transaction."""

    def __init__(self, store: Store, connection: sqlite3.Connection, schema: ObjectSchema, user_id: str) -> None:
        self._store = store
        self._connection = connection
        self._schema = schema
        self._user_id = user_id
        self._now = store.now()

    def draft(self, position: int, row: Row, key: str | None) -> Draft:
        """Clean the values of a row."""
        draft = Draft(position, None, {}, {})
        try:
            for name, sent in row.items():
                if name == key or (name == "Id" and key is not None):
                    continue
                self._take(draft, name, sent)
            if key not in (None, "Id"):
                external = self._schema.external_ids[str(key).lower()]
                draft.values[external.name] = stored_value(external, row.get(str(key)))
        except RowError as error:
            draft.error = error
        return draft

    def _take(self, draft: Draft, name: str, sent: object) -> None:
        if "." in name:
            reference, external = parent_field(self._store.schema, self._schema, name)
            if sent in (None, ""):
                draft.values[reference.name] = None
            else:
                draft.parents[reference.name] = (external, str(sent))
            return
        field = self._schema.find(name)
        if field is None or not field.is_stored:
            raise RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {self._schema.name}")
        if not field.writable:
            message = f"Unable to create/update fields: {field.name}. Please check the security settings of this field"
            raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, (field.name,))
        draft.values[field.name] = stored_value(field, sent)

    def find_targets(self, drafts: Sequence[Draft], rows: Sequence[Row], key: str) -> None:
        """Find the record each row is about; a row is refused without a usable key, and with one that others have.

        Only the rows of a chunk are looked at: of two in different chunks the later one changes what the first wrote.
        """
        wanted: dict[int, str] = {}
        for draft, row in zip(drafts, rows, strict=True):
            sent = str(row.get(key) or "").strip()
            if not sent:
                missing = "Id not specified in an update call" if key == "Id" else f"{key} not specified"
                draft.error = RowError("MISSING_ARGUMENT", missing)
            elif key == "Id" and canonical_id(sent) is None:
                draft.error = RowError("MALFORMED_ID", f"Id: id value of incorrect type: {sent[:40]}", ("Id",))
            else:
                wanted[draft.position] = canonical_id(sent) or sent if key == "Id" else sent
        counts = Counter(wanted.values())
        for position, value in wanted.items():
            if counts[value] > 1 and drafts[position].error is None:
                named = "id" if key == "Id" else "external id"
                drafts[position].error = RowError("DUPLICATE_VALUE", f"Duplicate {named} specified: {value}", (key,))
        column = "Id" if key == "Id" else self._schema.external_ids[key.lower()].name
        alive = "" if key == "Id" else "and IsDeleted = 0"
        statement = f'select "{column}", Id, IsDeleted from "{self._schema.name}" where "{column}" in ({{}}) {alive}'
        found = {row[0]: (row[1], row[2]) for row in self._lookup(statement, wanted.values())}
        for draft in drafts:
            if draft.position in wanted:
                self._aim(draft, wanted[draft.position], found, by_id=key == "Id")

    @staticmethod
    def _aim(draft: Draft, wanted: str, found: Mapping[str, tuple[str, int]], *, by_id: bool) -> None:
        if wanted in found:
            record_id, is_deleted = found[wanted]
            draft.id = record_id
            if is_deleted and draft.error is None:
                draft.error = RowError("ENTITY_IS_DELETED", "entity is deleted")
        elif by_id:
            draft.id = wanted
            draft.error = draft.error or RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")

    def resolve_parents(self, drafts: Sequence[Draft]) -> None:
        """Turn `Parent.External_Id__c` values into ids of parents."""
        wanted: dict[tuple[str, str, str], set[str]] = {}
        for draft in drafts:
            for name, (external, value) in draft.parents.items():
                target = str(self._schema.find(name).refers_to)  # type: ignore[union-attr]
                wanted.setdefault((name, target, external.name), set()).add(value)
        for (name, target, external_name), values in wanted.items():
            statement = (
                f'select "{external_name}", Id from "{target}" where "{external_name}" in ({{}}) and IsDeleted = 0'
            )
            found: dict[str, str] = dict(self._lookup(statement, values))
            for draft in drafts:
                if name not in draft.parents:
                    continue
                value = draft.parents[name][1]
                if value in found:
                    draft.values[name] = found[value]
                else:
                    message = f"Foreign key external ID: {value} not found for field {external_name} in entity {target}"
                    draft.error = draft.error or RowError("INVALID_FIELD", message)

    def check_references(self, drafts: Sequence[Draft]) -> None:
        """Refuse rows that point to a record that is not there."""
        for field in self._schema.stored:
            if not field.targets or not field.writable:
                continue
            wanted = {str(one.values[field.name]) for one in drafts if one.values.get(field.name)}
            found = {one for name in field.targets for one in self._alive(name, wanted)}
            for draft in drafts:
                value = draft.values.get(field.name)
                if value and value not in found and draft.error is None:
                    message = f"{field.name}: invalid cross reference id"
                    draft.error = RowError("INVALID_CROSS_REFERENCE_KEY", message, (field.name,))

    def _alive(self, object_name: str, ids: Collection[str]) -> Iterator[str]:
        """Those of the ids that are records of an object and not deleted."""
        target = self._store.schema.known(object_name)
        alive = "and IsDeleted = 0" if target.find("IsDeleted") else ""
        yield from (row[0] for row in self._lookup(f'select Id from "{target.name}" where Id in ({{}}) {alive}', ids))

    def check_unique(self, drafts: Sequence[Draft]) -> None:
        """Refuse a unique value that another record holds, or an earlier row of the chunk takes."""
        for field in self._schema.external_ids.values():
            wanted = {str(one.values[field.name]) for one in drafts if one.values.get(field.name)}
            statement = (
                f'select "{field.name}", Id from "{self._schema.name}" where "{field.name}" in ({{}}) and IsDeleted = 0'
            )
            holders: dict[str, str] = dict(self._lookup(statement, wanted))
            for draft in drafts:
                value = draft.values.get(field.name)
                if not value or draft.error is not None:
                    continue
                holder = holders.setdefault(str(value), draft.id or f"row {draft.position}")
                if holder not in (draft.id, f"row {draft.position}"):
                    record = "<unknown>" if holder.startswith("row ") else holder
                    message = f"duplicate value found: {field.name} duplicates value on record with id: {record}"
                    draft.error = RowError("DUPLICATE_VALUE", message, (field.name,))

    def create(self, drafts: Sequence[Draft]) -> list[str]:
        """Insert new records; the ids are in the order of the drafts, rows that lack a required value get an error."""
        ids = self._store.new_ids(self._schema.name, len(drafts))
        for draft, record_id in zip(drafts, ids, strict=True):
            missing = [one.name for one in self._schema.stored if one.required and not draft.values.get(one.name)]
            if missing:
                draft.error = _required(missing)
                continue
            record: dict[str, Cell] = {
                "OwnerId": self._user_id,
                **self._schema.defaults,
                **defaults(self._schema.name, record_id),
                **draft.values,
            }
            record |= derive(self._schema.name, record, changed=frozenset(record), now=self._now)
            record |= {"Id": record_id, "CreatedDate": self._now, "CreatedById": self._user_id, **self._stamp()}
            self._connection.execute(insert_statement(self._schema.name, list(record)), tuple(record.values()))
        return ids

    def change(self, drafts: Sequence[Draft]) -> None:
        """Update records; fields that a row leaves out keep their value."""
        names = sorted({name for one in drafts for name in one.values} | self._inputs(drafts))
        quoted = ", ".join(f'"{name}"' for name in ["Id", *names])
        statement = f'select {quoted} from "{self._schema.name}" where Id in ({{}})'
        current = {
            row[0]: dict(zip(names, row[1:], strict=True))
            for row in self._lookup(statement, {str(one.id) for one in drafts})
        }
        required = {one.name for one in self._schema.stored if one.required}
        for draft in drafts:
            cleared = [name for name in draft.values if name in required and not draft.values[name]]
            if cleared:
                draft.error = _required(cleared)
                continue
            record = current[str(draft.id)]
            record |= draft.values
            record |= derive(self._schema.name, record, changed=frozenset(draft.values), now=self._now)
        written = list(dict.fromkeys(str(one.id) for one in drafts if one.error is None))
        self._update({record_id: current[record_id] | self._stamp() for record_id in written})

    def delete(self, drafts: Sequence[Draft]) -> None:
        """Mark records as deleted."""
        self._update({str(one.id): {"IsDeleted": 1, **self._stamp()} for one in drafts})

    def _update(self, records: Mapping[str, Mapping[str, Cell]]) -> None:
        by_columns: dict[tuple[str, ...], list[tuple[Cell, ...]]] = {}
        for record_id, record in records.items():
            by_columns.setdefault(tuple(record), []).append((*record.values(), record_id))
        for names, rows in by_columns.items():
            assignments = ", ".join(f'"{name}" = ?' for name in names)
            self._connection.executemany(f'update "{self._schema.name}" set {assignments} where Id = ?', rows)

    def _inputs(self, drafts: Sequence[Draft]) -> frozenset[str]:
        inputs = INPUTS.get(self._schema.name, frozenset())
        return inputs if any(inputs & one.values.keys() for one in drafts) else frozenset()

    def _stamp(self) -> dict[str, Cell]:
        return {"LastModifiedDate": self._now, "LastModifiedById": self._user_id, "SystemModstamp": self._now}

    def _lookup(self, statement: str, values: Iterable[str]) -> list[tuple[Any, ...]]:
        wanted = list(dict.fromkeys(values))
        if not wanted:
            return []
        return self._connection.execute(statement.format(", ".join("?" * len(wanted))), wanted).fetchall()


def parent_field(org_schema: OrgSchema, schema: ObjectSchema, column: str) -> tuple[FieldSchema, FieldSchema]:
    """The reference field and the parent's external id field behind a column like `Account.Contact_Sync_Key__c`."""
    relationship, _, name = column.partition(".")
    reference = schema.references.get(relationship.lower())
    target = org_schema.find(reference.refers_to) if reference and reference.refers_to else None
    external = target.external_ids.get(name.lower()) if target else None
    if reference is None or external is None or not reference.writable:
        raise RowError("INVALID_FIELD", f"Field name not found : {column}")
    return reference, external


def _required(names: Sequence[str]) -> RowError:
    listed = ", ".join(names)
    return RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", tuple(names))
