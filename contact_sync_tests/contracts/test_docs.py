"""The documentation cannot drift from the code: commands, settings, paths and links that it names exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from contact_sync.automation import alerts, jobs, maintenance
from contact_sync.catalog import CatalogObject, load_catalog
from contact_sync.cli.main import app
from contact_sync.errors import ContactSyncError
from contact_sync.pipeline.installation import Installation
from contact_sync.settings import PREFIX, Settings
from contact_sync_tests.contracts.test_repository import setting_variables

# What a wrong command line raises; typer brings a click of its own and gives only the kinds of this error public names.
UsageError = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")
COMMAND_LINE = re.compile(r"(?:^ {4,}|^\$ |`)(?:\.venv/bin/)?(contact-sync [^`\n]*)", flags=re.MULTILINE)


def documents(repository: Path) -> list[Path]:
    """README, CONTRIBUTING and everything below docs."""
    return [repository / "README.md", repository / "CONTRIBUTING.md", *sorted((repository / "docs").rglob("*.md"))]


def command_lines(text: str) -> Iterator[str]:
    """Every command line of ours that a text shows, without its comment."""
    for found in COMMAND_LINE.findall(text):
        yield found.split(" # ")[0].strip()


def errors(root: type[ContactSyncError]) -> Iterator[str]:
    """The names of an error and of all kinds of it."""
    yield root.__name__
    for kind in root.__subclasses__():
        yield from errors(kind)


@pytest.fixture(scope="module")
def program() -> TyperGroup:
    """The command line with all its commands."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def parse(program: TyperGroup, line: str) -> None:
    """Parse a command line without running it; UsageError if it is wrong."""
    name, *arguments = shlex.split(line)[1:]
    program.commands[name].make_context(name, arguments)


def test_every_command_is_documented(repository: Path, program: TyperGroup) -> None:
    """README's table of commands has exactly the commands there are."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `contact-sync (\w+)", readme, flags=re.MULTILINE)

    assert sorted(program.commands) == sorted(documented)


def test_every_command_line_is_understood(repository: Path, program: TyperGroup) -> None:
    """Each `contact-sync ...` that the documentation shows names a command and options that exist."""
    refused = {}
    for path in documents(repository):
        for line in command_lines(path.read_text(encoding="utf-8")):
            try:
                parse(program, line)
            except (UsageError, KeyError) as error:
                refused[f"{path.name}: {line}"] = str(error)

    assert {} == refused


@pytest.mark.parametrize("line", ["contact-sync frobnicate", "contact-sync plan --shows 3", "contact-sync status now"])
def test_a_wrong_command_line_would_be_found(program: TyperGroup, line: str) -> None:
    """The check above refuses an unknown command, an unknown option and an argument too many."""
    with pytest.raises((UsageError, KeyError)):
        parse(program, next(command_lines(f"    {line}  # as a reader would type it")))


def test_the_settings_table_is_complete(repository: Path) -> None:
    """README's table has exactly the variables that Settings reads, once each."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    rows = re.findall(rf"^\| `({PREFIX}[\w<>]+)` \|", readme, flags=re.MULTILINE)

    assert sorted(setting_variables(Settings, PREFIX)) == sorted(rows)


def test_the_settings_table_tells_the_defaults(repository: Path) -> None:
    """Where a setting has a plain default, README's table shows it."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    plain = {
        f"{PREFIX}{name.upper()}": str(field.default)
        for name, field in Settings.model_fields.items()
        if isinstance(field.default, str | int | Path)
    }

    shown = {
        name: re.search(rf"^\| `{name}` \| `?([^`|]*?)`? \|", readme, flags=re.MULTILINE) for name in sorted(plain)
    }

    assert plain == {name: found.group(1) if found else None for name, found in shown.items()}


def test_every_variable_named_exists(repository: Path) -> None:
    """Each CONTACT_SYNC_ variable in the documentation is a setting of some instance, or its _FILE form."""
    known = {
        re.compile(name.replace("<NAME>", "[A-Z0-9<>]+?") + "(_FILE)?") for name in setting_variables(Settings, PREFIX)
    }

    unknown = {
        f"{path.name}: {name}"
        for path in documents(repository)
        for name in re.findall(rf"{PREFIX}[A-Z0-9_<>]*[A-Z0-9>]", path.read_text(encoding="utf-8"))
        if not any(pattern.fullmatch(name) for pattern in known)
    }

    assert set() == unknown


def test_every_link_leads_somewhere(repository: Path) -> None:
    """Each relative link and picture in the documentation exists."""
    broken = [
        f"{path.name}: {link}"
        for path in documents(repository)
        for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
        if "://" not in link and not (path.parent / link).exists()
    ]

    assert [] == broken


def test_the_graph_picture_is_a_large_png(repository: Path) -> None:
    """The picture in README is a PNG of at least 1600 by 900 pixels."""
    content = (repository / "docs" / "images" / "asset_graph.png").read_bytes()
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])

    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert width >= 1600
    assert height >= 900


def test_adding_a_source_explains_every_key(repository: Path) -> None:
    """docs/adding_a_source.md names every key that an object in the catalog can have."""
    page = (repository / "docs" / "adding_a_source.md").read_text(encoding="utf-8")

    assert [] == [name for name in CatalogObject.model_fields if f"`{name}`" not in page]


def test_the_runbook_knows_every_alert(repository: Path) -> None:
    """The runbook has the jobs, sensors and errors that an alert can name."""
    runbook = (repository / "docs" / "operations" / "runbook.md").read_text(encoding="utf-8")
    sensors = [sensor.name for sensor in alerts.alert_sensors(Installation.from_environment())]
    named = [*sensors, jobs.REFRESH, jobs.RECONCILE, maintenance.MAINTENANCE, *errors(ContactSyncError)]

    assert [] == [name for name in named if f"`{name}`" not in runbook]


def test_objects_named_in_documents_exist(repository: Path) -> None:
    """Each object that a shown `contact-sync extract` reads is in the shipped catalog, but the example to be added."""
    objects = load_catalog(repository / "contact_sync" / "catalog").objects
    words = {
        shlex.split(line)[2]
        for path in documents(repository)
        for line in command_lines(path.read_text(encoding="utf-8"))
        if line.startswith("contact-sync extract ")
    }
    named = {word for word in words if word.startswith(tuple("abcdefghijklmnopqrstuvwxyz")) and "*" not in word}

    assert {"salesforce__campaign"} >= named - set(objects)
