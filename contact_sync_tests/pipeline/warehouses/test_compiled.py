"""The SQL that Snowflake and Redshift are sent: it parses in their dialects, and a review sees every change of it.

Nothing is connected: dbt compiles as in every run after the first, when the tables are there.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from dbt.adapters.redshift import RedshiftAdapter
from dbt.adapters.snowflake import SnowflakeAdapter
from dbt.cli.main import dbtRunner
from sqlglot import exp

pytestmark = pytest.mark.timeout(300)
ENGINES = {"snowflake": SnowflakeAdapter, "redshift": RedshiftAdapter}
REWRITE = "REWRITE_GOLDEN"
CONNECTION = {
    "ACCOUNT": "account",
    "HOST": "127.0.0.1",
    "PORT": "1",
    "PROTOCOL": "http",
    "USER": "nobody",
    "DATABASE": "contacts",
}
COMPILED_HERE = re.compile(r"models/[^.]+\.sql")
# What no engine but DuckDB (or PostgreSQL) understands, and sqlglot lets pass in any dialect.
FOREIGN = {
    "snowflake": re.compile(r"\b(regexp_matches|strip_accents|nfc_normalize|pg_input_is_valid|list_\w+)\(|~ '"),
    "redshift": re.compile(
        r"\b(regexp_matches|strip_accents|nfc_normalize|pg_input_is_valid|list_\w+)\(|is (not )?distinct from|qualify"
    ),
}


def compiled_models(engine: str, repository: Path, directory: Path) -> dict[str, str]:
    """path below models/ -> SQL of every model, as it is when its tables exist."""
    project = repository / "dbt_project"
    columns = declared_columns(project)

    def every_table_exists(adapter: Any, database: str, schema: str, identifier: str) -> Any:
        return adapter.Relation.create(database=database, schema=schema, identifier=identifier, type="table")

    def every_column_exists(adapter: Any, _relation: Any) -> list[Any]:
        return [adapter.Column(name, "varchar") for name in columns]

    arguments = ["compile", "--select", "resource_type:model", "--no-introspect", "--no-populate-cache"]
    places = ["--project-dir", project, "--profiles-dir", project, "--target-path", directory, "--log-path", directory]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTACT_SYNC_DBT_TARGET", engine)
        for name, value in CONNECTION.items():
            patch.setenv(f"CONTACT_SYNC_WAREHOUSE_{name}", value)
        patch.setattr(ENGINES[engine], "get_relation", every_table_exists)
        patch.setattr(ENGINES[engine], "get_columns_in_relation", every_column_exists)
        silence = ["--log-level", "none", "--log-level-file", "none"]
        outcome = dbtRunner().invoke([*silence, *arguments, *map(str, places), "--threads", "1"])
    assert outcome.exception is None, outcome.exception
    root = directory / "compiled" / "contact_sync"
    found = [path for path in root.rglob("*.sql") if COMPILED_HERE.fullmatch(str(path.relative_to(root)))]
    return {str(path.relative_to(root / "models")): path.read_text(encoding="utf-8").strip() + "\n" for path in found}


def declared_columns(project: Path) -> list[str]:
    """The names of all columns that models declare."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (project / "models").rglob("*.yml")]
    models = [model for file in files for model in file.get("models", [])]
    return sorted({column["name"] for model in models for column in model["columns"]})


@pytest.fixture(scope="module", params=ENGINES)
def compiled(
    request: pytest.FixtureRequest, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, str]]:
    """An engine and its SQL."""
    return request.param, compiled_models(request.param, repository, tmp_path_factory.mktemp(request.param))


def test_the_sql_is_the_reviewed_one(compiled: tuple[str, dict[str, str]], repository: Path) -> None:
    """Every model's SQL is as in its golden file, and there is no golden file of a model that is gone."""
    engine, models = compiled
    golden = repository / "contact_sync_tests" / "golden" / "compiled" / engine
    if os.environ.get(REWRITE):
        shutil.rmtree(golden, ignore_errors=True)
        for name, sql in models.items():
            (golden / name).parent.mkdir(parents=True, exist_ok=True)
            (golden / name).write_text(sql, encoding="utf-8")
    reviewed = {str(path.relative_to(golden)): path.read_text(encoding="utf-8") for path in golden.rglob("*.sql")}

    differing = sorted(name for name in reviewed.keys() | models.keys() if reviewed.get(name) != models.get(name))

    assert [] == differing, f"run with {REWRITE}=1 and review: pytest {Path(__file__).relative_to(repository)}"


def test_every_model_is_there(compiled: tuple[str, dict[str, str]], repository: Path) -> None:
    """Each file of a model has its compiled SQL, and a golden file."""
    engine, models = compiled
    project = repository / "dbt_project" / "models"
    golden = repository / "contact_sync_tests" / "golden" / "compiled" / engine

    written, reviewed = ({str(path.relative_to(root)) for path in root.rglob("*.sql")} for root in (project, golden))

    assert (written, written) == (set(models), reviewed)


def test_the_sql_is_of_its_dialect(compiled: tuple[str, dict[str, str]]) -> None:
    """Each model parses as one query of the dialect, without a command that sqlglot only passed on."""
    engine, models = compiled
    for name, sql in models.items():
        statements = sqlglot.parse(sql, dialect=engine)
        assert (name, [True]) == (name, [isinstance(one, exp.Query) for one in statements])
        assert (name, None) == (name, FOREIGN[engine].search(sql))
