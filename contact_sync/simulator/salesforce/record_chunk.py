"""The steps of writing up to 200 rows inside one transaction: clean, find, check, then insert or update.

records.py takes the steps in order and decides about chunks and transactions.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from contact_sync.simulator.salesforce.derived import INPUTS, defaults, derive
from contact_sync.simulator.salesforce.drafts import Draft, Row, lookup
from contact_sync.simulator.salesforce.ids import canonical_id
from contact_sync.simulator.salesforce.record_references import check_references, parent_field, resolve_parents
from contact_sync.simulator.salesforce.schema import ObjectSchema
from contact_sync.simulator.salesforce.store import Cell, Store, insert_statement
from contact_sync.simulator.salesforce.validation_rules import ValidationRule, violation
from contact_sync.simulator.salesforce.values import RowError, stored_value

_LOCKING = frozenset({"AccountId", "ContactId", "WhoId", "WhatId"})
_SECURITY = (
    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is "
    "read/write for your profile or permission set."
)


class Chunk:
    """The steps of writing up to 200 rows inside one transaction."""

    def __init__(
        self,
        store: Store,
        connection: sqlite3.Connection,
        schema: ObjectSchema,
        user_id: str,
        *,
        seen: ObjectSchema | None = None,
        rules: Sequence[ValidationRule] = (),
    ) -> None:
        self._store = store
        self._connection = connection
        self.schema = schema
        self._seen = seen or schema
        self._user_id = user_id
        self._rules = [one for one in rules if one.object_name == schema.name]
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
                external = self.schema.external_ids[str(key).lower()]
                draft.values[external.name] = stored_value(external, row.get(str(key)))
        except RowError as error:
            draft.error = error
        return draft

    def _take(self, draft: Draft, name: str, sent: object) -> None:
        if "." in name:
            reference, external = parent_field(self._store.schema, self._seen, name)
            if sent in (None, ""):
                draft.values[reference.name] = None
            else:
                draft.parents[reference.name] = (external, str(sent).strip())
            return
        field = self._seen.find(name)
        if field is None or not field.is_stored:
            raise RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {self.schema.name}")
        if not field.may_be_written:
            raise RowError("INVALID_FIELD_FOR_INSERT_UPDATE", _SECURITY.format(field.name), (field.name,))
        if field.name == "OwnerId" and not sent:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner cannot be blank", ("OwnerId",))
        draft.values[field.name] = stored_value(field, sent)

    def find_targets(self, drafts: Sequence[Draft], rows: Sequence[Row], key: str) -> None:
        """Find the record each row is about; a row is refused without a usable key, and with one that others have.

        Only the rows of a chunk are looked at: of two in different chunks the later one changes what the first wrote.
        """
        wanted: dict[int, str] = {}
        external = self.schema.external_ids.get(key.lower())
        for draft, row in zip(drafts, rows, strict=True):
            sent = str(row.get(key) or "").strip()
            if not sent:
                missing = "Id not specified in an update call" if key == "Id" else f"{key} not specified"
                draft.error = RowError("MISSING_ARGUMENT", missing)
            elif key == "Id" and canonical_id(sent) is None:
                draft.error = RowError("MALFORMED_ID", f"Id: id value of incorrect type: {sent[:40]}", ("Id",))
            else:
                wanted[draft.position] = external.comparable(sent) if external else str(canonical_id(sent))
        counts = Counter(wanted.values())
        for position, value in wanted.items():
            if counts[value] > 1 and drafts[position].error is None:
                named = "id" if key == "Id" else "external id"
                drafts[position].error = RowError("DUPLICATE_VALUE", f"Duplicate {named} specified: {value}", (key,))
        column = external.name if external is not None else "Id"
        alive = "" if key == "Id" else "and IsDeleted = 0"
        statement = f'select "{column}", Id, IsDeleted from "{self.schema.name}" where "{column}" in ({{}}) {alive}'
        rows_found = lookup(self._connection, statement, wanted.values())
        found = {external.comparable(row[0]) if external else row[0]: (row[1], row[2]) for row in rows_found}
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

    def check_rights(self, drafts: Sequence[Draft], *, is_deletion: bool) -> None:
        """Refuse rows that would do what the user may not do with records of this object."""
        for draft in drafts:
            operation = "delete" if is_deletion else "create" if draft.id is None else "update"
            if draft.error is None and operation in self._seen.forbidden:
                draft.error = _forbidden(operation, self.schema.name)

    def names(self, draft: Draft) -> frozenset[str]:
        """What the record of a row can be called: its id, and the external ids that the row names."""
        keys = (draft.values.get(field.name) for field in self.schema.external_ids.values())
        return frozenset(str(one) for one in (draft.id, *keys) if one is not None)

    def follow_references(self, drafts: Sequence[Draft]) -> None:
        """Find the parents that rows name by external id, and refuse rows that point to nothing."""
        resolve_parents(self._connection, self.schema, drafts)
        check_references(self._connection, self._store.schema, self.schema, drafts)

    def check_unique(self, drafts: Sequence[Draft]) -> None:
        """Refuse a unique value that another record holds, or an earlier row of the chunk takes."""
        for field in self.schema.external_ids.values():
            wanted = {str(one.values[field.name]) for one in drafts if one.values.get(field.name)}
            statement = (
                f'select "{field.name}", Id from "{self.schema.name}" where "{field.name}" in ({{}}) and IsDeleted = 0'
            )
            holders = {field.comparable(value): holder for value, holder in lookup(self._connection, statement, wanted)}
            for draft in drafts:
                value = draft.values.get(field.name)
                if not value or draft.error is not None:
                    continue
                holder = holders.setdefault(field.comparable(str(value)), draft.id or f"row {draft.position}")
                if holder not in (draft.id, f"row {draft.position}"):
                    record = "<unknown>" if holder.startswith("row ") else holder
                    message = f"duplicate value found: {field.name} duplicates value on record with id: {record}"
                    draft.error = RowError("DUPLICATE_VALUE", message, (field.name,))

    def create(self, drafts: Sequence[Draft]) -> list[str]:
        """Insert new records; the ids are in the order of the drafts, rows that lack a required value get an error."""
        ids = self._store.new_ids(self.schema.name, len(drafts))
        for draft, record_id in zip(drafts, ids, strict=True):
            missing = [one.name for one in self.schema.stored if one.required and not draft.values.get(one.name)]
            if missing:
                draft.error = _required(missing)
                continue
            record: dict[str, Cell] = {
                "OwnerId": self._user_id,
                **self.schema.defaults,
                **defaults(self.schema.name, record_id),
                **draft.values,
            }
            record |= derive(self.schema.name, record, changed=frozenset(record), now=self._now)
            record |= {"Id": record_id, "CreatedDate": self._now, "CreatedById": self._user_id, **self._stamp()}
            draft.error = self._violation(record)
            if draft.error is not None:
                continue
            self._connection.execute(insert_statement(self.schema.name, list(record)), tuple(record.values()))
        return ids

    def change(self, drafts: Sequence[Draft]) -> None:
        """Update records; fields that a row leaves out keep their value."""
        ruled = {field.name for field in self.schema.stored if self._rules}
        names = sorted(({name for one in drafts for name in one.values} | self._inputs(drafts) | ruled) - {"Id"})
        quoted = ", ".join(f'"{name}"' for name in ["Id", *names])
        statement = f'select {quoted} from "{self.schema.name}" where Id in ({{}})'
        current = {
            row[0]: dict(zip(names, row[1:], strict=True))
            for row in lookup(self._connection, statement, {str(one.id) for one in drafts})
        }
        required = {one.name for one in self.schema.stored if one.required}
        for draft in drafts:
            cleared = [name for name in draft.values if name in required and not draft.values[name]]
            if cleared:
                draft.error = _required(cleared)
                continue
            record = current[str(draft.id)]
            record |= draft.values
            record |= derive(self.schema.name, record, changed=frozenset(draft.values), now=self._now)
            draft.error = self._violation({"Id": draft.id, **record})
        written = list(dict.fromkeys(str(one.id) for one in drafts if one.error is None))
        self._update({record_id: current[record_id] | self._stamp() for record_id in written})

    def delete(self, drafts: Sequence[Draft]) -> None:
        """Mark records as deleted."""
        self._update({str(one.id): {"IsDeleted": 1, **self._stamp()} for one in drafts})

    def lock_ids(self, drafts: Sequence[Draft]) -> dict[int, set[str]]:
        """Position of a row -> the records that it locks: its own, its parents, and those that it leaves."""
        names = [field.name for field in self.schema.stored if field.name in _LOCKING]
        found = {one.position: {str(one.values[name]) for name in names if one.values.get(name)} for one in drafts}
        known = {str(one.id): one.position for one in drafts if one.id is not None and one.error is None}
        quoted = ", ".join(f'"{name}"' for name in ["Id", *names])
        for row in lookup(self._connection, f'select {quoted} from "{self.schema.name}" where Id in ({{}})', known):
            found[known[row[0]]] |= {str(value) for value in row if value is not None}
        return {one.position: found[one.position] for one in drafts if one.error is None}

    def _violation(self, record: Mapping[str, Cell]) -> RowError | None:
        return violation(self._connection, self._rules, self.schema, record) if self._rules else None

    def _update(self, records: Mapping[str, Mapping[str, Cell]]) -> None:
        by_columns: dict[tuple[str, ...], list[tuple[Cell, ...]]] = {}
        for record_id, record in records.items():
            by_columns.setdefault(tuple(record), []).append((*record.values(), record_id))
        for names, rows in by_columns.items():
            assignments = ", ".join(f'"{name}" = ?' for name in names)
            self._connection.executemany(f'update "{self.schema.name}" set {assignments} where Id = ?', rows)

    def _inputs(self, drafts: Sequence[Draft]) -> frozenset[str]:
        inputs = INPUTS.get(self.schema.name, frozenset())
        return inputs if any(inputs & one.values.keys() for one in drafts) else frozenset()

    def _stamp(self) -> dict[str, Cell]:
        return {"LastModifiedDate": self._now, "LastModifiedById": self._user_id, "SystemModstamp": self._now}


def _required(names: Sequence[str]) -> RowError:
    listed = ", ".join(names)
    return RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{listed}]", tuple(names))


def _forbidden(operation: str, object_name: str) -> RowError:
    if operation == "delete":
        return RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
    done = {"create": "inserted", "update": "updated"}[operation]
    return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be {done}: {object_name}")
