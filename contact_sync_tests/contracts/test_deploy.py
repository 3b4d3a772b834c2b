"""The SQL of deploy/ parses, makes every role that it grants, and gives each no more than it is for.

It is not run: the servers that tests use know neither GRANT nor masking policies of Snowflake and Redshift. What is
for PostgreSQL is run, by the tests of the lake.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

SYSTEMS = ("snowflake", "redshift")
BEYOND_SQLGLOT = (
    "create role",
    "create user",
    "create masking policy",
    "grant role",
    "grant apply",
    "grant select on",
    "alter default privileges",
    "grant create",
    "grant all privileges",
)
"""How statements begin that sqlglot takes as they are: their shape is checked below."""
GRANT = re.compile(
    r"grant (?P<privileges>[\w, ]+?) on (?P<kind>(?:all tables in |future tables in |masking policy )?\w*)"
    r" ?(?P<object>[\w.]+) to role (?P<role>\w+)"
)


def statements(path: Path) -> list[str]:
    """The statements of a file, on one line each, without comments."""
    text = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
    return [" ".join(one.split()) for one in text.split(";") if one.strip()]


def every_statement(repository: Path, system: str) -> list[str]:
    """The statements of all files of a system."""
    return [one for path in sorted((repository / "deploy" / system).glob("*.sql")) for one in statements(path)]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_statement_is_understood(repository: Path, system: str) -> None:
    """By sqlglot in the dialect of the system; what it does not know is of a kind that is listed."""
    found = every_statement(repository, system)
    unknown = [
        one
        for one in found
        if isinstance(sqlglot.parse_one(one, dialect=system), exp.Command) and not one.startswith(BEYOND_SQLGLOT)
    ]

    assert len(found) >= 7
    assert [] == unknown
    with pytest.raises(sqlglot.ParseError):
        sqlglot.parse_one("select sha2(value, 256", dialect=system)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_rules_of_masking_are_expressions(repository: Path, system: str) -> None:
    """What stands for a masked value parses in the dialect, hashes the value, and names only roles that exist."""
    policies = [one for one in every_statement(repository, system) if one.startswith("create masking policy")]
    bodies = [re.sub(r".*?(?:->|using \()\s*", "", one, count=1).removesuffix(")") for one in policies]
    parsed = [
        sqlglot.parse_one(f"select {body if body.count('(') == body.count(')') else body + ')'}", dialect=system)
        for body in bodies
    ]

    assert parsed
    assert any(found.find(exp.SHA2) for found in parsed)
    named = {name.lower() for body in bodies for name in re.findall(r"'(CONTACT_SYNC_\w+)'", body)}
    assert named <= roles(repository, system)


def roles(repository: Path, system: str) -> set[str]:
    """The roles that a system's files make."""
    found = [re.fullmatch(r"create role (?:if not exists )?(\w+)", one) for one in every_statement(repository, system)]
    return {one[1] for one in found if one is not None}


def grants(repository: Path, system: str) -> list[tuple[str, str, str, str]]:
    """(role, privileges, kind, object) of every grant on an object."""
    found = [GRANT.search(one) for one in every_statement(repository, system)]
    return [(one["role"], one["privileges"], one["kind"], one["object"]) for one in found if one is not None]


@pytest.mark.parametrize("system", SYSTEMS)
def test_only_roles_that_exist_are_granted(repository: Path, system: str) -> None:
    """Every role in a grant was made, and each of the promised roles has something granted to it."""
    made = roles(repository, system)
    named = {
        name
        for one in every_statement(repository, system)
        if one.startswith(("grant", "alter default"))
        for name in re.findall(r"\brole (\w+)", one)
        if name not in {"sysadmin", "sys"}
    }

    assert {
        f"contact_sync_{name}" for name in ("loader", "transformer", "activation", "reader", "person_reader")
    } <= made
    assert made == named | (made & {"contact_sync_service"})


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_role_has_the_least_it_needs(repository: Path, system: str) -> None:
    """Readers only look, at silver and gold; the loader sees bronze alone; activation never sees bronze."""
    found = grants(repository, system)
    of = {
        role: [(privileges, target) for one, privileges, _, target in found if one == role]
        for role in roles(repository, system)
    }

    assert len(found) >= 14
    assert {"usage", "select"} >= {privileges for privileges, _ in of["contact_sync_reader"]}
    for role, hidden in {
        "contact_sync_reader": ("bronze", "pipeline", "identity", "activation"),
        "contact_sync_activation": ("bronze", "identity"),
        "contact_sync_loader": ("silver", "gold", "identity", "activation", "pipeline"),
    }.items():
        assert [] == [target for _, target in of[role] if target.split(".")[-1] in hidden]
