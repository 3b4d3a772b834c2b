"""Golden records and target records, set up by hand in a real DuckDB, and the plan made from them.

The tables are those that dbt and the identity step leave behind, with the columns that planning reads.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from contact_sync.catalog import Entity
from contact_sync.sync.plan import Plan, make_plan, plan_rows
from contact_sync.sync.planned_rows import write_of
from contact_sync.warehouse.duckdb import DuckDBSession
from contact_sync_tests.unit.sync.small_catalog import ACCOUNT, CATALOG, CONTACT

ERP = "erp__contact/main/1"
CRM = "salesforce__contact/core/9"
REFUSAL_COLUMNS = ("object_name", "instance", "row_key", "stage", "value_hash", "code")
SCHEMAS = ("silver", "identity", "gold", "pipeline", "activation")


@dataclass
class Side:
    """The rows of one entity's tables."""

    entity: Entity
    golden: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    weak_keys: list[dict[str, str]] = field(default_factory=list)
    target_rows: list[dict[str, Any]] = field(default_factory=list)
    stamps: dict[str, str] = field(default_factory=dict)
    different: list[dict[str, str]] = field(default_factory=list)

    @property
    def fields(self) -> list[str]:
        """The golden fields of the entity."""
        return [one.name for one in self.entity.fields]

    def add_golden(self, key: str, source: str = ERP, **values: str | None) -> None:
        """A golden record whose values all came from one record."""
        given = {name: values.get(name) for name in [*self.fields, "company_key"]}
        sources = {f"{name}_source": source if value is not None else None for name, value in given.items()}
        golden = (
            {self.entity.key: key, **given, **sources}
            if self.entity.key != "company_key"
            else {self.entity.key: key, "name": given["name"], "name_source": sources["name_source"]}
        )
        self.golden.append(golden)
        self.stamps.setdefault(key, key)

    def add_target(
        self,
        record_id: str,
        key: str | None,
        *,
        stamp: str | None = None,
        created_at: str = "2026-01-01",
        is_deleted: bool = False,
        **values: str | None,
    ) -> None:
        """A record of the target that belongs to a golden key (None: nobody has resolved it yet)."""
        target = self.entity.target
        self.target_rows.append({"instance": target.instance, "contact_sync_key": stamp, "is_deleted": is_deleted})
        if is_deleted:
            return
        self._add_record(target.object, target.instance, record_id, stamp, created_at=created_at, **values)
        if key is not None:
            self.link(f"{target.object}/{target.instance}/{record_id}", key)

    def add_source(self, record_id: str, key: str) -> str:
        """A record of the source that creates; returns its record key."""
        object_name = self.entity.target.create_from[0]
        self._add_record(object_name, "main", record_id)
        record_key = f"{object_name}/main/{record_id}"
        self.link(record_key, key)
        return record_key

    def link(self, record_key: str, key: str) -> None:
        """Let a record belong to a key."""
        self.links.append({"record_key": record_key, "key": key})
        self.stamps.setdefault(key, key)

    def may_be_same(self, *record_keys: str) -> None:
        """Let these records share a weak key."""
        number = str(len(self.weak_keys))
        self.weak_keys += [{"record_key": key, "rule": "name", "match_key": number} for key in record_keys]

    def shuffle(self, chooser: random.Random) -> None:
        """Put all rows into another order."""
        for rows in (self.golden, self.records, self.links, self.weak_keys, self.target_rows):
            chooser.shuffle(rows)

    def tables(self) -> dict[str, pa.Table]:
        """The tables that dbt and identity would have made."""
        entity, subject = self.entity, self.entity.key.removesuffix("_key")
        value_columns = [*self.fields, *(["company_key"] if entity.name == "contact" else [])]
        golden = [entity.key, *value_columns, *(f"{name}_source" for name in value_columns)]
        own = ["record_key", "object_name", "instance", "record_id", "external_id", "created_at", "version_at"]
        records = [*own, "account_record_key", *self.fields]
        links = [{"record_key": row["record_key"], entity.key: row["key"]} for row in self.links]
        stamps = [{"key": key, "current_key": current} for key, current in self.stamps.items()]
        return {
            f"gold.{entity.name}": _texts(self.golden, golden),
            f"silver.{entity.records}": _texts(self.records, records),
            f"silver.{entity.target.object}": pa.Table.from_pylist(
                self.target_rows,
                pa.schema(
                    [
                        pa.field("instance", pa.string()),
                        pa.field("contact_sync_key", pa.string()),
                        pa.field("is_deleted", pa.bool_()),
                    ]
                ),
            ),
            f"identity.{subject}_link": _texts(links, ["record_key", entity.key]),
            f"identity.{subject}_possible_match_key": _texts(self.weak_keys, ["record_key", "rule", "match_key"]),
            f"pipeline.{entity.name}_stamp_key": _texts(stamps, ["key", "current_key"]),
            f"pipeline.{entity.name}_different": _texts(self.different, ["key", "other_key"]),
        }

    def _add_record(
        self, object_name: str, instance: str, record_id: str, stamp: str | None = None, **values: str | None
    ) -> None:
        self.records.append(
            {
                "record_key": f"{object_name}/{instance}/{record_id}",
                "object_name": object_name,
                "instance": instance,
                "record_id": record_id,
                "external_id": stamp,
                "created_at": "2026-01-01",
                "version_at": "2026-01-02T00:00:00Z",
                **values,
            }
        )


@dataclass(frozen=True)
class Made:
    """A plan with its rows."""

    plan: Plan
    rows: pa.Table

    @property
    def is_empty(self) -> bool:
        """Whether both sides agree already."""
        return self.plan.is_empty


class TwoSides:
    """Golden companies and people on one side, what the target holds on the other."""

    def __init__(self) -> None:
        self.account = Side(ACCOUNT)
        self.contact = Side(CONTACT)
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        for schema in SCHEMAS:
            self._connection.execute(f"create schema {schema}")
        self.session = DuckDBSession(self._connection)

    def plan(self, refusals: Iterable[Mapping[str, str]] = (), basis: Mapping[str, int] | None = None) -> Made:
        """The plan that makes the target agree."""
        for side in (self.account, self.contact):
            for name, rows in side.tables().items():
                self.session.replace(name, rows)
        refused = _texts([dict(row) for row in refusals], list(REFUSAL_COLUMNS))
        plan = make_plan(self.session, CATALOG, refused, basis or {"salesforce__contact/core": 1})
        return Made(plan, plan_rows(self.session, plan, CATALOG).read_all())

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def writes(made: Made) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(stage, row key, before, after) of each row of a plan."""
    rows = (write_of(made.rows.slice(place, 1), CATALOG.entities) for place in range(made.rows.num_rows))
    return [(row["stage"], row["row_key"], row["before"], row["after"]) for row in rows]


def held(sides: TwoSides) -> list[tuple[str, str, str]]:
    """(stage, row key, reason) of what the last plan of contacts held back."""
    query = (
        "select stage, row_key, hold_reason from pipeline.proposal_contact where hold_reason is not null order by all"
    )
    return [tuple(row.values()) for row in sides.session.query(query).to_pylist()]


def refusal_of(made: Made, row_key: str) -> dict[str, str]:
    """What the ledger keeps when the target refuses a row of a plan."""
    row = next(row for row in made.rows.to_pylist() if row["row_key"] == row_key)
    return {name: row.get(name, "STRING_TOO_LONG") for name in REFUSAL_COLUMNS}


def _texts(rows: list[dict[str, Any]], columns: list[str]) -> pa.Table:
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns})
