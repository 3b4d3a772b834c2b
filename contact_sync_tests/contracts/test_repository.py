"""Contracts of the files around the code: the lock, the wheel's contents, the settings' example, the decisions."""

from __future__ import annotations

import configparser
import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from contact_sync.settings import PREFIX, Settings

LONGEST_DECISION = 40
CLIENTS = ("simple-salesforce", "tap-salesforce", "node", "polars")
LOCKS = ("requirements.lock", "requirements-bootstrap.txt", *(f".ci/clients/{name}.txt" for name in CLIENTS))
INSTANCE = "<NAME>"


def setting_variables(model: type[BaseModel], prefix: str) -> set[str]:
    """Names of the environment variables of a settings model; in a table of instances <NAME> stands for the name."""
    names: set[str] = set()
    for field_name, field in model.model_fields.items():
        variable = f"{prefix}{field_name.upper()}"
        nested = [part for part in (field.annotation, *get_args(field.annotation)) if isinstance(part, type)]
        models = [part for part in nested if issubclass(part, BaseModel)]
        if not models:
            names.add(variable)
        elif models[0] is field.annotation:
            names |= setting_variables(models[0], f"{variable}__")
        else:
            names |= setting_variables(models[0], f"{variable}__{INSTANCE}__")
    return names


def example_variables(text: str) -> set[str]:
    """Names assigned in a .env file, commented out or not; the instance MAIN stands for any."""
    names = re.findall(rf"^(?:# ?)?({PREFIX}\w+)=", text, flags=re.MULTILINE)
    return {re.sub(r"__MAIN__", f"__{INSTANCE}__", name) for name in names}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_every_package_by_hash(repository: Path, name: str) -> None:
    """Each requirement has an exact version and at least one sha256 hash."""
    text = (repository / name).read_text(encoding="utf-8")
    requirements = text.replace("\\\n", " ").strip().splitlines()

    assert [] == [line for line in requirements if not re.fullmatch(r"\S+==\S+ .*--hash=sha256:[0-9a-f]{64}\s*", line)]


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_host(repository: Path, name: str) -> None:
    """A lock holds no address, index or folder, so that it installs from whichever index a company has."""
    text = (repository / name).read_text(encoding="utf-8")

    assert [] == re.findall(r"^.*(?:://|--(?:extra-)?index-url|--find-links| @ ).*$", text, flags=re.MULTILINE)


def test_lock_covers_every_declared_dependency(repository: Path) -> None:
    """Each dependency of pyproject.toml, extras included, is pinned: `make lock` was run after the last change."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = chain(project["dependencies"], *project["optional-dependencies"].values())
    lock = (repository / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))

    assert [] == [name for name in declared if re.split(r"[\[<>=!~ ]", name)[0] not in pinned]


def test_example_names_every_setting(repository: Path) -> None:
    """.env.example lists exactly the variables that Settings reads."""
    example = (repository / ".env.example").read_text(encoding="utf-8")

    assert setting_variables(Settings, PREFIX) == example_variables(example)


def test_example_is_valid(repository: Path, tmp_path: Path) -> None:
    """A copy of .env.example with everything switched on is accepted by Settings."""
    example = (repository / ".env.example").read_text(encoding="utf-8")
    switched_on = tmp_path / "all.env"
    switched_on.write_text(re.sub(rf"^# ?({PREFIX})", r"\1", example, flags=re.MULTILINE), encoding="utf-8")

    settings = Settings(_env_file=switched_on)

    assert ("main",) == settings.instances("salesforce")


def test_every_way_to_start_dagster_loads_the_same_definitions(repository: Path) -> None:
    """workspace.yaml, `dagster dev` and `dg` name the same module and code location."""
    tool = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    workspace = yaml.safe_load((repository / "workspace.yaml").read_text(encoding="utf-8"))
    module = workspace["load_from"][0]["python_module"]

    expected = {("contact_sync.definitions", "contact_sync")}

    assert expected == {
        (module["module_name"], module["location_name"]),
        (tool["dagster"]["module_name"], tool["dagster"]["code_location_name"]),
        (tool["dg"]["project"]["code_location_target_module"], tool["dg"]["project"]["code_location_name"]),
    }


def test_every_import_contract_has_its_own_name(repository: Path) -> None:
    """Contract names in setup.cfg are distinct, so that a broken one can be told from its neighbours."""
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg")
    names = [parser[section]["name"] for section in parser.sections() if section != "importlinter"]

    assert sorted(set(names)) == sorted(names)


def test_decisions_are_numbered_and_short(repository: Path) -> None:
    """Decision records are numbered from 1 without a gap and stay under 40 lines."""
    records = sorted((repository / "docs" / "decisions").glob("*.md"))
    numbers = [int(record.name[:4]) for record in records]

    assert list(range(1, len(records) + 1)) == numbers
    assert [] == [r.name for r in records if len(r.read_text(encoding="utf-8").splitlines()) >= LONGEST_DECISION]
