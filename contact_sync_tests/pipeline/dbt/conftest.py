"""A DuckDB warehouse as Python hands it to dbt (bronze, pipeline and identity tables), and dbt run in process over it.

Nothing of dbt is written into the repository: artifacts go to a directory of the test session.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from contact_sync.pipeline.installation import Installation
from contact_sync.quality.history import create_tables
from contact_sync.settings import load_settings
from contact_sync.warehouse.duckdb import DuckDBSession
from contact_sync_tests.pipeline.dbt.published import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

# The name of the file is the name of the database in every compiled statement, so all warehouses share it.
WAREHOUSE_FILE = "warehouse.duckdb"
DBT_PROJECT = Path(__file__).parents[3] / "dbt_project"
STATE_TABLES = """
    create schema bronze;
    create schema pipeline;
    create schema identity;
    create table pipeline.bronze_window (object_name text, instance text, after_sequence bigint, up_to_sequence bigint);
    create table pipeline.golden_rule (
        entity text, field text, field_group text, source_object text, is_owner boolean, rule text, trust integer,
        null_policy text
    );
    create table pipeline.refresh as
        select 1::bigint as number, timestamptz '2026-03-02 12:00:00+00' as started_at, date '2026-03-02' as started_on;
    create table pipeline.normalized_value (
        kind text, raw text, hint text, normalized text, rule text, library text, library_version text,
        noted_at timestamptz
    );
    create table pipeline.consent_decision (
        decision_id bigint, person_key text, channel text, accepted_at timestamptz, steward text
    );
    create table pipeline.object_reading (
        object_name text, instance text, read_up_to timestamptz, lag_seconds bigint, promise_seconds bigint
    );
    create table identity.person_link (record_key text, person_key text);
    create table pipeline.contact_joining_pair (record_key_1 text, record_key_2 text, rule text);
    create table pipeline.account_joining_pair (record_key_1 text, record_key_2 text, rule text);
    create table identity.company_link (record_key text, company_key text);
    create table identity.person_change (person_key text, changed_in bigint);
    create table identity.company_change (company_key text, changed_in bigint);
"""
GOLDEN_RULES = """
    insert into pipeline.golden_rule
    select
        field.entity,
        field.field,
        case
            when field.field in ('street', 'city', 'state', 'postal_code', 'country') then 'address'
            else field.field
        end,
        source.source_object,
        field.field in ('credit_limit', 'payment_terms') and source.source_object = 'erp__customer',
        case when field.field in ('job_title', 'name') then 'trust' else 'most_recent' end,
        source.trust,
        'ignore'
    from (
        select 'contact' as entity, unnest([
            'first_name', 'last_name', 'email', 'phone', 'mobile_phone', 'job_title',
            'street', 'city', 'state', 'postal_code', 'country', 'company_key'
        ]) as field
        union all
        select 'account' as entity, unnest([
            'name', 'account_number', 'vat_number', 'phone', 'website',
            'street', 'city', 'state', 'postal_code', 'country', 'credit_limit', 'payment_terms'
        ]) as field
    ) as field
    join (values
        ('contact', 'salesforce__contact', 1), ('contact', 'erp__contact', 2),
        ('contact', 'salesforce__lead', 3), ('contact', 'drops__trade_show', 4),
        ('account', 'salesforce__account', 1), ('account', 'erp__customer', 2)
    ) as source (entity, source_object, trust)
        on source.entity = field.entity
"""
LINEAGE_COLUMNS = {
    "_sequence": 1,
    "_is_deleted": False,
    "_extracted_at": "2026-03-01 00:00:00+00",
    "_batch_id": "batch",
}
INSTANCES = ("core", "emea", "main")
ACCOUNT_ID = "001000000000001AAA"


@cache
def bronze_columns() -> Mapping[str, Mapping[str, str]]:
    """Column types of each bronze table, as the dbt project declares its source."""
    declared = yaml.safe_load((DBT_PROJECT / "models/silver/sources.yml").read_text(encoding="utf-8"))
    tables = next(source["tables"] for source in declared["sources"] if source["name"] == "bronze")
    return {table["name"]: {column["name"]: column["data_type"] for column in table["columns"]} for table in tables}


@dataclass(frozen=True)
class Project:
    """The dbt project, parsed once per session: parsing it for every warehouse would take most of the time."""

    artifacts: Path
    manifest: Manifest

    @property
    def manifest_path(self) -> Path:
        """The manifest as the file that Dagster reads."""
        return self.artifacts / "manifest.json"


@dataclass(frozen=True)
class Warehouse:
    """One DuckDB file and the dbt project over it."""

    path: Path
    project: Project

    def create(self) -> None:
        """Make every table that Python provides; only the golden rules have rows, as before the first refresh."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(STATE_TABLES)
            connection.execute(GOLDEN_RULES)
            connection.execute("create schema silver")
            create_tables(DuckDBSession(connection))
            for name, columns in bronze_columns().items():
                declared = ", ".join(f'"{column}" {data_type}' for column, data_type in columns.items())
                connection.execute(f"create table bronze.{name} ({declared})")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows a statement returns."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def insert(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Append rows; columns a row does not name are null."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                places = ", ".join("?" for _ in row)
                connection.execute(f"insert into {table} ({names}) values ({places})", list(row.values()))

    def add_bronze(self, object_name: str, *rows: Mapping[str, object], instance: str = "core") -> None:
        """Append bronze rows of one instance, with lineage columns where the row does not give them."""
        self.insert(f"bronze.{object_name}", ({"_instance": instance, **LINEAGE_COLUMNS, **row} for row in rows))

    def set_window(
        self, *, after_sequence: int = 0, up_to_sequence: int = 1_000, instances: Iterable[str] = INSTANCES
    ) -> None:
        """Give the instances of every object the same window of bronze commits to process."""
        sequences = {"after_sequence": after_sequence, "up_to_sequence": up_to_sequence}
        windows = (
            {"object_name": name, "instance": instance, **sequences}
            for instance in instances
            for name in bronze_columns()
        )
        self.query("delete from pipeline.bronze_window")
        self.insert("pipeline.bronze_window", windows)

    def run_dbt(self, *command: str) -> set[str]:
        """Run a dbt command in process; the names of the nodes that ran, all of which must have succeeded."""
        runner = dbtRunner(manifest=self.project.manifest)
        results = invoke_dbt(runner, self.path, self.project.artifacts, command).results
        # A test that warns does so of the rows a test put in to be refused.
        failed = {node.node.name: node.message for node in results if node.status not in {"success", "pass", "warn"}}
        assert {} == failed
        return {node.node.name for node in results}

    def run_models(self, *arguments: str) -> set[str]:
        """Run models, named first, and the seed that they read, without their tests."""
        left_out = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
        return self.run_dbt("build", "--select", "picklist_value", *arguments, *left_out)

    def build(self, *groups: str) -> set[str]:
        """Build groups and run their data tests, as the pipeline does."""
        selection = " ".join(f"group:{group}" for group in groups)
        return self.run_dbt("build", "--select", selection, "--exclude-resource-type", "unit_test")


def invoke_dbt(
    runner: dbtRunner, warehouse_path: Path, artifacts: Path, command: Iterable[str], *, project: Path = DBT_PROJECT
) -> Any:
    """What a dbt command returns (its type depends on the command); raises when it could not run at all."""
    directories = {
        "--project-dir": project,
        "--profiles-dir": project,
        "--target-path": artifacts,
        "--log-path": artifacts,
    }
    options = [str(part) for option in directories.items() for part in option]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONTACT_SYNC_WAREHOUSE_PATH", str(warehouse_path))
        try:
            outcome = runner.invoke([*command, *options, "--log-level", "none", "--log-level-file", "none"])
        finally:
            DuckDBConnectionManager.close_all_connections()
    if outcome.exception:
        raise outcome.exception
    return outcome.result


@pytest.fixture(scope="session")
def dbt_project(parsed_dbt: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The parsed dbt project; its artifacts are written outside the repository."""
    artifacts = tmp_path_factory.mktemp("dbt")
    shutil.copytree(parsed_dbt, artifacts, dirs_exist_ok=True)
    return Project(artifacts, Manifest.from_msgpack((artifacts / "partial_parse.msgpack").read_bytes()))


@pytest.fixture(scope="session")
def create_warehouse(dbt_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Warehouse]:
    """Makes a warehouse of its own with each call."""

    def create() -> Warehouse:
        warehouse = Warehouse(tmp_path_factory.mktemp("warehouse") / WAREHOUSE_FILE, dbt_project)
        warehouse.create()
        return warehouse

    return create


@pytest.fixture
def warehouse(create_warehouse: Callable[[], Warehouse]) -> Warehouse:
    """A warehouse as before the first refresh."""
    return create_warehouse()


@pytest.fixture
def installation(parsed_dbt: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation whose one source cannot be reached."""
    monkeypatch.setenv("CONTACT_SYNC_SALESFORCE__CORE__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CONTACT_SYNC_SALESFORCE__CORE__CLIENT_ID", "id")
    monkeypatch.setenv("CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET", "secret")
    with closing(Installation(load_settings(), now=lambda: NOW)) as made:
        shutil.copytree(parsed_dbt, made.dbt.target_path, dirs_exist_ok=True)
        yield made
