"""An installation with a few persons in its warehouse, as silver, the scorer and gold leave them, without any run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa

from contact_sync.identity.changes import last_change
from contact_sync.identity.collect import Decided
from contact_sync.identity.evidence import MATCH_KEY_SCHEMA, PAIR_SCHEMA
from contact_sync.identity.resolve import Resolution, resolve
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import load_settings
from contact_sync.state.decisions import Verdict
from contact_sync_tests.unit.identity.silver_changes import note_changes, write_keys

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
ANN, ANNE, BOB, BOBBY, EVE = (f"salesforce__contact/core/{name}" for name in ("Ann", "Anne", "Bob", "Bobby", "Eve"))
_TARGET_FIELDS = (
    *("first_name", "last_name", "email", "phone", "mobile_phone", "job_title"),
    *("street", "city", "state", "postal_code", "country", "company_name"),
)
EVIDENCE = '[["email", "exact", 7.25], ["last_name", "close", -1.0]]'


class StewardsBench:
    """Ann and Anne share an e-mail address; Bob and Bobby may be one; Eve is alone."""

    def __init__(self) -> None:
        self.installation = Installation(load_settings(), now=lambda: NOON)
        self.entity = self.installation.catalog.entities["contact"]
        self.records: dict[str, dict[str, str | None]] = {
            ANN: {"first_name": "Ann", "last_name": "Lee", "email": "ann@acme.example"},
            ANNE: {"first_name": "Anne", "last_name": "Lee", "email": "ann@acme.example"},
            BOB: {"first_name": "Bob", "last_name": "Roe", "phone": "+1 212 555 0101"},
            BOBBY: {"first_name": "Bobby", "last_name": "Roe", "phone": '=HYPERLINK("x")'},
            EVE: {"first_name": "Eve", "last_name": "Poe", "company_name": "Acme"},
        }
        self.earlier = ""
        self.keys = [(ANN, "email_last_name", "1"), (ANNE, "email_last_name", "1")]
        self.weak_keys: list[tuple[str, str, str]] = []
        self.pairs: list[tuple[str, str, str, float, str]] = [(BOB, BOBBY, "model", 0.8, EVIDENCE)]

    def resolve(self) -> Resolution:
        """What a run does between silver and gold."""
        standing = self.installation.decisions.standing("contact")
        with self.installation.warehouse.session("bench") as session:
            columns = (
                "record_key",
                "external_id",
                "object_name",
                "instance",
                "record_id",
                "created_at",
                "version_at",
                "account_record_key",
                *_TARGET_FIELDS,
            )
            rows = [{**_placed(key), **values} for key, values in self.records.items()]
            session.replace("silver.contact_record", _texts(rows, columns))
            session.replace("identity.person_possible_match_key", _rows(self.weak_keys, MATCH_KEY_SCHEMA))
            write_keys(session, self.keys)
            note_changes(session, self.records)
            session.replace("identity.person_pair", _rows(self.pairs, PAIR_SCHEMA))
            decided = Decided(same=standing[Verdict.SAME], different=standing[Verdict.DIFFERENT])
            number = last_change(session, [self.entity]) + 1
            return resolve(session, self.installation.identities, self.entity, decided=decided, number=number)

    def key(self, record: str) -> str:
        """The person key of a record."""
        return str(self.installation.identities.current_key("contact", record))


def _placed(record_key: str) -> dict[str, str | None]:
    object_name, instance, record_id = record_key.split("/")
    return {"record_key": record_key, "object_name": object_name, "instance": instance, "record_id": record_id}


def _rows(rows: Iterable[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def _texts(rows: list[dict[str, str | None]], names: Iterable[str]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})
