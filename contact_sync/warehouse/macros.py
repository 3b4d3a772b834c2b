"""Renders SQL that uses the macros of the dbt project, without dbt: for DuckDB, where there is no project to be built.

A file that is matched is normalised by the very macros that normalise silver. Does not belong here: running SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import duckdb
import jinja2

from contact_sync.errors import CatalogError
from contact_sync.sql_text import sql_text

_ENGINES: Final = ("duckdb__", "default__")
_MACRO: Final = re.compile(r"{%-?\s*macro\s+(\w+)\b.*?{%-?\s*endmacro\s*-?%}", re.DOTALL)


class _ReturnedError(Exception):
    """Carries what a macro returns out of it."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def render(project: Path, sql: str) -> str:
    """SQL with the project's macros replaced by what they say in DuckDB; `ref('x')` is the table x.

    As in dbt a macro returns text, or a value by `return`. Raises CatalogError if a macro cannot be read.
    """
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, extensions=["jinja2.ext.do"])  # noqa: S701 -- SQL
    known = environment.globals
    known.update(
        {
            "adapter": SimpleNamespace(
                dispatch=lambda name: next(known[prefix + name] for prefix in _ENGINES if prefix + name in known)
            ),
            "api": SimpleNamespace(Relation=SimpleNamespace(create=_relation)),
            "target": SimpleNamespace(database="memory"),
            "env_var": lambda _name, default="": default,
            "ref": lambda name: name,
            "return": _return,
            "execute": True,
            # Nothing was built before.
            "this": None,
            "config": lambda **_settings: "",
            "model": SimpleNamespace(name=""),
        }
    )
    try:
        for path in sorted((project / "macros").glob("*.sql")):
            # Each for itself, so that macros find one another among the globals, where they can return values.
            for found in _MACRO.finditer(path.read_text(encoding="utf-8")):
                known[found[1]] = _Macro(environment, name=found[1], code=found[0])
        return environment.from_string(sql).render()
    except (OSError, jinja2.TemplateError) as error:
        raise CatalogError(
            f"The macros of {project} cannot be read: {error}.", remedy="See whether `dbt parse` says more."
        ) from error


def _return(value: Any) -> None:
    raise _ReturnedError(value)


class _Macro:
    """A macro that returns what it says, or a value; read when it is first called, for it may know all others."""

    def __init__(self, environment: jinja2.Environment, *, name: str, code: str) -> None:
        self._environment, self._name, self._code = environment, name, code

    @cached_property
    def _function(self) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self._environment.from_string(self._code).module, self._name)
        return function

    def __call__(self, *values: Any, **named: Any) -> Any:
        try:
            return self._function(*values, **named)
        except _ReturnedError as returned:
            return returned.value


def _relation(*, schema: str, identifier: str, **_database: str) -> str:
    return f"{schema}.{identifier}"


def load_seeds(database: duckdb.DuckDBPyConnection, project: Path, *names: str) -> None:
    """Make tables of seeds, every value text."""
    for name in names:
        file = sql_text(str(project / "seeds" / f"{name}.csv"))
        database.execute(f"create table {name} as from read_csv({file}, all_varchar = true, nullstr = '')")
