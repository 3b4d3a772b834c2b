"""Survivorship in SQL and in plain Python agree on random persons, in a first build and in those that remember."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pytest

from contact_sync_tests.pipeline.dbt.survivorship_oracle import FieldRule, Golden, Record, survivors

if TYPE_CHECKING:
    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

PERSONS: Final = 300
SOURCES: Final = ("salesforce__lead", "erp__contact", "salesforce__contact")
FIRST_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS: Final = {
    "name": ("first_name", "last_name"),
    "phone": ("phone",),
    "mobile_phone": ("mobile_phone",),
    "address": ("street", "city"),
    "region": ("state", "postal_code"),
    "country": ("country",),
}
FIELDS: Final = ("email", "job_title", *(field for fields in GROUPS.values() for field in fields))
EMAILS: Final = {"a@x.org": True, "b@x.org": True, "broken": False, "info@x.org": False}
REPLACE_TABLE: Final = "create or replace table {} as select * from incoming"


def rules_of(chooser: random.Random) -> tuple[FieldRule, ...]:
    """Each rule at least once, with an owner or a null policy where the catalog allows them."""
    kinds = ["trust", "most_recent", "most_frequent", "longest", "fill_only", chooser.choice(["trust", "most_recent"])]
    chooser.shuffle(kinds)
    rules = [FieldRule("email", "verified", "email", _owner(chooser))]
    rules += [FieldRule("job_title", "union", "job_title", _owner(chooser))]
    for (group, fields), kind in zip(GROUPS.items(), kinds, strict=True):
        owner = None if kind == "fill_only" else _owner(chooser)
        is_propagated = kind in {"trust", "most_recent"} and chooser.random() < 0.8
        rules += [FieldRule(field, kind, group, owner, is_propagated) for field in fields]
    return tuple(rules)


def _owner(chooser: random.Random) -> str | None:
    return chooser.choice([None, None, *SOURCES])


class Population:
    """Random records of random persons, few values and few times so that ties are common."""

    def __init__(self, chooser: random.Random) -> None:
        self._random = chooser
        self.records: dict[str, list[Record]] = {}
        for person in range(PERSONS):
            count = self._random.randint(1, 4)
            self.records[f"per_{person}"] = [self._new(f"{person}-{number}") for number in range(count)]

    def live_on(self) -> None:
        """Some records are edited, emptied or deleted, some go to another person."""
        persons = list(self.records)
        for person in persons:
            for record in list(self.records[person]):
                fate = self._random.random()
                if fate < 0.6:
                    self.records[person].remove(record)
                if fate < 0.5:
                    self.records[person].append(self._edited(record))
                elif fate < 0.55:
                    self.records[self._random.choice(persons)].append(record)

    def _new(self, record_id: str) -> Record:
        source = self._random.choice(SOURCES)
        values = {field: self._value(field) for field in FIELDS if self._random.random() < 0.6}
        return _verified(Record(f"{source}/core/{record_id}", source, SOURCES.index(source) + 1, self._time(0), values))

    def _edited(self, record: Record) -> Record:
        values = dict(record.values)
        for field in FIELDS:
            fate = self._random.random()
            if fate < 0.3:
                values.pop(field, None)
            elif fate < 0.5:
                values[field] = self._value(field)
        return _verified(replace(record, values=values, version_at=self._time(3)))

    def _value(self, field: str) -> str:
        return self._random.choice(list(EMAILS) if field == "email" else ["a", "B", "bb", "é"])

    def _time(self, first_day: int) -> datetime | None:
        days = self._random.randint(first_day, first_day + 4)
        return None if self._random.random() < 0.1 else FIRST_DAY + timedelta(days=days)


def _verified(record: Record) -> Record:
    is_valid = EMAILS.get(record.values.get("email", ""), False)
    return replace(record, verified=frozenset({"email"} if is_valid else ()))


def write_rules(warehouse: Warehouse, rules: tuple[FieldRule, ...]) -> None:
    """The rules as golden.yaml's table."""
    warehouse.query("delete from pipeline.golden_rule")
    rows = [
        {
            "entity": "contact",
            "field": rule.field,
            "field_group": rule.group,
            "source_object": source,
            "is_owner": rule.owner == source,
            "rule": rule.rule,
            "trust": trust,
            "null_policy": "propagate" if rule.is_propagated else "ignore",
        }
        for rule in rules
        for trust, source in enumerate(SOURCES, start=1)
    ]
    warehouse.insert("pipeline.golden_rule", rows)


def write_records(warehouse: Warehouse, records: Mapping[str, list[Record]]) -> None:
    """The records as silver and identity leave them behind, with the columns that the model reads."""
    rows = [
        {
            "record_key": record.key,
            "object_name": record.source,
            "instance": "core",
            "account_record_key": "",
            "version_at": record.version_at,
            **{field: record.values.get(field) for field in FIELDS},
            "email_normalized": record.values.get("email") if "email" in record.verified else None,
            "email_is_role": False,
            "phone_normalized": None,
            "mobile_phone_normalized": None,
        }
        for person in records
        for record in records[person]
    ]
    links = [{"record_key": one.key, "person_key": person} for person, many in records.items() for one in many]
    texts = dict.fromkeys(rows[0], pa.string())
    schema = pa.schema({**texts, "version_at": pa.timestamp("us", tz="UTC"), "email_is_role": pa.bool_()})
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("create schema if not exists silver")
        for table, incoming in (
            ("silver.contact_record", pa.Table.from_pylist(rows, schema=schema)),
            ("identity.person_link", pa.Table.from_pylist(links)),
        ):
            connection.register("incoming", incoming)
            connection.execute(REPLACE_TABLE.format(table))


def write_changes(warehouse: Warehouse, persons: Iterable[str], number: int) -> None:
    """Which persons a resolution has touched."""
    known = pa.table({"person_key": pa.array(persons, pa.string())})
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.register("touched", known)
        connection.execute("delete from identity.person_change where person_key in (select person_key from touched)")
        connection.execute("insert into identity.person_change select person_key, ? from touched", [number])


def golden_fields(warehouse: Warehouse) -> dict[tuple[str, str], Golden]:
    """What the model holds; of what was cleared, the hash stands for the value."""
    rows = warehouse.query(
        "select person_key, field, value, source_record_key, rule, version_at, cleared_value_hash"
        " from gold.contact_field"
    )
    return {(row[0], row[1]): Golden(*row[2:]) for row in rows}


@pytest.mark.parametrize("seed", [1, 2])
def test_sql_and_python_agree_on_random_persons(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Random rules, ties, groups, nulls and memory, over four builds, as records are edited, moved and deleted; who has
    not changed stays as the last build left them.
    """
    chooser = random.Random(seed)
    rules, population = rules_of(chooser), Population(chooser)
    write_rules(warehouse, rules)
    before: dict[str, dict[str, Golden]] = {}
    then: dict[str, list[Record]] = {}
    for build in range(4):
        now = {person: list(many) for person, many in population.records.items()}
        changed = {person for person, many in now.items() if many != then.get(person)}
        write_records(warehouse, now)
        write_changes(warehouse, sorted(changed), build)
        monkeypatch.setenv("CONTACT_SYNC_CHANGES_SEEN", f"contact_field={build - 1}")
        warehouse.run_dbt("run", "--select", "contact_field")
        chosen = {one: survivors(rules, now[one], before.get(one, {})) for one in changed}
        golden = {one: chosen.get(one, before.get(one, {})) for one in now}
        expected = {(one, field): _hashed(won) for one, fields in golden.items() for field, won in fields.items()}

        assert expected == golden_fields(warehouse), f"build {build} of seed {seed}: {rules}"
        assert build == 0 or 0 < len(changed) < PERSONS
        before, then = golden, now
        population.live_on()
    assert any(one.value is None for one in expected.values())


def _hashed(golden: Golden) -> Golden:
    if golden.lost is None:
        return golden
    return replace(golden, lost=hashlib.md5(golden.lost.encode(), usedforsecurity=False).hexdigest())
