"""Contracts of the package's shape: layers, sizes, names, docstrings and who may read the environment.

Rules that ruff can check (no print outside the cli, no relative imports ...) are in pyproject.toml.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from importlinter.api import read_configuration
from importlinter.application.use_cases import lint_imports

LONGEST_MODULE = 400
LONGEST_DEFINITIONS = 80
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}
SPINE = {"assets", "automation", "definitions.py", "cli"}

# Modules besides settings.py that may read the environment, each with its reason.
ENVIRONMENT_READERS = {
    "cli/start.py": "libraries are told how to load, before any of them is loaded",
    "warehouse/transform.py": "dbt's profile reads the environment: values are set for one invocation and taken back",
    "automation/worker.py": "tells a numeric library to start no threads, before it is imported",
    "cli/dagster_home.py": "gives DAGSTER_HOME to Dagster, here and in child processes",
    "cli/demo.py": "points this process and its children at the simulated systems",
}


def python_files(root: Path) -> list[Path]:
    """All Python files below a directory, sorted."""
    return sorted(root.rglob("*.py"))


def lines(path: Path) -> int:
    """Number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def syntax(path: Path) -> ast.Module:
    """Syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Dotted names of the modules that a file imports anywhere, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def environment_reads(tree: ast.Module) -> bool:
    """Whether a file touches os.environ or os.getenv, by whichever way it imported them."""
    readers = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in readers:
            if isinstance(node.value, ast.Name) and node.value.id == "os":
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == "os" and readers & {name.name for name in node.names}:
            return True
    return False


@pytest.fixture(scope="module")
def package(repository: Path) -> Path:
    """The directory of the package."""
    return repository / "contact_sync"


def test_imports_follow_the_layers(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every import contract of setup.cfg is kept."""
    monkeypatch.chdir(repository)

    kept = lint_imports(config_filename="setup.cfg", cache_dir=None, no_logo=True)

    assert kept, capsys.readouterr().out


def test_every_module_has_a_layer(package: Path, repository: Path) -> None:
    """Each module directly in the package is named by the layers contract, and each layer exists."""
    configuration = read_configuration(str(repository / "setup.cfg"))
    contract = next(options for options in configuration["contracts_options"] if options["type"] == "layers")
    layers = {name.strip() for row in contract["layers"] for name in row.split("|")}

    present = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}

    assert layers | {"simulator"} == present - {"__init__"}


def test_modules_are_short(package: Path, repository: Path) -> None:
    """No module, tests included, is longer than 400 lines."""
    files = chain(python_files(package), python_files(repository / "contact_sync_tests"))

    too_long = {str(path.relative_to(repository)): lines(path) for path in files if lines(path) > LONGEST_MODULE}

    assert {} == too_long


def test_definitions_only_put_things_together(package: Path) -> None:
    """definitions.py stays within 80 lines: it assembles, and does nothing else."""
    assert lines(package / "definitions.py") <= LONGEST_DEFINITIONS


def test_no_module_is_a_drawer(package: Path, repository: Path) -> None:
    """No module or directory is named for being unsorted."""
    paths = chain(package.rglob("*"), (repository / "contact_sync_tests").rglob("*"))

    assert [] == [str(path) for path in paths if path.stem in DRAWERS]


def test_every_module_says_what_belongs_in_it(package: Path, repository: Path) -> None:
    """Each module and each package has a docstring."""
    undocumented = [
        str(path.relative_to(repository)) for path in python_files(package) if not ast.get_docstring(syntax(path))
    ]

    assert [] == undocumented


def test_init_modules_only_name_things(package: Path, repository: Path) -> None:
    """An __init__.py holds a docstring, imports and __all__, and no logic."""
    allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)

    with_logic = [
        str(path.relative_to(repository))
        for path in package.rglob("__init__.py")
        if any(not isinstance(statement, allowed) for statement in syntax(path).body)
    ]

    assert [] == with_logic


def test_only_settings_read_the_environment(package: Path) -> None:
    """No module but settings.py reads environment variables, except those listed here with a reason."""
    readers = {
        str(path.relative_to(package))
        for path in python_files(package)
        if path != package / "settings.py" and environment_reads(syntax(path))
    }

    assert set(ENVIRONMENT_READERS) == readers


def test_only_the_spine_knows_dagster(package: Path) -> None:
    """No module outside assets, automation, definitions and cli imports any part of Dagster."""
    importers = [
        str(path.relative_to(package))
        for path in python_files(package)
        if path.relative_to(package).parts[0] not in SPINE
        and any(name.split(".")[0].startswith("dagster") for name in imported_modules(syntax(path)))
    ]

    assert [] == importers


def test_every_package_has_an_init(package: Path) -> None:
    """Each directory with Python files is a regular package, so that wheels, mypy and the import contracts see it."""
    directories = {path.parent for path in python_files(package)}

    assert [] == [str(directory) for directory in directories if not (directory / "__init__.py").is_file()]
