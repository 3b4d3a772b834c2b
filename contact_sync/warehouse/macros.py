"""Renders SQL that uses the macros of the dbt project, without dbt: for DuckDB, where there is no project to be built.

A file that is matched is normalised by the very macros that normalise silver. Does not belong here: running SQL.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import duckdb
import jinja2

from contact_sync.errors import CatalogError
from contact_sync.sql_text import sql_text

_ENGINES: Final = ("duckdb__", "default__")


def render(project: Path, sql: str) -> str:
    """SQL with the project's macros replaced by what they say in DuckDB; `ref('x')` is the table x."""
    macros = "\n".join(path.read_text(encoding="utf-8") for path in sorted((project / "macros").glob("*.sql")))
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, extensions=["jinja2.ext.do"])  # noqa: S701 -- SQL
    found: dict[str, Any] = {}

    def dispatch(name: str) -> Any:
        return next(found[prefix + name] for prefix in _ENGINES if prefix + name in found)

    environment.globals.update(
        {
            "adapter": SimpleNamespace(dispatch=dispatch),
            "ref": lambda name: name,
            "return": lambda value: value,
            "api": SimpleNamespace(Relation=SimpleNamespace(create=_relation)),
            "target": SimpleNamespace(database="memory"),
            "env_var": lambda _name, default="": default,
            "execute": False,
        }
    )
    environment.filters["join"] = lambda values, by="": by.join(map(str, values))
    try:
        module = environment.from_string(macros).make_module({})
        found.update(vars(module))
        return environment.from_string(sql, globals=found).render()
    except jinja2.TemplateError as error:
        raise CatalogError(
            f"The macros of {project} cannot be read: {error}.", remedy="See whether `dbt parse` says more."
        ) from error


def _relation(*, schema: str, identifier: str, **_database: str) -> str:
    return f"{schema}.{identifier}"


def load_seeds(database: duckdb.DuckDBPyConnection, project: Path, *names: str) -> None:
    """Make tables of seeds, every value text."""
    for name in names:
        file = sql_text(str(project / "seeds" / f"{name}.csv"))
        database.execute(f"create table {name} as from read_csv({file}, all_varchar = true, nullstr = '')")
