"""Golden records that follow resolutions are those of a build from nothing, whatever happened in between.

Silver and identity are written here as their steps leave them: records and links that change at random, with what a
resolution says it has touched.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from dbt.cli.main import dbtRunner
from deltalake import DeltaTable

from contact_sync.catalog import Entity
from contact_sync.errors import StorageError
from contact_sync.identity.changes import last_change, stamp
from contact_sync.pipeline import steps
from contact_sync.pipeline.consent import write_consent_decisions
from contact_sync.pipeline.installation import Installation
from contact_sync.sql_text import sql_text
from contact_sync_tests.pipeline.dbt.conftest import invoke_dbt

if TYPE_CHECKING:
    from contact_sync.pipeline.steps import TransformReport
    from contact_sync.warehouse.base import Session
    from contact_sync_tests.pipeline.dbt.conftest import Warehouse

FOLLOWERS: Final = ("contact_field", "contact", "account_field", "account", "duplicates")
EMPTY: Final = ("person_joining_key", "company_joining_key")
FIRST_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
PERSONS: Final = [f"per_{number}" for number in range(12)]
COMPANIES: Final = [f"com_{number}" for number in range(4)]
TEXTS: Final = ("first_name", "last_name", "email", "phone", "job_title", "street", "city")
Row = dict[str, Any]


@dataclass
class People:
    """Records and the keys that identity gave them. table: `contact_record` or `account_record`."""

    chance: random.Random
    persons: dict[str, Row] = field(default_factory=dict)
    companies: dict[str, Row] = field(default_factory=dict)
    person_of: dict[str, str] = field(default_factory=dict)
    company_of: dict[str, str] = field(default_factory=dict)
    consents: dict[str, int] = field(default_factory=dict)

    def live_on(self, day: int) -> None:
        """Some records are new, edited or gone, some go to another key, and a steward accepts a consent."""
        for number in range(20):
            self._change(self.persons, self.person_of, f"salesforce__contact/core/{number}", PERSONS, day)
        for number in range(6):
            self._change(self.companies, self.company_of, f"erp__customer/main/{number}", COMPANIES, day)
        if day:
            self.consents[self.chance.choice(PERSONS)] = day

    def _change(self, rows: dict[str, Row], links: dict[str, str], key: str, golden_keys: list[str], day: int) -> None:
        fate = self.chance.random()
        if key not in rows or fate < 0.15:
            rows[key] = self._row(key, golden_keys, day)
        if key not in links or fate < 0.08:
            links[key] = self.chance.choice(golden_keys)
        if fate > 0.9:
            del rows[key], links[key]

    def _row(self, key: str, golden_keys: list[str], day: int) -> Row:
        object_name, instance, record_id = key.split("/")
        at = FIRST_DAY + timedelta(days=day)
        row: Row = {"record_key": key, "object_name": object_name, "instance": instance, "record_id": record_id}
        row |= {"version_at": at, "created_at": FIRST_DAY}
        if golden_keys is COMPANIES:
            return row | {name: self.chance.choice(["a", "b", None]) for name in ("name", "website", "vat_number")}
        row |= {name: self.chance.choice(["a", "b", None]) for name in TEXTS}
        refuses = self.chance.random() < 0.2
        row |= {"has_opted_out_of_email": refuses, "opted_out_of_email_since": at if refuses else None}
        return row | {"account_record_key": f"erp__customer/main/{self.chance.randrange(6)}"}

    def states(self) -> dict[str, list[str]]:
        """Golden key -> all that its golden record is made of."""
        found: dict[str, list[str]] = {}
        for key, row in self.persons.items():
            company = self.company_of.get(row["account_record_key"])
            found.setdefault(self.person_of[key], []).append(repr((row, company)))
        for key, row in self.companies.items():
            found.setdefault(self.company_of[key], []).append(repr(row))
        for person, day in self.consents.items():
            found.setdefault(person, []).append(str(day))
        return found


class World:
    """A warehouse whose silver is what people are made to be, and the golden records over it."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self.installation = installation
        self.people = People(random.Random(seed))
        self._states: dict[str, list[str]] = {}
        self._day = 0
        steps.build_silver(installation, selection=EMPTY)
        with installation.warehouse.session("test") as session:
            write_consent_decisions(session, installation, number=1)

    def live_on(self) -> None:
        """A day passes, and a resolution notes whom that has touched."""
        self.people.live_on(self._day)
        self._day += 1
        people, states = self.people, self.people.states()
        touched = {key for key in {*states, *self._states} if states.get(key) != self._states.get(key)}
        self._states = states
        contact, account = (self.installation.catalog.entities[name] for name in ("contact", "account"))
        with self.installation.warehouse.session("test") as session:
            fill(session, "silver.contact_record", people.persons.values())
            fill(session, "silver.account_record", people.companies.values())
            fill(session, "identity.person_link", links(contact, people.person_of))
            fill(session, "identity.company_link", links(account, people.company_of))
            decided = [
                {"decision_id": day, "person_key": person, "channel": "email", "accepted_at": FIRST_DAY}
                for person, day in people.consents.items()
            ]
            fill(session, "pipeline.consent_decision", decided)
            number = last_change(session, (contact, account)) + 1
            for entity, prefix in ((contact, "per_"), (account, "com_")):
                keys = [sql_text(key) for key in sorted(touched) if key.startswith(prefix)]
                stamp(session, entity, f"select unnest([{', '.join(keys)}]::varchar[]) as {entity.key}", number=number)

    def build(self, *selection: str) -> TransformReport:
        """The golden records."""
        return steps.build_gold(self.installation, selection=selection or FOLLOWERS)

    def execute(self, statement: str) -> None:
        """Run a statement in the warehouse."""
        with self.installation.warehouse.session("test") as session:
            session.execute(statement)

    def golden(self) -> dict[str, list[str]]:
        """Table -> its rows."""
        with self.installation.warehouse.session("test") as session:
            return {name: sorted(map(repr, session.read(f"gold.{name}").to_pylist())) for name in FOLLOWERS}

    def published(self) -> dict[str, int]:
        """Table -> how often it was published."""
        location = self.installation.location
        return {name: DeltaTable(location.table_url("gold", name)).version() for name in FOLLOWERS}


def links(entity: Entity, keys: dict[str, str]) -> list[Row]:
    """Rows of a table of links."""
    return [{"record_key": record_key, entity.key: key} for record_key, key in keys.items()]


def fill(session: Session, table: str, rows: Any) -> None:
    """Replace the rows of a table, whose columns stay what they are."""
    session.execute(f"delete from {table}")
    for row in rows:
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        session.execute(f"insert into {table} ({', '.join(row)}) values ({places})", list(row.values()))


@pytest.fixture
def world(installation: Installation) -> World:
    """A world whose golden records were built once."""
    made = World(installation, seed=7)
    made.live_on()
    made.build()
    return made


def test_golden_records_that_follow_are_those_of_a_build_from_nothing(world: World) -> None:
    """After each day, row for row; people merge, come and go, and one day the rules are other ones."""
    others: set[str] = set()
    for day in range(4):
        world.live_on()
        if day == 2:
            world.execute("update pipeline.golden_rule set rule = 'fill_only' where field in ('email', 'website')")
        before = world.golden()
        world.build()
        found = world.golden()
        world.execute("delete from pipeline.model_definition")
        world.build()

        assert found == world.golden(), day
        assert set(before["contact"]) & set(found["contact"]), "nobody was left as they were"
        others |= {name for name in FOLLOWERS if before[name] != found[name]}
    assert set(FOLLOWERS) == others


def test_what_no_resolution_has_touched_is_neither_built_nor_published(world: World) -> None:
    """Of a person who is touched every row is made again, all others stay; without anybody nothing is published."""
    before, published = world.golden(), world.published()
    world.execute("update gold.contact set first_name = 'nobody reads this'")
    assert set(FOLLOWERS) == set(world.build().unchanged)
    assert published == world.published()

    person = min(world.people.persons)
    touched = world.people.person_of[person]
    entity = world.installation.catalog.entities["contact"]
    with world.installation.warehouse.session("test") as session:
        number = last_change(session, [entity]) + 1
        stamp(session, entity, f"select {sql_text(touched)} as person_key", number=number)
    report = world.build()

    assert {"account", "account_field"} == set(report.unchanged)
    assert {name: version + (name not in report.unchanged) for name, version in published.items()} == world.published()
    expected = [row for row in before["contact"] if touched in row]
    assert expected == [row for row in world.golden()["contact"] if "nobody reads this" not in row]
    assert {name: before[name] for name in FOLLOWERS if name != "contact"} == {
        name: rows for name, rows in world.golden().items() if name != "contact"
    }


def test_changes_are_not_seen_before_readers_have_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lake that cannot be written, a build of a part and a table that is gone leave nothing behind for good."""

    def refuse(*_arguments: object) -> None:
        raise StorageError("No.")

    world.live_on()
    published = world.published()
    with monkeypatch.context() as patch:
        patch.setattr(steps, "publish_file", refuse)
        with pytest.raises(StorageError):
            world.build()
    world.build("account")
    assert {"account", "account_field"} == {name for name in FOLLOWERS if published[name] != world.published()[name]}
    world.execute("drop table gold.contact_field")
    world.build("contact")
    world.build("duplicates")
    found = world.golden()
    world.execute("delete from pipeline.model_definition")
    world.build()

    assert found == world.golden()
    assert {name: version + 2 for name, version in published.items()} == world.published()


def test_numbers_that_begin_again_are_not_taken_for_old(world: World) -> None:
    """Whoever has lost which resolution touched whom builds everything anew."""
    world.execute("delete from identity.person_change")
    world.execute("delete from identity.company_change")
    world.execute("update gold.contact set first_name = 'old'")

    assert () == world.build().unchanged
    assert "'first_name': 'old'" not in "".join(world.golden()["contact"])


@pytest.mark.parametrize(("twice", "status"), [("touched", "fail"), ("left", "pass")])
def test_the_grain_is_tested_where_it_may_have_broken(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, twice: str, status: str
) -> None:
    """Rows of what has changed are looked at, those of what was looked at before are not again."""
    columns = ", ".join(f"'{twice}' as {name}" for name in ("person_key", "field"))
    warehouse.query("create schema gold")
    warehouse.query(f"create table gold.contact_field as select {columns} from range(2)")
    warehouse.query("insert into identity.person_change values ('touched', 2), ('left', 1)")
    monkeypatch.setenv("CONTACT_SYNC_CHANGES_SEEN", "contact_field=1")
    going_on = '{"contact_field": {"key": "person_key", "changes": "identity.person_change"}}'
    for known, expected in ((going_on, status), ("{}", "fail")):
        monkeypatch.setenv("CONTACT_SYNC_GOING_ON", known)
        assert [expected] == grain_of_fields(warehouse)


def grain_of_fields(warehouse: Warehouse) -> list[str]:
    """What the test of the grain finds."""
    command = ("test", "--select", "contact_field_grain")
    runner = dbtRunner(manifest=warehouse.project.manifest)
    return [str(one.status) for one in invoke_dbt(runner, warehouse.path, warehouse.project.artifacts, command).results]
