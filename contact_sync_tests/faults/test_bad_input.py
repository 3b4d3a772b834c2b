"""What a user gets wrong: exit code 1, one message that names what and where, no stack trace and no secret."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contact_sync.cli.main import app
from contact_sync.connectors.retry import Retry
from contact_sync.lake.delta import DeltaBronzeTable
from contact_sync.lake.location import LakeLocation
from contact_sync.simulator import World

pytestmark = pytest.mark.postgres

CONTACT = "salesforce__contact"
SECRET = "the-secret-itself"
HEADER = "event,scanned_at,badge_id,first_name,last_name,email,phone,company,job_title,city,country,notes"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One org, the ERP and a bucket."""
    with World.start(tmp_path_factory.mktemp("world"), contacts=40, accounts=10, instances=("core",)) as world:
        yield world


@dataclass
class Shell:
    """The command line with an environment of its own."""

    environment: dict[str, str]
    catalog: Path
    lake: Path
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *arguments: str) -> Any:
        """Run a command; whatever it ends with, it is no stack trace."""
        result = self.runner.invoke(app, list(arguments), env=self.environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        assert SECRET not in result.output
        return result

    def fails(self, *arguments: str) -> str:
        """Run a command that has to fail; returns its message, which `--json` tells as well."""
        told = self(*arguments)
        assert 1 == told.exit_code, told.output
        document = json.loads(self(*arguments, "--json").stdout)
        assert {"error", "message", "remedy"} == set(document)
        assert document["message"] in told.stderr
        return str(document["message"])

    def edit(self, name: str, old: str, new: str) -> Path:
        """Change a file of this shell's own catalog."""
        path = self.catalog / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path


@pytest.fixture
def shell(world: World, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The command line, led to the world and to a copy of the catalog; it repeats calls without waiting."""
    monkeypatch.setattr(Retry, "delay", lambda *_: 0.0)
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    for path in (repository / "contact_sync/catalog").glob("*.yaml"):
        shutil.copy(path, catalog)
    lake = tmp_path / "lake"
    own = {"CONTACT_SYNC_CATALOG": str(catalog), "CONTACT_SYNC_LAKE": str(lake)}
    return Shell(environment={**world.settings(), **own}, catalog=catalog, lake=lake)


def closed_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_wrong_salesforce_credentials(shell: Shell) -> None:
    """Refused credentials name the instance, and never the secret."""
    shell.environment["CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET"] = SECRET

    assert "core" in shell.fails("extract", CONTACT, "--instance", "core")


def test_wrong_database_password(shell: Shell) -> None:
    """A refused database password names the instance, and never the URL."""
    user = shell.environment["CONTACT_SYNC_ERP__MAIN__URL"].split("//")[1].split(":")[0]
    rest = shell.environment["CONTACT_SYNC_ERP__MAIN__URL"].split("@")[1]
    shell.environment["CONTACT_SYNC_ERP__MAIN__URL"] = f"postgresql://{user}:{SECRET}@{rest}"

    assert "Database instance main" in shell.fails("extract", "erp__customer", "--instance", "main")


@pytest.mark.parametrize(
    ("name", "instance", "variable", "url"),
    [
        (CONTACT, "core", "CONTACT_SYNC_SALESFORCE__CORE__URL", "http://127.0.0.1:{port}"),
        ("erp__contact", "main", "CONTACT_SYNC_ERP__MAIN__URL", "postgresql://reader:{secret}@127.0.0.1:{port}/erp"),
        ("drops__trade_show", "main", "CONTACT_SYNC_S3__ENDPOINT", "http://127.0.0.1:{port}"),
    ],
)
def test_unreachable_source(shell: Shell, name: str, instance: str, variable: str, url: str) -> None:
    """A source where nobody listens is named, with its object or instance."""
    shell.environment[variable] = url.format(port=closed_port(), secret=SECRET)

    message = shell.fails("extract", name, "--instance", instance)

    assert instance in message or name in message
    assert "reach" in message


def test_unknown_object_in_the_catalog(shell: Shell) -> None:
    """An object the catalog does not have is answered with the ones it has."""
    assert "no object salesforce__kontact" in shell.fails("extract", "salesforce__kontact")
    assert "Known objects: drops__trade_show" in shell("extract", "salesforce__kontact").stderr


def test_unknown_object_in_the_source(shell: Shell) -> None:
    """An object or table that the source does not have is named."""
    shell.edit("salesforce.yaml", "object: Case,", "object: Kase,")
    shell.edit("erp.yaml", "object: order,", "object: ordr,")

    assert "Kase" in shell.fails("extract", "salesforce__kase", "--instance", "core")
    assert "erp.ordr" in shell.fails("extract", "erp__ordr", "--instance", "main")


def test_malformed_yaml(shell: Shell) -> None:
    """Broken YAML is named by file, line and column."""
    path = shell.edit("erp.yaml", "{object: contact,", "{object: [contact,")

    assert f"{path}:9:" in shell.fails("extract", "erp__contact")


def test_unknown_connector(shell: Shell) -> None:
    """A connector that does not exist is named with its object, and the known ones."""
    shell.edit("erp.yaml", "connector: sql", "connector: sqll")

    assert "erp__contact: unknown connector sqll." == shell.fails("extract", "erp__contact", "--instance", "main")
    assert "salesforce, sql, files" in shell("extract", "erp__contact", "--instance", "main").stderr


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("CONTACT_SYNC_SALESFORCE__CORE__URL", None, "CONTACT_SYNC_SALESFORCE__CORE__URL"),
        ("CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET", None, "CONTACT_SYNC_SALESFORCE__CORE: "),
        ("CONTACT_SYNC_SALESFORCE__CORE__KIND", "sand", "CONTACT_SYNC_SALESFORCE__CORE__KIND"),
        ("CONTACT_SYNC_SALESFORCE__CORE__CLIENT_SECRET_FILE", "/no/such/file", "/no/such/file cannot be read"),
        ("CONTACT_SYNC_PARTITION_DAYS", "many", "CONTACT_SYNC_PARTITION_DAYS"),
        ("CONTACT_SYNC_STATE", "sqlit", "CONTACT_SYNC_STATE"),
        ("CONTACT_SYNC_STATE", "oracle://x:the-secret-itself@y/z", "CONTACT_SYNC_STATE"),
        ("CONTACT_SYNC_CATALOG", "/no/such/catalog", "/no/such/catalog does not exist"),
        ("CONTACT_SYNC_ERP", "the-secret-itself", "erp"),
    ],
)
def test_settings_missing_or_wrong(shell: Shell, variable: str, value: str | None, expected: str) -> None:
    """A missing or wrong setting, secret file or catalog is named."""
    if value is None:
        del shell.environment[variable]
    else:
        shell.environment[variable] = value

    assert expected in shell.fails("extract", CONTACT, "--instance", "core")


def test_instance_not_configured(shell: Shell) -> None:
    """An instance that is not configured is answered with those that are and the setting to make."""
    assert "salesforce has no instance apac (configured: core)" in shell.fails("extract", CONTACT, "--instance", "apac")
    assert "CONTACT_SYNC_SALESFORCE__APAC__URL" in shell("extract", CONTACT, "--instance", "apac").stderr


def test_no_instance_configured(shell: Shell) -> None:
    """Without any instance of the source there is nothing to extract, which is no success."""
    shell.environment = {name: value for name, value in shell.environment.items() if "__MAIN__" not in name}

    assert "erp has no configured instance" in shell.fails("extract", "erp__contact")


def test_days_that_are_none(shell: Shell) -> None:
    """Days in another notation are refused with an example."""
    assert "2026-11-20" in shell.fails("extract", CONTACT, "--from", "20.11.26")


def test_one_failed_instance_does_not_stop_the_others(shell: Shell) -> None:
    """Of all instances, one refuses: it is told, the others are read, and the exit code is 1."""
    for name, value in {"URL": f"http://127.0.0.1:{closed_port()}", "CLIENT_ID": "a", "CLIENT_SECRET": SECRET}.items():
        shell.environment[f"CONTACT_SYNC_SALESFORCE__APAC__{name}"] = value

    result = shell("extract", CONTACT, "--json")

    apac, core = json.loads(result.stdout)
    assert (1, "SourceUnreachableError", "core") == (result.exit_code, apac["error"], core["instance"])
    assert core["rows"] > 0


BAD_FILES = {
    "wrong_columns.csv": (b"event,badge_id\nfair,1\n", "missing columns: scanned_at"),
    "latin_1.csv": (f"{HEADER}\nfair,,b1,J\xf6rg,,,,,,,,\n".encode("latin-1"), "UTF-8"),
    "latin_1_header.csv": (f"{HEADER},m\xfc\nfair,,b1,,,,,,,,,,\n".encode("latin-1"), "UTF-8"),
    "utf_16.csv": (f"{HEADER}\nfair,,b1,,,,,,,,,\n".encode("utf-16"), "UTF-8"),
    "ragged.csv": (f"{HEADER}\nfair,,b1,a,b\n".encode(), "same number of cells"),
    "no_key.csv": (f"{HEADER}\nfair,,,a,b,,,,,,,\n".encode(), "1 lines without badge_id"),
    "twice[1].csv": (f"{HEADER},notes\nfair,,b1,a,b,,,,,,,,\n".encode(), "a column twice"),
    "nothing.csv": (b"", "not a CSV file"),
}


def test_bad_files_are_refused_and_the_others_read(shell: Shell, world: World) -> None:
    """Each bad file is named with its reason and read no more until it changes; good ones are read at once."""
    assert world.objects is not None
    for name, (content, _) in BAD_FILES.items():
        world.objects.drop(f"trade_show/{name}", content)
    world.objects.drop("trade_show/header_only.csv", f"{HEADER}\n".encode())
    world.objects.drop("trade_show/zz_good.csv", f"{HEADER}\nfair,,good-1,,,,,,,,,\n".encode())

    first = shell("extract", "drops__trade_show", "--instance", "main", "--json")
    refused = json.loads(first.stdout)["refused_files"]

    assert 1 == first.exit_code
    for name, (_, reason) in BAD_FILES.items():
        assert [True] == [reason in text for text in refused if f"trade_show/{name} " in text], name
    assert len(BAD_FILES) == len(refused)
    table = DeltaBronzeTable(LakeLocation(root=str(shell.lake)), "drops__trade_show")
    assert "good-1" in table.distinct("_record_id", "main")

    again = shell("extract", "drops__trade_show", "--instance", "main", "--json")
    assert (0, "", []) == (
        again.exit_code,
        json.loads(again.stdout)["batch_id"],
        json.loads(again.stdout)["refused_files"],
    )

    world.objects.drop("trade_show/twice[1].csv", f"{HEADER}\nfair,,corrected,,,,,,,,,\n".encode())
    corrected = json.loads(shell("extract", "drops__trade_show", "--instance", "main", "--json").stdout)
    assert (1, []) == (corrected["rows_new"], corrected["refused_files"])


def test_names_in_square_brackets_are_shown(shell: Shell, world: World) -> None:
    """A name with square brackets is printed as it is, not taken for markup."""
    assert "matches [bold]x[/bold]." in shell("extract", "[bold]x[/bold]").stderr
